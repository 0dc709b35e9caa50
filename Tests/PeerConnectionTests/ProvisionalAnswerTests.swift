import ICE
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Provisional answers (RFC 8829 §3.2, §4.1.8, §4.1.10.1; W3C §4.4.1.5).
@Suite struct ProvisionalAnswerTests {
    private let now = Fixture.now

    private func pranswer(_ answer: SessionDescription) -> RTCSessionDescription {
        .init(type: .pranswer, sdp: answer.description)
    }

    @Test func `a local provisional answer is pending until the final one, and may come again`() throws {
        var door = Fixture.peer()
        try door.setRemoteDescription(Fixture.chromium(), at: now)
        try door.setLocalDescription(.pranswer, at: now)
        #expect(door.signalingState == .haveLocalPranswer)
        #expect(door.localDescription?.type == .pranswer && door.pendingLocalDescription == door.localDescription)
        #expect(door.currentLocalDescription == nil && door.currentRemoteDescription == nil)
        #expect(door.pendingRemoteDescription?.type == .offer)
        try door.setLocalDescription(.pranswer, at: now)
        #expect(
            door.drainNames().filter { $0.hasPrefix("signaling") } == [
                "signaling have-remote-offer", "signaling have-local-pranswer",
            ])
        try door.setLocalDescription(at: now)
        #expect(door.signalingState == .stable, "without an argument it is the final answer")
        #expect(door.currentLocalDescription?.type == .answer && door.currentRemoteDescription?.type == .offer)
        #expect(door.pendingLocalDescription == nil && door.pendingRemoteDescription == nil)
        #expect(door.drainNames().filter { $0.hasPrefix("signaling") } == ["signaling stable"])
    }

    @Test func `a remote provisional answer is pending until the final one, and may come again`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let answer = try page.answer(door.offer())
        for _ in 0..<2 {
            try door.setRemoteDescription(pranswer(answer), at: now)
            #expect(door.signalingState == .haveRemotePranswer)
            #expect(
                door.remoteDescription?.type == .pranswer && door.pendingRemoteDescription == door.remoteDescription)
            #expect(door.pendingLocalDescription?.type == .offer)
            #expect(door.currentLocalDescription == nil && door.currentRemoteDescription == nil)
        }
        #expect(failure { try door.setLocalDescription(at: now) } == "InvalidStateError", "it would be an offer")
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.signalingState == .stable)
        #expect(door.currentLocalDescription?.type == .offer && door.currentRemoteDescription?.type == .answer)
        #expect(door.pendingLocalDescription == nil && door.pendingRemoteDescription == nil)
        #expect(
            door.drainNames().filter { $0.hasPrefix("signaling") } == [
                "signaling have-local-offer", "signaling have-remote-pranswer", "signaling stable",
            ])
    }

    @Test func `a provisional answer that does not fit the offer is refused`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        var answer = try page.answer(door.offer())
        answer.media.removeLast()
        #expect(failure { try door.setRemoteDescription(pranswer(answer), at: now) } == "InvalidAccessError")
        #expect(door.signalingState == .haveLocalOffer && door.pendingRemoteDescription == nil)
    }

    @Test func `negotiation is asked for only when the final answer has come`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let answer = try page.answer(door.offer())
        _ = door.addTransceiver(.audio, direction: .sendonly)
        try door.setRemoteDescription(pranswer(answer), at: now)
        #expect(!door.drainNames().contains("negotiationneeded"))
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.drainNames().contains("negotiationneeded"))
    }

    @Test func `what a provisional answer rejects the final one may accept`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let answer = try page.answer(door.offer())
        var first = answer
        first.media[1].port = 0
        first.groups = [.init("BUNDLE", ["0"])]
        try door.setRemoteDescription(pranswer(first), at: now)
        let audio = try door.transceiver(.audio)
        #expect(audio.currentDirection == .inactive && !audio.isStopped)
        #expect(try door.transceiver(.video).currentDirection == .sendonly)
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(try door.transceiver(.audio).currentDirection == .sendonly)
    }

    // MARK: Media

    /// Both sides with a track of sound; the door has offered.
    private func calling() throws -> (simulation: Simulation, offer: RTCSessionDescription, TransceiverID) {
        let simulation = Simulation(seed: 5, policy: .maxBundle)
        for side in Simulation.Side.allCases { simulation[side].negotiatesByItself = false }
        let sound = simulation.act(.impolite) { door, _ in door.peer.addTrack(.audio, streamID: "door") }
        _ = simulation.act(.polite) { page, _ in page.peer.addTrack(.audio, streamID: "page") }
        let offer = try simulation.act(.impolite) { door, now in
            try door.peer.setLocalDescription(.offer, at: now)
            return try #require(door.peer.localDescription)
        }
        return (simulation, offer, sound)
    }

    private func answer(
        _ type: RTCSdpType, _ offer: RTCSessionDescription?, in simulation: Simulation
    ) throws {
        let answer = try simulation.act(.polite) { page, now in
            if let offer { try page.peer.setRemoteDescription(offer, at: now) }
            try page.peer.setLocalDescription(type, at: now)
            return try #require(page.peer.localDescription)
        }
        try simulation.act(.impolite) { door, now in try door.peer.setRemoteDescription(answer, at: now) }
    }

    private func send(on sound: TransceiverID, in simulation: Simulation) {
        simulation.act(.impolite) { door, now in
            door.peer.send(
                PacketizedFrame(sound: [0xFC, 1], timestamp: 960, captured: now), on: sound, at: now)
        }
        simulation.run(for: .milliseconds(20))
    }

    @Test func `ICE, DTLS and media start with the provisional answer, and go on with the final one`() throws {
        let (simulation, offer, sound) = try calling()
        try answer(.pranswer, offer, in: simulation)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        #expect(simulation[.impolite].peer.signalingState == .haveRemotePranswer)
        #expect(simulation[.polite].peer.signalingState == .haveLocalPranswer)
        send(on: sound, in: simulation)
        #expect(simulation[.polite].packets.count == 1)
        let fragments = simulation[.impolite].peer.localUsernameFragments
        try answer(.answer, nil, in: simulation)
        send(on: sound, in: simulation)
        #expect(simulation.areStable && simulation.areConnected && simulation[.polite].packets.count == 2)
        #expect(simulation[.impolite].peer.localUsernameFragments == fragments)
        #expect(simulation[.impolite].connectionStates == [.connecting, .connected])
        #expect(simulation[.impolite].negotiationErrors.isEmpty && simulation[.polite].negotiationErrors.isEmpty)
    }

    // RFC 8829 §3.6.1, sequential forking
    @Test func `when another endpoint gives the final answer, the connection is with that one`() throws {
        let (simulation, offer, sound) = try calling()
        // somebody else, whose packets go nowhere
        var first = Fixture.peer(seed: 9, isDoor: false)
        let early = try first.answer(offer)
        try simulation.act(.impolite) { door, now in try door.peer.setRemoteDescription(pranswer(early), at: now) }
        simulation.run(for: .seconds(2))
        #expect(!simulation.areConnected)
        try answer(.answer, offer, in: simulation)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        send(on: sound, in: simulation)
        #expect(simulation[.polite].packets.count == 1)
    }
}
