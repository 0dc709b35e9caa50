import ICE
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// One transport or several, by `bundlePolicy` and by what the other side bundles (RFC 8829 §4.1.1, RFC 9143).
@Suite struct BundlePolicyTests {
    private let now = Fixture.now

    /// A peer that sends two pictures and a sound.
    private func sender(_ policy: RTCBundlePolicy, seed: UInt64 = 1) -> RTCPeerConnection {
        var peer = Fixture.peer(seed: seed, isDoor: false) { $0.bundlePolicy = policy }
        _ = peer.addTransceiver(.video, direction: .sendonly)
        _ = peer.addTransceiver(.audio, direction: .sendonly)
        _ = peer.addTransceiver(.video, direction: .sendonly)
        return peer
    }

    private func offer(_ policy: RTCBundlePolicy) throws -> SessionDescription {
        var peer = sender(policy)
        let session = try SessionDescription(parsing: peer.offer().sdp)
        #expect(Set(session.media.compactMap(\.iceUfrag)) == Set(peer.localUsernameFragments))
        return session
    }

    @Test func `max-bundle offers one transport`() throws {
        let session = try offer(.maxBundle)
        #expect(session.bundles == [["0", "1", "2"]])
        #expect(Set(session.media.map(\.iceUfrag)).count == 1)
        #expect(session.media.map(\.port) == [9, 9, 9])
        #expect(session.media.map(\.candidates.count) == [1, 0, 0])
    }

    // RFC 8829 §5.2.1: "not the first m= section for this media type"
    @Test func `balanced offers one transport for each kind, and the rest for the bundle only`() throws {
        let session = try offer(.balanced)
        #expect(session.bundles == [["0", "1", "2"]])
        #expect(session.media.map(\.isBundleOnly) == [false, false, true])
        #expect(session.media.map(\.port) == [9, 9, 0])
        #expect(session.media[0].iceUfrag != session.media[1].iceUfrag)
        #expect(session.media[2].iceUfrag == nil && session.media[2].fingerprints.isEmpty)
        #expect(session.media.map(\.candidates.count) == [1, 1, 0])
    }

    @Test func `max-compat offers a transport for each media description`() throws {
        let session = try offer(.maxCompat)
        #expect(Set(session.media.compactMap(\.iceUfrag)).count == 3)
        #expect(session.media.allSatisfy { !$0.isBundleOnly && $0.candidates.count == 1 && $0.hasEndOfCandidates })
    }

    @Test(arguments: [RTCBundlePolicy.balanced, .maxCompat, .maxBundle])
    func `an answer that bundles leaves one transport, which later media joins`(policy: RTCBundlePolicy) throws {
        var (door, page) = (sender(policy), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        #expect(door.transports.count == 1 && page.transports.count == 1)
        #expect(door.transportPlan.sections.compactMap(\.self).count == 3)
        let fragments = door.localUsernameFragments
        _ = door.addTransceiver(.audio, direction: .sendonly)
        let offer = try SessionDescription(parsing: door.offer().sdp)
        #expect(offer.media.allSatisfy { $0.iceUfrag == fragments[0] && !$0.isBundleOnly })
        #expect(door.localUsernameFragments == fragments)
    }

    @Test func `an answer without a bundle leaves what has a transport of its own`() throws {
        var (door, page) = (sender(.balanced), Fixture.peer(seed: 2, isDoor: false) { $0.bundlePolicy = .maxCompat })
        try exchange(from: &door, to: &page) { $0.groups = [] }
        #expect(door.transports.count == 2 && page.transports.count == 2)
        #expect(door.media.outgoing.count == 2)
        #expect(Set(door.media.outgoing.map(\.transport)).count == 2)
        #expect(door.allTransceivers.map(\.mid) == ["0", "1"], "bundle-only without a bundle")
    }

    // RFC 8829 §5.3.1
    @Test(arguments: [
        (RTCBundlePolicy.maxBundle, [false, true, true]), (.balanced, [false, false, true]),
        (.maxCompat, [false, false, false]),
    ])
    func `what an answer accepts of an offer without a bundle is the policy's choice`(
        policy: RTCBundlePolicy, rejected: [Bool]
    ) throws {
        var (door, page) = (sender(.maxCompat), Fixture.peer(seed: 2, isDoor: false) { $0.bundlePolicy = policy })
        var session = try SessionDescription(parsing: door.offer().sdp)
        session.groups = []
        let answer = try page.answer(.init(type: .offer, sdp: session.description))
        #expect(answer.media.map(\.isRejected) == rejected)
        #expect(page.transports.count == rejected.count { !$0 })
        #expect(Set(answer.media.compactMap(\.iceUfrag)).count == page.transports.count)
    }

    @Test func `two bundles are two transports`() throws {
        var (door, page) = (sender(.maxCompat), Fixture.peer(seed: 2, isDoor: false) { $0.bundlePolicy = .maxCompat })
        try exchange(from: &door, to: &page) { $0.groups = [.init("BUNDLE", ["0", "1"]), .init("BUNDLE", ["2"])] }
        #expect(door.transports.count == 2 && page.transports.count == 2)
        #expect(door.transportPlan[0] == door.transportPlan[1] && door.transportPlan[0] != door.transportPlan[2])
    }

    @Test func `a rollback closes the transports of the offer that was taken back`() throws {
        var door = sender(.maxCompat)
        try door.setLocalDescription(at: now)
        #expect(door.transports.count == 3)
        try door.setLocalDescription(.rollback, at: now)
        #expect(door.transports.isEmpty && door.localUsernameFragments.isEmpty)
        #expect(door.iceGatheringState == .new)
    }

    @Test func `an ICE restart gives every transport new credentials`() throws {
        var (door, page) = (sender(.maxCompat), Fixture.peer(seed: 2, isDoor: false) { $0.bundlePolicy = .maxCompat })
        try exchange(from: &door, to: &page) { $0.groups = [] }
        let before = Set(door.localUsernameFragments + page.localUsernameFragments)
        #expect(before.count == 6)
        door.restartIce()
        try exchange(from: &door, to: &page) { $0.groups = [] }
        #expect(before.isDisjoint(with: door.transports.map(\.ice.credentials.usernameFragment)))
        #expect(before.isDisjoint(with: page.transports.map(\.ice.credentials.usernameFragment)))
        #expect(door.transports.count == 3)
    }

    // W3C §4.3.4, RTCIceConnectionState
    @Test(
        arguments: [
            ([], .new), ([.new, .closed], .new), ([.new, .checking], .checking), ([.connected, .new], .checking),
            ([.connected, .completed], .connected), ([.completed, .completed], .completed),
            ([.completed, .closed], .completed), ([.connected, .disconnected], .disconnected),
            ([.disconnected, .failed], .failed), ([.checking, .disconnected], .disconnected),
        ] as [([ICEConnectionState], ICEConnectionState)])
    func `the ICE connection state is that of all transports together`(
        states: [ICEConnectionState], expected: ICEConnectionState
    ) {
        #expect(RTCPeerConnection.iceConnectionState(of: states) == expected)
    }

    /// Picture and sound on transports of their own, each with sockets of its own.
    @Test(arguments: 0..<5 as Range<UInt64>)
    func `media flows on two transports at once`(seed: UInt64) throws {
        let call = try Call(seed: seed, policy: .maxCompat, offer: { $0.groups = [] })
        #expect(call.doorPeer.transports.count == 2)
        for _ in 0..<10 {
            call.sendFromDoor(call.picture(), on: call.door.video)
            call.sendFromDoor(call.sound(), on: call.door.audio)
            call.simulation.run(for: .milliseconds(20))
        }
        #expect(call.received(by: .polite, on: call.page.video).count == 30)
        #expect(call.received(by: .polite, on: call.page.audio).count == 10)
        call.simulation.run(for: .seconds(3))
        #expect(call.doorPeer.statistics.outbound.allSatisfy { $0.remote.roundTripTime != nil })
    }
}
