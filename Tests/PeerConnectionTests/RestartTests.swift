import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `restartIce` (W3C §4.4.2, §4.7.3): what asks for it, and what satisfies it.
@Suite struct RestartTests {
    private let now = Fixture.now

    private func agreed() throws -> (door: RTCPeerConnection, page: RTCPeerConnection) {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        _ = (door.drain(), page.drain())
        return (door, page)
    }

    @Test func `before any description there is nothing to restart`() throws {
        var peer = Fixture.peer(isDoor: false)
        peer.restartIce()
        #expect(peer.drainNames().isEmpty)
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        door.restartIce()
        try exchange(from: &door, to: &page)
        #expect(!door.drainNames().contains("negotiationneeded"))
    }

    @Test func `while the first offer is under way it is asked for after its answer`() throws {
        var (door, page) = (Fixture.peer(), Fixture.peer(seed: 2, isDoor: false))
        let offer = try door.offer()
        let first = door.localUsernameFragments
        door.restartIce()
        #expect(!door.drainNames().contains("negotiationneeded"))
        let answer = try page.answer(offer)
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.drainNames().contains("negotiationneeded") && door.localUsernameFragments == first)
        let others = page.localUsernameFragments
        try exchange(from: &door, to: &page)
        #expect(door.localUsernameFragments != first && page.localUsernameFragments != others)
        #expect(!door.drainNames().contains("negotiationneeded"))
    }

    @Test func `asked for again while a restart is under way there is another one`() throws {
        var (door, page) = try agreed()
        door.restartIce()
        let offer = try door.offer()
        let first = door.localUsernameFragments
        door.restartIce()
        let answer = try page.answer(offer)
        _ = door.drain()
        try door.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        #expect(door.drainNames().contains("negotiationneeded"))
        _ = try door.offer()
        #expect(door.localUsernameFragments.first != first.first)
    }

    @Test func `a restart by the other side satisfies it, an offer that restarts nothing does not`() throws {
        var (door, page) = try agreed()
        try door.setRemoteDescription(page.offer(), at: now)
        door.restartIce()
        try door.setLocalDescription(at: now)
        try page.setRemoteDescription(#require(door.localDescription), at: now)
        #expect(door.drainNames().contains("negotiationneeded"))

        page.restartIce()
        try exchange(from: &page, to: &door)
        #expect(!door.drainNames().contains("negotiationneeded"))
        #expect(!page.drainNames().contains("negotiationneeded"))
    }

    @Test func `it is told once, and negotiation of something else does it along`() throws {
        var (door, page) = try agreed()
        let before = door.localUsernameFragments
        door.restartIce()
        door.restartIce()
        #expect(door.drainNames() == ["negotiationneeded"])
        door.restartIce()
        _ = door.addTrack(.video, streamID: "s")
        #expect(door.drainNames().isEmpty, "it was told")
        try exchange(from: &door, to: &page)
        #expect(door.localUsernameFragments != before)
        #expect(!door.drainNames().contains("negotiationneeded"))
    }
}
