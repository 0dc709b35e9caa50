import SDP
import Testing
import Wire

@testable import PeerConnection

/// `negotiationneeded` (W3C §4.7.3).
@Suite struct NegotiationNeededTests {
    private let now = Fixture.now

    @Test func `a new transceiver asks for negotiation, several ask once`() {
        var peer = Fixture.peer(isDoor: false)
        #expect(peer.drainNames().isEmpty)
        _ = peer.addTrack(.video, streamID: "s")
        _ = peer.addTransceiver(.audio, direction: .recvonly)
        #expect(peer.drainNames() == ["negotiationneeded"])
        #expect(peer.drainNames().isEmpty)
    }

    @Test func `a track added before the remote offer that takes it needs no offer of ours`() throws {
        var door = Fixture.peer(isDoor: false)
        _ = door.addTrack(.video, streamID: "door")
        _ = door.addTrack(.audio, streamID: "door")
        _ = try door.answer(Fixture.chromium())
        #expect(!door.drainNames().contains("negotiationneeded"))
    }

    @Test func `a track that the remote offer has no place for is asked for once the answer is made`() throws {
        var door = Fixture.peer(isDoor: false)
        try door.setRemoteDescription(Fixture.chromium(), at: now)
        _ = door.addTransceiver(.video, direction: .sendonly)
        #expect(!door.drainNames().contains("negotiationneeded"), "only in stable")
        try door.setLocalDescription(at: now)
        #expect(door.drainNames().filter { $0 == "negotiationneeded" }.count == 1)
        #expect(try door.offer().sdp.contains("a=mid:"))
        #expect(try door.local.media.map(\.kind) == [.video, .audio, .application, .video])
    }

    @Test func `a track added where the other side's offer has left no room for it is asked for`() throws {
        var door = Fixture.peer(isDoor: false)
        _ = try door.answer(Fixture.chromium { $0.media[0].direction = .inactive })
        #expect(!door.drainNames().contains("negotiationneeded"))
        _ = door.addTrack(.video, streamID: "door")
        #expect(door.drainNames() == ["negotiationneeded"])
        #expect(try door.offer().sdp.contains("a=msid:door"))
        #expect(try door.local.media.map(\.direction)[0] == .sendrecv)
    }

    @Test func `what is added while our offer is under way is asked for after its answer`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let offer = try door.offer()
        _ = door.addTransceiver(.audio, direction: .sendonly)
        #expect(!door.drainNames().contains("negotiationneeded"))
        let answer = try page.answer(offer)
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.drainNames().contains("negotiationneeded"))
    }

    // W3C §4.4.2: only credentials that a description has are replaced
    @Test func `a restart before anything was negotiated asks for nothing`() {
        var peer = Fixture.peer(isDoor: false)
        peer.restartIce()
        #expect(peer.drainNames().isEmpty)
        _ = peer.addTrack(.audio, streamID: "s")
        #expect(peer.drainNames() == ["negotiationneeded"])
    }

    @Test func `an exchange that says it all needs no other`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        #expect(!door.drainNames().contains("negotiationneeded"))
        #expect(!page.drainNames().contains("negotiationneeded"))
    }

    @Test func `a direction that differs from the one agreed on is asked for, and taken back is not`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = (door.drain(), page.drain())
        let audio = try door.transceiver(.audio).id
        door.setDirection(.inactive, of: audio)
        #expect(door.drainNames() == ["negotiationneeded"])
        door.setDirection(.sendrecv, of: audio)
        #expect(door.drainNames().isEmpty)
        // the answerer, whose microphone is not wanted yet
        let wanted = try page.transceiver(.audio).id
        page.setDirection(.sendrecv, of: wanted)
        #expect(page.drainNames() == ["negotiationneeded"])
        try exchange(from: &page, to: &door)
        #expect(try door.transceiver(.audio).currentDirection == .sendrecv)
        #expect(!page.drainNames().contains("negotiationneeded") && !door.drainNames().contains("negotiationneeded"))
    }

    @Test func `an ICE restart asks for an offer with new credentials`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = door.drain()
        let before = door.localUsernameFragment
        door.restartIce()
        #expect(door.drainNames() == ["negotiationneeded"])
        #expect(door.localUsernameFragment == before, "until the offer is made")
        _ = try door.offer()
        #expect(door.localUsernameFragment != before)
        #expect(try door.local.media.allSatisfy { $0.iceUfrag == door.localUsernameFragment })
    }

    @Test func `an ICE restart whose offer was rolled back is still asked for`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        door.restartIce()
        _ = try door.offer()
        _ = door.drain()
        try door.setLocalDescription(.rollback, at: now)
        #expect(door.drainNames() == ["signaling stable", "negotiationneeded"])
    }
}
