import ICE
import RTP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

@Suite struct `A call through a TURN server` {
    static let servers: [RTCIceServer] = [server("turn:203.0.113.1")]

    static func server(_ url: String, username: String = "ann", credential: String = "secret") -> RTCIceServer {
        RTCIceServer(urls: [RTCIceServerURL(url)!], username: username, credential: credential)
    }

    /// Two endpoints of which the impolite one, and with `both` the other too, uses nothing but the server.
    static func call(
        seed: UInt64, both: Bool = false, url: String = "turn:203.0.113.1", conditions: PathConditions = .perfect,
        options: SimulatedTURNServer.Options = .init()
    ) -> Simulation {
        let simulation = Simulation(seed: seed, conditions: conditions, turnServer: options) { configuration, side in
            guard both || side == .impolite else { return }
            configuration.iceServers = [server(url)]
            configuration.iceTransportPolicy = .relay
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        return simulation
    }

    /// Sends sound from the impolite side for a while; how many packets the other got.
    static func talk(_ simulation: Simulation, packets: Int) -> Int {
        let before = simulation[.polite].packets.count
        for _ in 0..<packets {
            simulation.act(.impolite) { endpoint, now in
                guard let id = endpoint.peer.transceivers.first?.id else { return }
                let frame = PacketizedFrame(
                    sound: [0xF8, 1, 2, 3], timestamp: RTPTimestamp(now, clockRate: 48_000), captured: now)
                endpoint.peer.send(frame, on: id, at: now)
            }
            simulation.run(for: .milliseconds(20))
        }
        simulation.run(for: .milliseconds(500))
        return simulation[.polite].packets.count - before
    }

    @Test(arguments: [
        ("turn:203.0.113.1", false), ("turn:203.0.113.1", true), ("turn:203.0.113.1?transport=tcp", true),
        ("turns:203.0.113.1:3478", true),
    ])
    func `is made by relayed candidates only, and its media goes by channels`(url: String, both: Bool) throws {
        let simulation = Self.call(seed: 1, both: both, url: url)
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        let pair = try #require(simulation[.impolite].peer.selectedPair)
        #expect(pair.local.kind == .relayed)
        #expect(simulation.turnServer?.relays(pair.localAddress) == true)
        // RFC 8828 §3: nothing of the host's own addresses is told
        #expect(pair.local.related?.address == .ip(.v4(0)))
        #expect(pair.local.priority < 1 << 24)
        if both { #expect(pair.remote.kind == .relayed) }
        let indications = simulation.turnServer?.relayedByIndication
        #expect(Self.talk(simulation, packets: 50) == 50)
        #expect(simulation.turnServer?.relayedByIndication == indications)
    }

    @Test func `with the policy relay tells no other candidate, and an end of them`() {
        let simulation = Self.call(seed: 2)
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        let sdp = simulation[.impolite].peer.localDescription?.sdp ?? ""
        #expect(sdp.contains(" typ relay "))
        #expect(!sdp.contains(" typ host"))
        #expect(sdp.contains("a=end-of-candidates"))
        #expect(!sdp.contains("192.0.2."))
    }

    @Test func `prefers a direct path where there is one`() throws {
        let simulation = Simulation(seed: 3, turnServer: .init()) { configuration, _ in
            configuration.iceServers = Self.servers
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        simulation.run(for: .seconds(1))
        #expect(simulation[.impolite].peer.selectedPair?.local.kind == .host)
        let sdp = simulation[.impolite].peer.localDescription?.sdp ?? ""
        #expect(sdp.contains(" typ relay raddr 192.0.2.2 "))
    }

    @Test func `goes on for hours while allocation, permission, channel and nonce are renewed`() {
        var options = SimulatedTURNServer.Options()
        options.nonceLifetime = .seconds(1000)
        let simulation = Self.call(seed: 4, both: true, options: options)
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        for _ in 0..<24 {
            simulation.run(for: .seconds(295))
            #expect(simulation.areConnected)
            #expect(Self.talk(simulation, packets: 10) == 10)
        }
        #expect(simulation[.impolite].connectionStates.last == .connected)
    }

    @Test(arguments: 0..<10)
    func `is made with loss, duplication and delay, too`(seed: UInt64) {
        // Three lossy legs each way, to the server, within it and from it, lose half of all datagrams, and of the questions
        // that are asked three of four are not answered: what repeats every three seconds, as DTLS does, takes its time.
        let simulation = Self.call(seed: seed, both: true, conditions: .hostile)
        #expect(simulation.run(for: .seconds(60)) { $0.areConnected })
        #expect(Self.talk(simulation, packets: 50) > 10)
    }

    @Test func `that is closed leaves no allocation behind`() {
        let simulation = Self.call(seed: 5, both: true)
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        #expect(simulation.turnServer?.allocations.count == 2)
        simulation.act(.impolite) { endpoint, now in endpoint.peer.close(at: now) }
        simulation.run(for: .seconds(5))
        #expect(simulation.turnServer?.allocations.isEmpty == true)
    }

    @Test func `cannot be made with a wrong password, which is told, and gathering ends`() {
        let simulation = Simulation(seed: 6, turnServer: .init()) { configuration, side in
            guard side == .impolite else { return }
            configuration.iceServers = [Self.server("turn:203.0.113.1", credential: "wrong")]
            configuration.iceTransportPolicy = .relay
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        simulation.run(for: .seconds(3))
        let error = simulation[.impolite].candidateErrors.first
        #expect(error?.errorCode == 401)
        #expect(error?.errorText == "Unauthorized")
        #expect(error?.url == "turn:203.0.113.1:3478")
        #expect(simulation[.impolite].peer.iceGatheringState == .complete)
        simulation.run(for: .seconds(60))
        #expect(simulation[.impolite].peer.connectionState == .failed)
    }

    @Test(arguments: [
        "turn:192.0.2.99", "turn:nowhere.example", "stuns:203.0.113.1", "turns:203.0.113.1?transport=udp",
    ])
    func `does without a server that does not answer, has no address or speaks what we do not`(url: String) {
        let simulation = Simulation(seed: 7, turnServer: .init()) { configuration, side in
            if side == .impolite { configuration.iceServers = [Self.server(url)] }
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        #expect(simulation.run(for: .seconds(3)) { $0.areConnected })
        simulation.run(for: .seconds(30))
        #expect(simulation[.impolite].candidateErrors.map(\.errorCode) == [701])
        #expect(simulation[.impolite].peer.iceGatheringState == .complete)
    }

    @Test func `a server that is named only after the offer is asked, and its address trickles`() {
        let simulation = Simulation(seed: 11, turnServer: .init()) { configuration, side in
            if side == .impolite { configuration.iceTransportPolicy = .relay }
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        simulation.run(for: .seconds(2))
        #expect(!simulation.areConnected)
        simulation.act(.impolite) { endpoint, now in endpoint.peer.setIceServers(Self.servers, at: now) }
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        #expect(simulation[.impolite].peer.selectedPair?.local.kind == .relayed)
    }

    @Test func `comes back by new allocations when the server was started anew`() {
        let simulation = Self.call(seed: 13, both: true)
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        let first = Simulation.Side.allCases.map { simulation[$0].peer.selectedPair?.localAddress }
        simulation.turnServer?.restart()
        #expect(simulation.run(for: .seconds(20)) { !$0.areConnected })
        for side in Simulation.Side.allCases {
            simulation.act(side) { endpoint, _ in endpoint.peer.restartIce() }
        }
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        #expect(simulation[.impolite].candidateErrors.map(\.errorCode) == [437])
        #expect(simulation[.polite].candidateErrors.map(\.errorCode) == [437])
        for (before, side) in zip(first, Simulation.Side.allCases) {
            #expect(simulation[side].peer.selectedPair?.localAddress != before)
        }
        #expect(Self.talk(simulation, packets: 100) == 100)
    }

    @Test func `tells why the way to a server cannot be opened`() {
        let simulation = Simulation(seed: 12, turnServer: .init()) { configuration, side in
            if side == .impolite { configuration.iceServers = [Self.server("turns:203.0.113.1")] }
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        #expect(simulation[.impolite].candidateErrors.map(\.errorText) == ["nobody listens there"])
        #expect(simulation[.impolite].candidateErrors.map(\.errorCode) == [701])
    }

    // MARK: Credentials

    static let epoch = Instant.zero - .seconds(1_900_000_000)
    static let secret = "a shared secret"

    static func renewed(until seconds: Int64) -> RTCIceServer {
        RTCIceServer(
            urls: [RTCIceServerURL("turn:203.0.113.1")!], sharedSecret: secret, user: "door", expiresAt: seconds)
    }

    @Test func `outlives its credentials: new ones are wanted, a second allocation takes over, and no media is lost`() {
        var options = SimulatedTURNServer.Options()
        options.sharedSecret = Self.secret
        options.unixEpoch = Self.epoch
        options.lifetime = .seconds(30)
        // the simulation begins 1000 s after its clock's zero
        let simulation = Simulation(seed: 8, turnServer: options) { configuration, _ in
            configuration.iceServers = [Self.renewed(until: 1_900_001_040)]
            configuration.iceTransportPolicy = .relay
            configuration.unixEpoch = Self.epoch
        }
        simulation.act(.impolite) { endpoint, _ in
            _ = endpoint.peer.addTransceiver(.audio, direction: .sendrecv)
        }
        #expect(simulation.run(for: .seconds(5)) { $0.areConnected })
        let first = simulation[.impolite].peer.selectedPair?.localAddress
        var received = 0
        var until: Int64 = 1_900_001_040
        for _ in 0..<40 {
            received += Self.talk(simulation, packets: 100)
            for side in Simulation.Side.allCases where !simulation[side].credentialsWanted.isEmpty {
                simulation[side].credentialsWanted = []
                until = max(until, 1_900_000_000 + Int64((simulation.now - Instant.zero).inSeconds) + 60)
                simulation.act(side) { endpoint, now in
                    endpoint.peer.setIceServers([Self.renewed(until: until)], at: now)
                }
            }
        }
        #expect(received == 4000)
        #expect(simulation.areConnected)
        #expect(simulation[.impolite].peer.selectedPair?.localAddress != first)
        #expect(!simulation[.impolite].connectionStates.contains(.disconnected))
        // the allocations that were replaced are gone
        simulation.run(for: .seconds(5))
        #expect(simulation.turnServer?.allocations.count == 2)
    }
}
