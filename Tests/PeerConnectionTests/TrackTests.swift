import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Tracks and their senders (W3C §5.1, §5.2): `addTrack`, `removeTrack`, `replaceTrack`, `setStreams`.
@Suite struct TrackTests {
    private let now = Fixture.now
    private let camera = MediaStreamTrack(id: "camera", kind: .video)
    private let microphone = MediaStreamTrack(id: "microphone", kind: .audio)

    // MARK: addTrack

    @Test func `a track has a sender with its streams, and a receiver without any`() throws {
        var peer = Fixture.peer(isDoor: false)
        let id = try peer.addTrack(camera, streamIDs: ["a", "b", "a", "-"])
        let transceiver = try #require(peer.transceiver(id))
        #expect(transceiver.direction == .sendrecv && transceiver.currentDirection == nil && transceiver.mid == nil)
        #expect(peer.senders == [transceiver.sender] && peer.receivers == [transceiver.receiver])
        #expect(transceiver.sender.track == camera && transceiver.sender.streamIDs == ["a", "b"])
        #expect(transceiver.receiver.trackID == nil && transceiver.receiver.streamIDs.isEmpty)
        try peer.setLocalDescription(.offer, at: now)
        #expect(try peer.local.media[0].msids.map(\.stream) == ["a", "b"])
    }

    @Test func `the other side learns the track and its streams`() throws {
        var (door, page) = (Fixture.peer(isDoor: false), Fixture.peer(seed: 2, isDoor: false))
        _ = try door.addTrack(camera, streamIDs: ["a", "b"])
        let lone = try door.addTrack(microphone)
        try exchange(from: &door, to: &page)
        #expect(page.receivers.map(\.streamIDs) == [["a", "b"], []])
        #expect(page.receivers[1].trackID == door.transceiver(lone)?.trackID)
        #expect(try door.local.media[1].msids.map(\.stream) == ["-"])
    }

    @Test func `a track twice is an InvalidAccessError, one on a closed connection an InvalidStateError`() throws {
        var peer = Fixture.peer(isDoor: false)
        _ = try peer.addTrack(camera)
        #expect(failure { _ = try peer.addTrack(camera) } == "InvalidAccessError")
        #expect(peer.allTransceivers.count == 1)
        peer.close(at: now)
        #expect(failure { _ = try peer.addTrack(microphone) } == "InvalidStateError")
        #expect(failure { _ = try peer.addTransceiver(microphone) } == "InvalidStateError")
    }

    // RFC 8830 §2: an identifier in a description is 1 to 64 token-chars
    @Test(arguments: ["", "two words", "a=b\r\na=c", "é", String(repeating: "s", count: 65)])
    func `a stream whose name no description can show is a TypeError`(name: String) throws {
        var peer = Fixture.peer(isDoor: false)
        #expect(failure { _ = try peer.addTrack(camera, streamIDs: [name]) } == "TypeError")
        #expect(failure { _ = try peer.addTransceiver(camera, streamIDs: ["s", name]) } == "TypeError")
        #expect(peer.allTransceivers.isEmpty)
        let id = try peer.addTrack(camera)
        #expect(failure { try peer.setStreams([name], of: id) } == "TypeError")
    }

    @Test func `a sender that has never sent takes the track, one of another kind or with a track does not`() throws {
        var peer = Fixture.peer(isDoor: false)
        let sound = peer.addTransceiver(.audio, direction: .recvonly)
        let picture = peer.addTransceiver(.video, direction: .recvonly)
        #expect(try peer.addTrack(camera) == picture)
        #expect(peer.transceiver(picture)?.direction == .sendrecv)
        let second = peer.addTrack(.video, streamID: "s")
        #expect(second != picture && peer.transceiver(sound)?.direction == .recvonly)
        let silent = peer.addTransceiver(.audio, direction: .inactive)
        _ = peer.addTrack(.audio, streamID: "s")
        _ = peer.addTrack(.audio, streamID: "s")
        #expect(peer.transceiver(silent)?.direction == .sendonly)
    }

    @Test func `a sender that has sent does not take another track`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        let audio = try door.transceiver(.audio).id
        try door.removeTrack(audio)
        #expect(try door.addTrack(microphone) != audio)
    }

    @Test func `a transceiver of a remote offer that a track was added to survives the rollback`() throws {
        var peer = Fixture.peer(isDoor: false)
        try peer.setRemoteDescription(Fixture.chromium(), at: now)
        let id = try peer.addTrack(microphone)
        #expect(peer.transceiver(id)?.mid == "1")
        try peer.setRemoteDescription(.init(type: .rollback, sdp: ""), at: now)
        #expect(peer.allTransceivers.map(\.id) == [id] && peer.transceiver(id)?.mid == nil)
        #expect(peer.transceiver(id)?.direction == .sendrecv)
    }

    // MARK: removeTrack

    @Test(arguments: [
        (MediaDirection.sendrecv, RTCRtpTransceiverDirection.recvonly), (.sendonly, .inactive),
        (.recvonly, .recvonly), (.inactive, .inactive),
    ])
    func `removing a track leaves of the direction what receives`(
        before: MediaDirection, after: RTCRtpTransceiverDirection
    ) throws {
        var peer = Fixture.peer(isDoor: false)
        let id = try peer.addTransceiver(camera, direction: before)
        try peer.removeTrack(id)
        #expect(peer.transceiver(id)?.direction == after)
        #expect(peer.senders.map(\.track) == [nil], "the sender stays")
        try peer.removeTrack(id)
        peer.setDirection(.sendrecv, of: id)
        #expect(peer.transceiver(id)?.sender.track == nil, "a direction brings no track back")
    }

    @Test func `removing is asked for, negotiated, and ends what the other side receives`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = (door.drain(), page.drain())
        let audio = try door.transceiver(.audio).id
        try door.removeTrack(audio)
        #expect(door.drainNames() == ["negotiationneeded"])
        #expect(door.transceiver(audio)?.currentDirection == .sendonly)
        try exchange(from: &door, to: &page)
        #expect(door.transceiver(audio)?.currentDirection == .inactive)
        #expect(page.drainNames().contains("track audio inactive"))
    }

    @Test func `removing from a sender that is none, or of a closed connection, is an error`() throws {
        var (peer, other) = (Fixture.peer(), Fixture.peer(seed: 2))
        let foreign = other.addTransceiver(.audio, direction: .sendrecv)
        #expect(failure { try peer.removeTrack(foreign) } == "InvalidAccessError")
        let own = try peer.transceiver(.audio).id
        peer.close(at: now)
        #expect(failure { try peer.removeTrack(own) } == "InvalidStateError")
    }

    // MARK: replaceTrack

    @Test func `replacing needs no negotiation, and the description stays as it was`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = door.drain()
        let video = try door.transceiver(.video)
        let before = try door.local.media[0]
        try door.replaceTrack(of: video.id, with: camera)
        #expect(door.transceiver(video.id)?.sender.track == camera)
        try door.replaceTrack(of: video.id, with: nil)
        #expect(door.transceiver(video.id)?.direction == video.direction)
        #expect(door.drainNames().isEmpty)
        _ = try door.offer()
        #expect(try door.local.media[0].msids == before.msids && door.local.media[0].sources == before.sources)
    }

    @Test func `a track of another kind is a TypeError, a closed connection an InvalidStateError`() throws {
        var peer = Fixture.peer()
        let video = try peer.transceiver(.video)
        #expect(failure { try peer.replaceTrack(of: video.id, with: microphone) } == "TypeError")
        #expect(peer.transceiver(video.id)?.track == video.track)
        peer.close(at: now)
        #expect(failure { try peer.replaceTrack(of: video.id, with: camera) } == "InvalidStateError")
    }

    @Test func `in mid-call sources and numbers go on, without a track nothing leaves, and statistics follow`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        let ssrc = try call.source(call.door.video)
        call.simulation.act(.impolite) { door, _ in try? door.peer.replaceTrack(of: call.door.video, with: nil) }
        #expect(!call.doorPeer.canSend(on: call.door.video) && call.doorPeer.canSend(on: call.door.audio))
        call.sendFromDoor(call.picture(), on: call.door.video)
        #expect(call.doorPeer.getStats(at: now).all(RTCMediaSourceStats.self).allSatisfy { $0.kind == "audio" })
        call.simulation.act(.impolite) { door, _ in
            var night = camera
            night.settings = .init(width: 320, height: 240, framesPerSecond: 5)
            try? door.peer.replaceTrack(of: call.door.video, with: night)
        }
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        let numbers = call.received(by: .polite, on: call.page.video)
        #expect(numbers.count == 6 && numbers == Array(numbers[0]..<numbers[0] + 6))
        #expect(try call.source(call.door.video) == ssrc)
        #expect(call.simulation[.polite].packets.allSatisfy { $0.1.header.ssrc == ssrc })
        let source = call.doorPeer.getStats(at: now).all(RTCMediaSourceStats.self).first { $0.kind == "video" }
        #expect(source?.trackIdentifier == "camera" && source?.width == 320)
        #expect(call.doorPeer.signalingState == .stable)
    }

    // MARK: setStreams

    @Test func `other streams are asked for and told; the same in another order are not`() throws {
        var (door, page) = (Fixture.peer(isDoor: false), Fixture.peer(seed: 2, isDoor: false))
        let id = try door.addTrack(camera, streamIDs: ["a", "b"])
        try exchange(from: &door, to: &page)
        _ = door.drain()
        try door.setStreams(["b", "a", "b"], of: id)
        #expect(door.drainNames().isEmpty)
        try door.setStreams(["c"], of: id)
        #expect(door.drainNames() == ["negotiationneeded"])
        try exchange(from: &door, to: &page)
        #expect(page.receivers.map(\.streamIDs) == [["c"]])
        try door.setStreams([], of: id)
        try exchange(from: &door, to: &page)
        #expect(page.receivers.map(\.streamIDs) == [[]])
        #expect(!door.drainNames().contains("negotiationneeded"))
        door.close(at: now)
        #expect(failure { try door.setStreams(["d"], of: id) } == "InvalidStateError")
    }

    @Test func `the streams of a track that is not sent for now are no reason to negotiate`() throws {
        var (door, page) = (Fixture.peer(isDoor: false), Fixture.peer(seed: 2, isDoor: false))
        _ = page.addTransceiver(.video, direction: .sendonly)
        let id = try door.addTrack(camera, streamIDs: ["a"])
        try exchange(from: &page, to: &door)
        // what the offer has no place for is asked for once; then both sides agree
        #expect(door.drainNames().contains("negotiationneeded"))
        try exchange(from: &door, to: &page)
        _ = door.drain()
        page.setDirection(.inactive, of: page.allTransceivers[1].id)
        try exchange(from: &page, to: &door)
        try door.setStreams(["b"], of: id)
        #expect(!door.drainNames().contains("negotiationneeded"))
    }
}
