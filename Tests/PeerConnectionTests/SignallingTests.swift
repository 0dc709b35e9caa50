import ICE
import SDP
import Testing
import Wire

@testable import PeerConnection

/// The offer/answer machine (W3C §4.4.1.5, RFC 8829 §3.2).
@Suite struct SignallingTests {
    private let now = Fixture.now

    /// A peer in the state `state`, and an offer and answer of another that do not matter to it.
    private func peer(in state: RTCSignalingState) throws -> RTCPeerConnection {
        var peer = Fixture.peer()
        switch state {
        case .stable: break
        case .haveLocalOffer: try peer.setLocalDescription(.offer, at: now)
        case .haveRemoteOffer: try peer.setRemoteDescription(Fixture.chromium(), at: now)
        case .haveLocalPranswer:
            try peer.setRemoteDescription(Fixture.chromium(), at: now)
            try peer.setLocalDescription(.pranswer, at: now)
        case .haveRemotePranswer:
            var other = Fixture.peer(seed: 2, isDoor: false)
            let answer = try other.answer(peer.offer())
            try peer.setRemoteDescription(.init(type: .pranswer, sdp: answer.description), at: now)
        case .closed: peer.close(at: now)
        }
        #expect(peer.signalingState == state)
        _ = peer.drain()
        return peer
    }

    @Test(arguments: [
        (RTCSignalingState.stable, RTCSdpType.answer), (.stable, .pranswer), (.stable, .rollback),
        (.haveLocalOffer, .answer), (.haveLocalOffer, .pranswer), (.haveRemoteOffer, .offer),
        (.haveLocalPranswer, .offer), (.haveLocalPranswer, .rollback), (.haveRemotePranswer, .offer),
        (.haveRemotePranswer, .answer), (.haveRemotePranswer, .pranswer), (.haveRemotePranswer, .rollback),
        (.closed, .offer), (.closed, .answer), (.closed, .pranswer), (.closed, .rollback),
    ])
    func `a local description that the state does not allow is an InvalidStateError`(
        state: RTCSignalingState, type: RTCSdpType
    ) throws {
        var peer = try peer(in: state)
        let before = peer.localDescription
        #expect(failure { try peer.setLocalDescription(type, at: now) } == "InvalidStateError")
        #expect(peer.signalingState == state && peer.localDescription == before)
        #expect(peer.drainNames().isEmpty)
    }

    @Test(arguments: [
        (RTCSignalingState.stable, RTCSdpType.answer), (.stable, .pranswer), (.stable, .rollback),
        (.haveRemoteOffer, .answer), (.haveRemoteOffer, .pranswer), (.haveLocalPranswer, .offer),
        (.haveLocalPranswer, .answer), (.haveLocalPranswer, .pranswer), (.haveLocalPranswer, .rollback),
        (.haveRemotePranswer, .offer), (.haveRemotePranswer, .rollback), (.closed, .offer), (.closed, .answer),
        (.closed, .pranswer), (.closed, .rollback),
    ])
    func `a remote description that the state does not allow is an InvalidStateError`(
        state: RTCSignalingState, type: RTCSdpType
    ) throws {
        var peer = try peer(in: state)
        let before = peer.remoteDescription
        let description = RTCSessionDescription(type: type, sdp: try Fixture.chromium().sdp)
        #expect(failure { try peer.setRemoteDescription(description, at: now) } == "InvalidStateError")
        #expect(peer.signalingState == state && peer.remoteDescription == before)
        #expect(peer.drainNames().isEmpty)
    }

    @Test func `an exchange passes through its states and ends in stable on both sides`() throws {
        var (caller, door) = (Fixture.peer(seed: 2, isDoor: false), Fixture.peer())
        _ = caller.addTransceiver(.video, direction: .recvonly)
        #expect(caller.drainNames() == ["negotiationneeded"])
        let offer = try caller.offer()
        #expect(caller.signalingState == .haveLocalOffer)
        try door.setRemoteDescription(offer, at: now)
        #expect(door.signalingState == .haveRemoteOffer)
        #expect(door.remoteDescription?.type == .offer && door.localDescription == nil)
        try door.setLocalDescription(at: now)
        #expect(door.signalingState == .stable && door.localDescription?.type == .answer)
        try caller.setRemoteDescription(#require(door.localDescription), at: now)
        #expect(caller.signalingState == .stable && caller.remoteDescription?.type == .answer)
        #expect(caller.localDescription?.type == .offer)

        let signalling = { (names: [String]) in names.filter { $0.hasPrefix("signaling") || $0.hasPrefix("track") } }
        #expect(
            signalling(caller.drainNames()) == ["signaling have-local-offer", "track video active", "signaling stable"])
        #expect(signalling(door.drainNames()) == ["signaling have-remote-offer", "signaling stable"])
    }

    @Test func `without an argument the state decides whether an offer or an answer is made`() throws {
        var peer = try peer(in: .stable)
        try peer.setLocalDescription(at: now)
        #expect(peer.localDescription?.type == .offer)
        // in have-local-offer it is another offer
        _ = peer.addTransceiver(.audio, direction: .recvonly)
        try peer.setLocalDescription(at: now)
        #expect(try peer.local.media.count == 3)
        #expect(peer.signalingState == .haveLocalOffer)
        var other = try self.peer(in: .haveRemoteOffer)
        try other.setLocalDescription(at: now)
        #expect(other.localDescription?.type == .answer)
    }

    // RFC 8829 §5.2.2: the version counts up with every description
    @Test func `every description has the session's identifier and the next version`() throws {
        var peer = try peer(in: .stable)
        try peer.setLocalDescription(at: now)
        let first = try peer.local.origin
        try peer.setLocalDescription(at: now)
        let second = try peer.local.origin
        #expect(second.sessionID == first.sessionID && first.sessionID < 1 << 63)
        #expect(second.sessionVersion == first.sessionVersion + 1)
    }

    // MARK: Rollback

    @Test func `a local offer is taken back`() throws {
        var peer = Fixture.peer()
        try peer.setLocalDescription(.offer, at: now)
        #expect(try peer.transceiver(.video).mid != nil)
        try peer.setLocalDescription(.rollback, at: now)
        #expect(peer.signalingState == .stable && peer.localDescription == nil)
        #expect(peer.allTransceivers.allSatisfy { $0.mid == nil })
        // what it asked for is still to be asked for
        #expect(
            peer.drainNames() == [
                "signaling have-local-offer", "gathering gathering", "icecandidate", "end of candidates",
                "gathering complete", "signaling stable", "gathering new", "negotiationneeded",
            ])
    }

    // RFC 8829 §4.1.10.2: by setLocalDescription or setRemoteDescription, whoever's the offer is
    @Test func `either side's rollback takes back an offer of either side`() throws {
        var caller = try peer(in: .haveLocalOffer)
        try caller.setRemoteDescription(.init(type: .rollback, sdp: "no SDP"), at: now)
        #expect(caller.signalingState == .stable && caller.localDescription == nil)
        var door = try peer(in: .haveRemoteOffer)
        try door.setLocalDescription(.rollback, at: now)
        #expect(door.signalingState == .stable && door.remoteDescription == nil)
    }

    @Test func `a remote offer is taken back, with the transceivers it made`() throws {
        var peer = Fixture.peer(isDoor: false)
        let audio = peer.addTrack(.audio, streamID: "door")
        _ = peer.drain()
        try peer.setRemoteDescription(Fixture.chromium(), at: now)
        #expect(peer.allTransceivers.map(\.mid) == ["1", "0"])
        try peer.setRemoteDescription(.init(type: .rollback, sdp: ""), at: now)
        #expect(peer.signalingState == .stable && peer.remoteDescription == nil)
        #expect(peer.allTransceivers.map(\.id) == [audio] && peer.allTransceivers[0].mid == nil)
        #expect(peer.drainNames() == ["signaling have-remote-offer", "signaling stable", "negotiationneeded"])
    }

    @Test func `a remote offer that meets ours takes its place`() throws {
        var peer = Fixture.peer()
        try peer.setLocalDescription(.offer, at: now)
        try peer.setRemoteDescription(Fixture.chromium(), at: now)
        #expect(peer.signalingState == .haveRemoteOffer)
        #expect(peer.localDescription == nil)
        // our tracks take the offer's media descriptions
        #expect(peer.allTransceivers.map(\.mid) == ["0", "1"])
        #expect(
            peer.drainNames() == [
                "signaling have-local-offer", "gathering gathering", "icecandidate", "end of candidates",
                "gathering complete", "signaling stable", "gathering new", "signaling have-remote-offer",
            ])
        try peer.setLocalDescription(at: now)
        #expect(!peer.drainNames().contains("negotiationneeded"), "the answer has said it all")
    }

    @Test func `a broken remote offer leaves ours in place`() throws {
        var peer = Fixture.peer()
        try peer.setLocalDescription(.offer, at: now)
        let offer = peer.localDescription
        let broken = try Fixture.chromium { $0.media[0].fingerprints = [] }
        #expect(failure { try peer.setRemoteDescription(broken, at: now) } == "InvalidAccessError")
        #expect(peer.signalingState == .haveLocalOffer && peer.localDescription == offer)
    }

    @Test func `a second remote offer replaces the first, and tracks added meanwhile stay`() throws {
        var peer = Fixture.peer(isDoor: false)
        try peer.setRemoteDescription(Fixture.chromium(), at: now)
        let added = peer.addTrack(.video, streamID: "door")
        try peer.setRemoteDescription(Fixture.firefox(), at: now)
        #expect(peer.signalingState == .haveRemoteOffer)
        #expect(peer.allTransceivers.first { $0.id == added }?.mid == "0")
        #expect(peer.allTransceivers.count == 2)
        peer.setDirection(.sendonly, of: added)
        try peer.setLocalDescription(at: now)
        #expect(try peer.local.media[0].direction == .sendonly)
        #expect(try peer.local.media[0].codecs[0].payloadType == 126)
    }

    // MARK: Answers that are none

    static let wrongAnswers: [(String, @Sendable (inout SessionDescription) -> Void)] = [
        ("a media description is missing", { $0.media.removeLast() }),
        ("one too many", { $0.media.append($0.media[0]) }),
        ("another order", { $0.media.swapAt(0, 1) }),
        ("another tag", { $0.media[0].mid = "9" }),
        ("no choice of the DTLS role", { $0.media[0].setup = .actpass }),
        ("nor in the second", { $0.media[1].setup = .actpass }),
        ("holdconn", { $0.media[0].setup = .holdconn }),
        ("no rtcp-mux", { $0.media[0].isRTCPMultiplexed = false }),
        ("no fingerprint", { $0.media[0].fingerprints = [] }),
        ("no credentials", { ($0.media[0].iceUfrag, $0.media[0].icePwd) = (nil, nil) }),
    ]

    @Test(arguments: wrongAnswers.indices)
    func `an answer that does not fit the offer is refused, and a right one is still taken`(index: Int) throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let answer = try page.answer(door.offer())
        _ = door.drain()
        var wrong = answer
        Self.wrongAnswers[index].1(&wrong)
        if wrong.media.count > 2 { wrong.media[2].mid = "extra" }
        let description = RTCSessionDescription(type: .answer, sdp: wrong.description)
        #expect(failure { try door.setRemoteDescription(description, at: now) } == "InvalidAccessError")
        #expect(door.signalingState == .haveLocalOffer && door.remoteDescription == nil)
        #expect(door.dtls == nil && door.ice?.remoteCredentials == nil)
        #expect(door.drainNames().isEmpty)
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.signalingState == .stable)
    }

    @Test func `an answer cannot accept what was offered with port zero`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        // the page refuses the picture; from then on the door's offers have it with port zero
        try exchange(from: &door, to: &page) {
            $0.media[0].codecs = [RTPCodec(payloadType: 96, name: "VP8", clockRate: 90000)]
        }
        var answer = try page.answer(door.offer())
        #expect(answer.media[0].isRejected)
        answer.media[0] = answer.media[1]
        answer.media[0].kind = .video
        answer.media[0].mid = "0"
        let description = RTCSessionDescription(type: .answer, sdp: answer.description)
        #expect(failure { try door.setRemoteDescription(description, at: now) } == "InvalidAccessError")
    }

    @Test func `an answer outside the bundle leaves its media description without a transport`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        var answer = try page.answer(door.offer())
        answer.groups = []
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.media.outgoing.map(\.transceiver) == [try door.transceiver(.video).id])
        #expect(try door.transceiver(.audio).currentDirection == .inactive)
    }

    // MARK: Close

    @Test func `closing ends everything, once`() throws {
        var peer = try peer(in: .haveRemoteOffer)
        peer.close(at: now)
        #expect(peer.signalingState == .closed && peer.connectionState == .closed)
        #expect(peer.iceConnectionState == .closed)
        #expect(peer.drainNames() == ["signaling closed", "ice closed", "connection closed"])
        peer.close(at: now)
        #expect(peer.drainNames().isEmpty && peer.outbox.isEmpty)
        #expect(peer.deadline == nil)
        peer.restartIce()
        _ = peer.addTrack(.audio, streamID: "late")
        #expect(peer.drainNames().isEmpty)
        peer.handle(.datagram([0x80, 0, 0, 0], local: .init(.v4(1), port: 1), remote: .init(.v4(2), port: 2)), at: now)
        #expect(peer.discards == [.closed: 1])
    }
}
