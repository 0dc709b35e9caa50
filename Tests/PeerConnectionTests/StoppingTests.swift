import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `RTCRtpTransceiver.stop` (W3C §5.4) and the media descriptions that it leaves (RFC 8829 §5.2.2).
@Suite struct StoppingTests {
    private let now = Fixture.now

    private func agreed() throws -> (door: RTCPeerConnection, page: RTCPeerConnection) {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = (door.drain(), page.drain())
        return (door, page)
    }

    @Test func `stopping is told by the direction, asks for negotiation, and ends with it on both sides`() throws {
        var (door, page) = try agreed()
        let (audio, theirs) = (try door.transceiver(.audio).id, try page.transceiver(.audio).id)
        try door.stop(audio, at: now)
        #expect(door.transceiver(audio)?.direction == .stopped && door.transceiver(audio)?.isStopped == false)
        #expect(door.transceiver(audio)?.currentDirection == .sendonly, "until both sides know")
        #expect(door.drainNames() == ["negotiationneeded"])
        #expect(door.senders.map(\.kind) == [.video] && door.receivers.map(\.kind) == [.video])
        try door.stop(audio, at: now)
        #expect(door.drainNames().isEmpty, "once is enough")
        let offer = try door.offer()
        #expect(try door.local.media.map(\.isRejected) == [false, true])
        #expect(try door.local.bundles == [["0"]])
        let answer = try page.answer(offer)
        #expect(page.transceiver(theirs) == nil)
        #expect(page.drainNames().contains("track audio inactive"))
        #expect(door.transceiver(audio) != nil, "the answer is still to come")
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.transceiver(audio) == nil && door.allTransceivers.map(\.kind) == [.video])
        #expect(!door.drainNames().contains("negotiationneeded") && !page.drainNames().contains("negotiationneeded"))
    }

    @Test func `a transceiver that was never negotiated stops without negotiation`() throws {
        var peer = Fixture.peer(isDoor: false)
        let video = peer.addTrack(.video, streamID: "s")
        try peer.stop(video, at: now)
        #expect(peer.allTransceivers.isEmpty)
        #expect(peer.drainNames().isEmpty)
        try peer.setLocalDescription(.offer, at: now)
        #expect(try peer.local.media.isEmpty)
    }

    @Test func `one that is stopped while our offer is under way is asked for after the answer`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let offer = try door.offer()
        let audio = try door.transceiver(.audio).id
        try door.stop(audio, at: now)
        let answer = try page.answer(offer)
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.drainNames().contains("negotiationneeded"))
        #expect(!door.media.outgoing.contains { $0.transceiver == audio }, "nothing is sent any more")
        try exchange(from: &door, to: &page)
        #expect(door.allTransceivers.map(\.kind) == [.video] && page.allTransceivers.map(\.kind) == [.video])
    }

    @Test func `an offer that meets a stopping transceiver is answered with a rejection`() throws {
        var (door, page) = try agreed()
        try door.stop(door.transceiver(.audio).id, at: now)
        let answer = try door.answer(page.offer())
        #expect(answer.media.map(\.isRejected) == [false, true])
        #expect(door.allTransceivers.map(\.kind) == [.video])
        try page.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(page.allTransceivers.map(\.kind) == [.video])
        #expect(!door.drainNames().contains("negotiationneeded"))
    }

    @Test func `a rollback does not undo stopping`() throws {
        var (door, page) = try agreed()
        let audio = try door.transceiver(.audio).id
        try door.stop(audio, at: now)
        _ = try door.offer()
        try door.setLocalDescription(.rollback, at: now)
        #expect(door.transceiver(audio)?.direction == .stopped)
        #expect(door.drainNames().contains("negotiationneeded"))
        _ = try page.offer()
        var fresh = Fixture.peer()
        _ = try fresh.offer()
        let video = try fresh.transceiver(.video).id
        try fresh.stop(video, at: now)
        #expect(fresh.transceiver(video) != nil, "its media description is under way")
        try fresh.setLocalDescription(.rollback, at: now)
        #expect(fresh.transceiver(video) == nil)
    }

    @Test func `a stopped transceiver takes no direction, track, or stream, and a closed connection stops nothing`()
        throws
    {
        var (door, _) = try agreed()
        let audio = try door.transceiver(.audio).id
        try door.stop(audio, at: now)
        door.setDirection(.sendrecv, of: audio)
        #expect(door.transceiver(audio)?.direction == .stopped)
        let track = MediaStreamTrack(id: "t", kind: .audio)
        #expect(failure { try door.replaceTrack(of: audio, with: track) } == "InvalidStateError")
        #expect(failure { try door.setStreams(["s"], of: audio) } == "InvalidStateError")
        #expect(failure { try door.removeTrack(audio) } == nil)
        door.close(at: now)
        #expect(failure { try door.stop(audio, at: now) } == "InvalidStateError")
    }

    @Test func `the last one to stop ends the bundle's transport, and another one begins anew`() throws {
        var (door, page) = try agreed()
        for transceiver in door.allTransceivers { try door.stop(transceiver.id, at: now) }
        try exchange(from: &door, to: &page)
        #expect(door.transports.isEmpty && page.transports.isEmpty)
        #expect(door.iceConnectionState == .new && door.connectionState == .new && door.iceGatheringState == .new)
        _ = door.addTrack(.audio, streamID: "again")
        try exchange(from: &door, to: &page)
        #expect(try door.local.media.map(\.kind) == [.audio, .audio])
        #expect(try door.local.media.map(\.isRejected) == [false, true])
        #expect(door.transports.count == 1 && page.transports.count == 1)
    }

    // MARK: Places

    @Test func `the place of a stopped transceiver is used again, by another kind, under another tag`() throws {
        var (door, page) = try agreed()
        try door.stop(door.transceiver(.video).id, at: now)
        try exchange(from: &door, to: &page)
        let added = page.addTrack(.audio, streamID: "page")
        _ = page.addTrack(.audio, streamID: "page")
        _ = page.addTrack(.video, streamID: "page")
        try exchange(from: &page, to: &door)
        let media = try page.local.media
        // the first track takes the transceiver of sound that has never sent, the second the free place
        #expect(media.map(\.kind) == [.audio, .audio, .video])
        #expect(page.transceiver(added)?.mid == "1")
        #expect(media.allSatisfy { !$0.isRejected } && media[0].mid != "0")
        #expect(Set(media.compactMap(\.mid)).count == 3)
        #expect(door.allTransceivers.count == 3 && page.allTransceivers.count == 3)
    }

    @Test func `adding and stopping a hundred times, from either side, leaves no more than at first`() throws {
        var (door, page) = try agreed()
        for round in 0..<100 {
            let video = door.addTrack(.video, streamID: "\(round)")
            try exchange(from: &door, to: &page)
            #expect(page.allTransceivers.count == 3)
            if round.isMultiple(of: 2) {
                try door.stop(video, at: now)
                try exchange(from: &door, to: &page)
            } else {
                try page.stop(#require(page.allTransceivers.last).id, at: now)
                try exchange(from: &page, to: &door)
            }
            _ = (door.drain(), page.drain())
        }
        #expect(try door.local.media.count == 3 && door.allTransceivers.count == 2)
        #expect(door.media.outgoing.count == 2 && door.media.paused.isEmpty && page.media.incoming.count == 2)
        #expect(door.mediaSources.isEmpty && door.transports.count == 1)
    }

    // MARK: Media

    // W3C §5.4: "Send an RTCP BYE for each RTP stream that was being sent by sender"
    @Test func `stopping says good-bye for the streams of that transceiver`() throws {
        let call = try Call()
        let ssrc = try call.source(call.door.video)
        let (rtcp, _) = try call.intercept(.impolite) { door, now in
            try? door.stop(call.door.video, at: now)
        }
        let ended = rtcp.joined().flatMap { packet -> [SSRC] in
            if case .goodbye(let goodbye) = packet { goodbye.sources } else { [] }
        }
        #expect(ended == [ssrc])
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.sendFromDoor(call.sound(), on: call.door.audio)
        call.simulation.run(for: .milliseconds(50))
        #expect(call.received(by: .polite, on: call.page.video).isEmpty)
        #expect(call.received(by: .polite, on: call.page.audio).count == 1)
    }
}
