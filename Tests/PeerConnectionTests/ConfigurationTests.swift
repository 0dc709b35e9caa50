import DTLS
import ICE
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `RTCConfiguration`, `getConfiguration`, `setConfiguration` (W3C §4.2.1, §4.4.3), and the pool of candidates (RFC 8829
/// §3.5.4).
@Suite struct ConfigurationTests {
    private let now = Fixture.now
    fileprivate static let other = try! DTLSCertificate(generatedAt: 0)
    private static let relay = RTCIceServer(
        urls: [RTCIceServerURL("turn:192.0.2.200:3478")!], username: "u", credential: "p")

    private func configuration(
        _ change: (inout RTCPeerConnection.Configuration) -> Void = { _ in }
    ) -> RTCPeerConnection.Configuration {
        var configuration = RTCPeerConnection.Configuration(certificate: Fixture.certificate)
        change(&configuration)
        return configuration
    }

    private func construct(
        at now: Instant = Fixture.now, _ change: (inout RTCPeerConnection.Configuration) -> Void
    ) -> String? {
        failure {
            _ = try RTCPeerConnection(
                validating: configuration(change), random: SeededRandomSource(seed: 1), at: now)
        }
    }

    // MARK: The constructor

    @Test func `the defaults are the specification's`() {
        let defaults = configuration()
        #expect(defaults.iceServers.isEmpty && defaults.iceTransportPolicy == .all)
        #expect(defaults.bundlePolicy == .balanced && defaults.rtcpMuxPolicy == .require)
        #expect(defaults.iceCandidatePoolSize == 0 && defaults.certificates.count == 1)
        #expect(construct { _ in } == nil)
    }

    @Test func `RTCP beside RTP is a NotSupportedError, a TURN server without credentials an InvalidAccessError`() {
        #expect(construct { $0.rtcpMuxPolicy = .negotiate } == "NotSupportedError")
        #expect(construct { $0.iceServers = [Self.relay] } == nil)
        for (username, credential) in [("", "p"), ("u", ""), ("", "")] {
            let server = RTCIceServer(urls: Self.relay.urls, username: username, credential: credential)
            #expect(construct { $0.iceServers = [server] } == "InvalidAccessError")
        }
    }

    @Test func `an expired certificate is an InvalidAccessError where the time is known`() {
        let end = Fixture.certificate.notAfter
        let last = Instant.zero + .seconds(end)
        #expect(construct(at: last) { $0.unixEpoch = .zero } == "InvalidAccessError")
        #expect(construct(at: last - .seconds(1)) { $0.unixEpoch = .zero } == nil)
        #expect(construct(at: last) { _ in } == nil, "nobody knows")
        #expect(construct { $0.certificates = [] } == "InvalidAccessError")
    }

    @Test func `descriptions tell the fingerprints of all certificates, and the first is the one that is shown`() throws
    {
        let second = try DTLSCertificate(generatedAt: 0)
        var peer = Fixture.peer { $0.certificates.append(second) }
        try peer.setLocalDescription(.offer, at: now)
        let told = try peer.local.media[0].fingerprints.map(\.bytes)
        #expect(told == [Fixture.certificate.fingerprint().bytes, second.fingerprint().bytes])
        let simulation = Simulation(seed: 4) { configuration, side in
            if side == .polite { configuration.certificates.append(second) }
        }
        _ = simulation.act(.polite) { page, _ in page.peer.addTrack(.audio, streamID: "s") }
        #expect(simulation.run(for: .seconds(10)) { $0.areConnected })
    }

    // MARK: setConfiguration

    @Test func `what may change is changed, and what is asked for is told`() throws {
        var peer = Fixture.peer()
        var new = peer.getConfiguration()
        new.iceServers = [Self.relay]
        new.iceTransportPolicy = .relay
        new.iceCandidatePoolSize = 3
        try peer.setConfiguration(new, at: now)
        #expect(peer.getConfiguration().iceServers == [Self.relay])
        #expect(peer.getConfiguration().iceTransportPolicy == .relay)
        #expect(peer.getConfiguration().iceCandidatePoolSize == 3)
    }

    static let fixed: [(String, @Sendable (inout RTCPeerConnection.Configuration) -> Void)] = [
        ("certificates", { $0.certificates.append(Fixture.certificate) }),
        ("another certificate", { $0.certificates = [ConfigurationTests.other] }),
        ("no certificate", { $0.certificates = [] }),
        ("bundlePolicy", { $0.bundlePolicy = .maxCompat }),
        ("rtcpMuxPolicy", { $0.rtcpMuxPolicy = .negotiate }),
        ("the canonical name", { $0.canonicalName = "other" }),
    ]

    @Test(arguments: fixed.indices)
    func `what may not change is an InvalidModificationError and changes nothing`(index: Int) throws {
        var peer = Fixture.peer()
        var new = peer.getConfiguration()
        Self.fixed[index].1(&new)
        new.iceTransportPolicy = .relay
        #expect(failure { try peer.setConfiguration(new, at: now) } == "InvalidModificationError")
        #expect(peer.getConfiguration().iceTransportPolicy == .all)
    }

    @Test func `a TURN server without credentials is an InvalidAccessError here, too`() throws {
        var peer = Fixture.peer()
        var new = peer.getConfiguration()
        new.iceServers = [RTCIceServer(urls: Self.relay.urls)]
        #expect(failure { try peer.setConfiguration(new, at: now) } == "InvalidAccessError")
        #expect(peer.getConfiguration().iceServers.isEmpty)
    }

    @Test func `the pool's size stays once a local description was set, even where it was rolled back`() throws {
        var peer = Fixture.peer()
        var new = peer.getConfiguration()
        try peer.setLocalDescription(.offer, at: now)
        new.iceCandidatePoolSize = 1
        #expect(failure { try peer.setConfiguration(new, at: now) } == "InvalidModificationError")
        try peer.setLocalDescription(.rollback, at: now)
        #expect(failure { try peer.setConfiguration(new, at: now) } == "InvalidModificationError")
        new.iceCandidatePoolSize = 0
        #expect(failure { try peer.setConfiguration(new, at: now) } == nil)
        var answerer = Fixture.peer()
        try answerer.setRemoteDescription(Fixture.chromium(), at: now)
        new = answerer.getConfiguration()
        new.iceCandidatePoolSize = 1
        #expect(failure { try answerer.setConfiguration(new, at: now) } == nil, "a remote one is none of ours")
    }

    @Test func `another policy and other servers count from the next ICE restart on, and the call goes on`() throws {
        let simulation = Simulation(seed: 6, turnServer: .init())
        _ = simulation.act(.polite) { page, _ in page.peer.addTrack(.audio, streamID: "s") }
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected && $0.areStable })
        let types = { () -> Set<String> in
            let candidates = simulation[.polite].peer.transports[0].ice.gatheredCandidates
            return Set(candidates.map { "\($0.kind)" })
        }
        #expect(types() == ["host"])
        let url = try #require(RTCIceServerURL("turn:\(Simulation.turnAddress)"))
        let server = RTCIceServer(
            urls: [url], username: "ann", credential: "secret")
        try simulation.act(.polite) { page, now in
            var new = page.peer.getConfiguration()
            new.iceServers = [server]
            new.iceTransportPolicy = .relay
            try page.peer.setConfiguration(new, at: now)
        }
        simulation.run(for: .seconds(1))
        #expect(types() == ["host"], "not before the restart")
        simulation.act(.polite) { page, _ in page.peer.restartIce() }
        let isRelayed = { (simulation: Simulation) in simulation[.polite].peer.selectedPair?.local.kind == .relayed }
        #expect(simulation.run(for: .seconds(10), until: isRelayed))
        #expect(types() == ["relayed"] && simulation.areConnected)
        #expect(simulation[.polite].connectionStates == [.connecting, .connected])
        // and back
        try simulation.act(.polite) { page, now in
            var new = page.peer.getConfiguration()
            new.iceServers = []
            new.iceTransportPolicy = .all
            try page.peer.setConfiguration(new, at: now)
            page.peer.restartIce()
        }
        #expect(simulation.run(for: .seconds(10)) { $0[.polite].peer.selectedPair?.local.kind == .host })
        simulation.run(for: .seconds(2))
        #expect(types() == ["host"] && simulation.areConnected && simulation.areStable)
    }

    // MARK: The pool

    @Test func `a pool gathers before any description, silently, and the first offer has its candidates`() throws {
        var peer = Fixture.peer { $0.iceCandidatePoolSize = 1 }
        #expect(peer.transports.count == 1 && peer.pooled.count == 1)
        #expect(peer.transports[0].gatheringState == .complete)
        #expect(peer.iceGatheringState == .new && peer.iceConnectionState == .new && peer.connectionState == .new)
        let fragment = peer.transports[0].ice.credentials.usernameFragment
        try peer.setLocalDescription(.offer, at: now)
        #expect(try peer.local.media[0].iceUfrag == fragment && peer.local.media[0].candidates.count == 1)
        #expect(peer.iceGatheringState == .complete && peer.pooled.isEmpty)
        #expect(
            peer.drainNames() == [
                "signaling have-local-offer", "icecandidate", "end of candidates", "gathering complete",
            ])
    }

    @Test func `an answer uses the pool too, and what nobody uses is closed with the first exchange`() throws {
        var (door, page) = (
            Fixture.peer { $0.iceCandidatePoolSize = 3 },
            Fixture.peer(seed: 2, isDoor: false) { $0.iceCandidatePoolSize = 2 }
        )
        let fragments = page.localUsernameFragments
        #expect(fragments.count == 2)
        try exchange(from: &door, to: &page)
        #expect(page.localUsernameFragments == [fragments[0]] && door.transports.count == 1)
        #expect(page.pooled.isEmpty && door.pooled.isEmpty)
    }

    @Test func `a rollback of the first offer gives the pool back what it took`() throws {
        var peer = Fixture.peer { $0.iceCandidatePoolSize = 1 }
        let fragments = peer.localUsernameFragments
        try peer.setLocalDescription(.offer, at: now)
        try peer.setLocalDescription(.rollback, at: now)
        #expect(peer.pooled.count == 1 && peer.iceGatheringState == .new)
        try peer.setLocalDescription(.offer, at: now)
        #expect(peer.localUsernameFragments == fragments)
    }

    @Test func `the size may change before, and other servers gather anew`() throws {
        var peer = Fixture.peer { $0.iceCandidatePoolSize = 2 }
        let fragments = peer.localUsernameFragments
        var new = peer.getConfiguration()
        new.iceCandidatePoolSize = 1
        try peer.setConfiguration(new, at: now)
        #expect(peer.localUsernameFragments == [fragments[0]])
        new.iceCandidatePoolSize = 4
        try peer.setConfiguration(new, at: now)
        #expect(peer.pooled.count == 4)
        new.stunServers = [SocketAddress(.v4(0xC000_02FF), port: 3478)]
        try peer.setConfiguration(new, at: now)
        #expect(peer.pooled.count == 4 && Set(peer.localUsernameFragments).isDisjoint(with: fragments))
        #expect(!peer.outbox.isEmpty, "the server is asked")
    }

    @Test func `a call whose candidates were gathered before connects as any other`() throws {
        let simulation = Simulation(seed: 8, turnServer: .init()) { configuration, side in
            configuration.iceCandidatePoolSize = side == .polite ? 2 : 1
            configuration.stunServers = [Simulation.turnAddress]
        }
        simulation.run(for: .seconds(1))
        #expect(simulation[.polite].peer.iceGatheringState == .new)
        let started = simulation.now
        _ = simulation.act(.polite) { page, _ in page.peer.addTrack(.audio, streamID: "s") }
        #expect(simulation[.polite].peer.iceGatheringState == .complete, "nothing is left to gather")
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        #expect(simulation.now - started < .seconds(1))
        #expect(simulation[.polite].peer.transports.count == 1 && simulation[.impolite].peer.transports.count == 1)
    }

    @Test func `whether the other side trickles is known from its description`() throws {
        var peer = Fixture.peer()
        #expect(peer.canTrickleIceCandidates == nil)
        try peer.setRemoteDescription(Fixture.chromium(), at: now)
        #expect(peer.canTrickleIceCandidates == true)
        let whole = try Fixture.chromium { for index in $0.media.indices { $0.media[index].iceOptions = [] } }
        try peer.setRemoteDescription(whole, at: now)
        #expect(peer.canTrickleIceCandidates == false)
    }
}
