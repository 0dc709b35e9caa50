import ICE
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `connectionState`, `iceConnectionState`, `iceGatheringState` and their events (W3C §4.3.2 to §4.3.4).
@Suite struct StateTests {
    private let now = Fixture.now

    @Test func `a new connection is new in every respect`() {
        var peer = Fixture.peer(isDoor: false)
        #expect(peer.signalingState == .stable && peer.connectionState == .new)
        #expect(peer.iceConnectionState == .new && peer.iceGatheringState == .new)
        #expect(peer.localDescription == nil && peer.remoteDescription == nil && peer.drainNames().isEmpty)
    }

    @Test func `without media there is nothing to gather and nothing to connect`() throws {
        var (door, page) = (Fixture.peer(isDoor: false), Fixture.peer(seed: 2, isDoor: false))
        try exchange(from: &door, to: &page)
        for peer in [door, page] {
            #expect(peer.iceGatheringState == .new && peer.connectionState == .new && peer.transports.isEmpty)
        }
        #expect(door.drainNames() == ["signaling have-local-offer", "signaling stable"])
    }

    @Test func `gathering is over when every transport has told its last candidate, which comes before the event`()
        throws
    {
        var peer = Fixture.peer { $0.bundlePolicy = .maxCompat }
        try peer.setLocalDescription(.offer, at: now)
        let names = peer.drainNames().filter { !$0.hasPrefix("signaling") }
        #expect(names.first == "gathering gathering" && names.last == "gathering complete")
        #expect(names.filter { $0 == "icecandidate" }.count == 2)
        #expect(names.filter { $0 == "end of candidates" }.count == 2)
        #expect(names.filter { $0.hasPrefix("gathering") }.count == 2)
    }

    @Test(arguments: [RTCBundlePolicy.maxBundle, .balanced, .maxCompat])
    func `a call goes from new by connecting to connected, and ICE before DTLS`(policy: RTCBundlePolicy) throws {
        let simulation = Simulation(seed: 2, policy: policy)
        _ = simulation.act(.impolite) { door, _ in
            (door.peer.addTrack(.video, streamID: "s"), door.peer.addTrack(.audio, streamID: "s"))
        }
        let isPaired = { (simulation: Simulation) in
            [ICEConnectionState.connected, .completed].contains(simulation[.impolite].peer.iceConnectionState)
        }
        try #require(simulation.run(for: .seconds(10), until: isPaired))
        #expect(simulation[.impolite].peer.connectionState == .connecting)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        simulation.run(for: .seconds(2))
        for side in Simulation.Side.allCases {
            #expect(simulation[side].connectionStates == [.connecting, .connected])
            #expect(simulation[side].peer.iceConnectionState == .completed)
        }
    }

    @Test func `the aggregate of ICE is the first state that holds`() {
        let aggregate = RTCPeerConnection.iceConnectionState
        #expect(aggregate([]) == .new && aggregate([.new, .closed]) == .new)
        #expect(aggregate([.failed, .connected]) == .failed)
        #expect(aggregate([.disconnected, .checking]) == .disconnected)
        #expect(aggregate([.new, .connected]) == .checking && aggregate([.checking, .completed]) == .checking)
        #expect(aggregate([.completed, .closed]) == .completed && aggregate([.connected, .completed]) == .connected)
    }

    // MARK: getStats with a selector (W3C §8.3)

    @Test func `statistics of a sender or receiver are its streams and what these tell of`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.sendFromDoor(call.sound(), on: call.door.audio)
        call.simulation.run(for: .seconds(3))
        let now = call.simulation.now
        let sent = try call.doorPeer.getStats(of: .sender(call.door.video), at: now)
        #expect(sent.all(RTCOutboundRtpStreamStats.self).map(\.kind) == ["video"])
        #expect(sent.all(RTCMediaSourceStats.self).count == 1 && sent.all(RTCCodecStats.self).count == 1)
        #expect(sent.all(RTCRemoteInboundRtpStreamStats.self).map(\.kind) == ["video"])
        #expect(sent.all(RTCTransportStats.self).count == 1 && sent.all(RTCCertificateStats.self).count == 2)
        #expect(sent.all(RTCIceCandidatePairStats.self).count == 1)
        #expect(sent.all(RTCIceCandidateStats.self).count == 2)
        #expect(sent.all(RTCPeerConnectionStats.self).isEmpty && sent.all(RTCInboundRtpStreamStats.self).isEmpty)
        let received = try call.pagePeer.getStats(of: .receiver(call.page.audio), at: now)
        #expect(received.all(RTCInboundRtpStreamStats.self).map(\.kind) == ["audio"])
        #expect(received.all(RTCOutboundRtpStreamStats.self).isEmpty)
        #expect(try call.doorPeer.getStats(of: .receiver(call.door.video), at: now).stats.isEmpty)
        var stopped = call.doorPeer
        let fresh = stopped.addTransceiver(.audio, direction: .inactive)
        try stopped.stop(fresh, at: now)
        #expect(failure { _ = try stopped.getStats(of: .sender(fresh), at: now) } == "InvalidAccessError")
        #expect(failure { _ = try stopped.getStats(of: .receiver(fresh), at: now) } == "InvalidAccessError")
    }
}
