import Testing
import Wire

@testable import ICE

/// TCP candidates (RFC 6544), by its sections.
@Suite struct TCPCandidateTests {
    static let listener = Puppet.address("192.0.2.1", 5000)
    static let remote = Puppet.address("192.0.2.2", 40000)

    private static func passive(_ address: SocketAddress = remote) -> ICECandidate {
        ICECandidate(
            foundation: "1", transport: .tcp(type: "passive"), priority: 1_518_280_447, address: .ip(address.ip),
            port: address.port, kind: .host)
    }

    private static func active() -> ICEConfiguration {
        var configuration = ICEConfiguration()
        configuration.usesActiveTCP = true
        return configuration
    }

    /// Two sides between which only TCP goes; the right one listens.
    private func simulation(
        seed: UInt64, roles: (ICERole, ICERole) = (.controlling, .controlled), weather: Weather = .fair,
        blocksUDP: Bool = true
    ) -> Simulation {
        let simulation = Simulation(seed: seed, weather: weather, roles: roles, configuration: Self.active())
        simulation.blocksUDP = blocksUDP
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.addSocket(simulation.right, "192.0.2.2")
        simulation.addListener(simulation.right, "192.0.2.2")
        for peer in simulation.peers { simulation.tell(peer, .gatheringEnded) }
        return simulation
    }

    // MARK: §4

    @Test func `§4.2: an active candidate comes before a passive one, and every direct UDP candidate before both`() {
        let priority = { (kind: ICECandidate.Kind, transport: ICECandidate.Transport) in
            ICECandidate.priority(of: kind, transport: transport, localPreference: 65535)
        }
        let (active, passive) = (
            ICECandidate.Transport.tcp(type: "active"), ICECandidate.Transport.tcp(type: "passive")
        )
        let order = [
            priority(.host, .udp), priority(.serverReflexive, .udp), priority(.host, active), priority(.host, passive),
            priority(.peerReflexive, active), priority(.relayed, .udp),
        ]
        #expect(order == order.sorted(by: >))
        #expect(Set(order).count == order.count)
    }

    @Test func `§4.2: the local preference is the direction's and thirteen bits of the address's`() {
        let priority = ICECandidate.priority(of: .host, transport: .tcp(type: "active"), localPreference: 65535)
        #expect(priority >> 8 & 0xFFFF == 6 << 13 | 0x1FFF)
        let other = ICECandidate.priority(of: .host, transport: .tcp(type: "active"), localPreference: 65535 - 256)
        #expect(other < priority)
    }

    @Test func `§4.5: an active candidate has port 9, and a passive one the port that is listened at`() throws {
        let simulation = simulation(seed: 1)
        let candidates = simulation.right.candidates.filter(\.isTCP)
        #expect(candidates.map(\.port) == [9, 5000])
        #expect(candidates.map(\.attribute).map { $0.split(separator: " ")[9] } == ["active", "passive"])
        #expect(Set(simulation.right.candidates.map(\.foundation)).count == 3)
    }

    // MARK: §6 and §7

    @Test(arguments: [ICERole.controlling, .controlled], [1, 2, 3] as [UInt64])
    func `§7: where only TCP goes, both sides connect on a connection that the active side opens`(
        role: ICERole, seed: UInt64
    ) throws {
        let simulation = simulation(
            seed: seed, roles: (role, role == .controlling ? .controlled : .controlling),
            weather: Weather(delay: .milliseconds(10), jitter: .milliseconds(0)))
        #expect(simulation.run(.seconds(20)) { simulation.left.isConnected && simulation.right.isConnected })
        let (left, right) = (simulation.left.agent.selectedPair, simulation.right.agent.selectedPair)
        #expect(left?.local.transport == .tcp(type: "active"))
        #expect(left?.remote.transport == .tcp(type: "passive"))
        #expect(right?.local.transport == .tcp(type: "passive"))
        #expect(right?.remote.transport == .tcp(type: "active"))
        #expect(right?.remote.kind == .peerReflexive)
        #expect(left?.stream != nil && right?.stream != nil)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `§4.2: where UDP goes too, it is used, even when its first checks are lost`(seed: UInt64) {
        let simulation = simulation(
            seed: seed, weather: Weather(loss: 100, delay: .milliseconds(5)), blocksUDP: false)
        #expect(simulation.run(.seconds(20)) { simulation.left.isConnected && simulation.right.isConnected })
        #expect(simulation.left.agent.selectedPair?.stream == nil)
        #expect(simulation.right.agent.selectedPair?.stream == nil)
    }

    @Test func `§10.1: connections that no pair uses are closed when all is done`() {
        let simulation = simulation(seed: 9, blocksUDP: false)
        simulation.run(.seconds(20))
        #expect(simulation.left.agent.connectionState == .completed)
        #expect(simulation.openConnections == 0)
        #expect(simulation.left.agent.streams.isEmpty)
        #expect(simulation.right.agent.streams.isEmpty)
    }

    @Test func `§6.2: an active candidate pairs with passive ones only, and a passive one with none`() throws {
        var puppet = Puppet(.controlling, configuration: Self.active())
        puppet.tell(.tcpListenerAdded(Self.listener, preference: 65535))
        for type in ["active", "passive"] {
            puppet.tell(
                .remoteCandidate(
                    try ICECandidate(
                        parsing: "1 1 tcp 5 192.0.2.2 \(type == "active" ? 9 : 700) typ host tcptype \(type)")))
        }
        let pairs = puppet.agent.session.checkList.pairs
        #expect(pairs.map(\.base.transport) == [.activeTCP])
        #expect(pairs.map(\.remote.transport) == [.tcp(type: "passive")])
    }

    @Test func `§7.1: a check waits for its connection, is framed, and is not sent again`() throws {
        var puppet = Puppet(.controlling, configuration: Self.active())
        puppet.tell(.remoteCandidate(Self.passive()))
        let stream = try #require(puppet.wantedStreams.last)
        #expect(puppet.events.contains(.streamWanted(stream, from: Puppet.local.ip, to: Self.remote)))
        #expect(puppet.written.isEmpty)
        puppet.tell(.streamOpened(stream))
        var reader = FrameReader()
        reader.append(puppet.written[0].bytes)
        let frame = reader.next()
        let check = try STUNMessage(parsing: try #require(frame))
        #expect(
            check.priority
                == ICECandidate.priority(of: .peerReflexive, transport: .tcp(type: "active"), localPreference: 65535))
        puppet.pass(.seconds(30))
        #expect(puppet.written.count == 1)
        puppet.pass(.seconds(15))
        #expect(puppet.events.contains(.streamUnwanted(stream)))
    }

    @Test func `§7.1: a pair whose connection cannot be opened fails, and others are tried`() throws {
        var puppet = Puppet(.controlling, configuration: Self.active())
        puppet.tell(.remoteCandidate(Self.passive()))
        let first = try #require(puppet.wantedStreams.last)
        puppet.tell(.streamClosed(first))
        #expect(puppet.agent.session.checkList.pairs.allSatisfy { !$0.isActive })
        puppet.tell(.remoteCandidate(Self.passive(Puppet.address("192.0.2.3", 40000))))
        puppet.pass(.milliseconds(60))
        #expect(puppet.wantedStreams.count == 2)
    }

    @Test func `§7.2: a check on an accepted connection makes a peer-reflexive active candidate`() throws {
        var puppet = Puppet(.controlled)
        puppet.tell(.tcpListenerAdded(Self.listener, preference: 65535))
        let stream = try puppet.accept(at: Self.listener, from: Self.remote)
        puppet.check(on: stream, nominates: true)
        let candidate = try #require(puppet.agent.remoteCandidates.last)
        #expect(candidate.kind == .peerReflexive)
        #expect(candidate.transport == .tcp(type: "active"))
        try puppet.answer(on: stream, mapped: Self.listener)
        #expect(puppet.agent.selectedPair?.stream == stream)
    }

    @Test func `Only what is a check of the peer's keeps an accepted connection open`() throws {
        var puppet = Puppet(.controlled)
        puppet.tell(.tcpListenerAdded(Self.listener, preference: 65535))
        let stream = try puppet.accept(at: Self.listener, from: Self.remote)
        puppet.check(on: stream, password: "a password of somebody else")
        #expect(!puppet.agent.knows(stream))
        puppet.pass(.seconds(11))
        #expect(puppet.events.contains(.streamUnwanted(stream)))
        #expect(!puppet.agent.owns(stream))
    }

    @Test func `No more connections are accepted than an honest peer opens`() {
        var puppet = Puppet(.controlled)
        puppet.tell(.tcpListenerAdded(Self.listener, preference: 65535))
        let accepted = (0..<100).compactMap { port in
            puppet.agent.acceptStream(
                local: Self.listener, remote: SocketAddress(Self.remote.ip, port: UInt16(1000 + port)), at: puppet.now)
        }
        #expect(accepted.count == 16)
        let elsewhere = Puppet.address("192.0.2.1", 5001)
        #expect(puppet.agent.acceptStream(local: elsewhere, remote: Self.remote, at: puppet.now) == nil)
    }

    // MARK: §10.1

    @Test(arguments: [ICERole.controlling, .controlled])
    func `§10.1: the selected pair's connection is opened anew by its active side when it breaks`(role: ICERole) {
        let simulation = simulation(seed: 7, roles: (role, role == .controlling ? .controlled : .controlling))
        #expect(simulation.run(.seconds(20)) { simulation.left.isConnected && simulation.right.isConnected })
        let before = (simulation.left.agent.selectedPair?.stream, simulation.right.agent.selectedPair?.stream)
        simulation.breakConnections()
        simulation.run(.seconds(3))
        #expect(simulation.left.agent.selectedPair?.stream != before.0)
        #expect(simulation.right.agent.selectedPair?.stream != before.1)
        simulation.run(.seconds(60))
        #expect(simulation.left.isConnected && simulation.right.isConnected)
    }

    @Test func `§10.1: when it cannot be opened anew the active side fails, for ICE to be restarted`() {
        let simulation = simulation(seed: 8)
        #expect(simulation.run(.seconds(20)) { simulation.left.isConnected && simulation.right.isConnected })
        simulation.right.listeners = []
        simulation.breakConnections()
        #expect(simulation.run(.seconds(1)) { simulation.left.agent.connectionState == .failed })
    }

    @Test func `An ICE restart finds a connection of its own and closes the old one`() throws {
        let simulation = simulation(seed: 10)
        #expect(simulation.run(.seconds(20)) { simulation.left.isConnected && simulation.right.isConnected })
        let old = try #require(simulation.left.agent.selectedPair?.stream)
        for peer in simulation.peers {
            simulation.tell(peer, .restart(ICECredentials(random: simulation.random)))
            #expect(peer.agent.selectedPair != nil)
        }
        simulation.exchangeCredentials()
        #expect(simulation.run(.seconds(20)) { simulation.left.agent.selectedPair?.stream != old })
        simulation.run(.seconds(2))
        #expect(simulation.left.isConnected && simulation.right.isConnected)
        #expect(!simulation.left.agent.owns(old))
        #expect(simulation.openConnections == 1)
    }

    @Test func `Everything is closed with the agent`() {
        let simulation = simulation(seed: 11)
        #expect(simulation.run(.seconds(20)) { simulation.left.isConnected && simulation.right.isConnected })
        simulation.tell(simulation.left, .close)
        simulation.run(.seconds(1))
        #expect(simulation.openConnections == 0)
    }

    @Test func `What is not STUN goes up, and what comes on a connection that is not the agent's is counted`() throws {
        var puppet = Puppet(.controlled)
        puppet.tell(.tcpListenerAdded(Self.listener, preference: 65535))
        let stream = try puppet.accept(at: Self.listener, from: Self.remote)
        puppet.tell(.streamBytes(stream, [0, 3, 22, 1, 2, 0, 2, 128]))
        puppet.tell(.streamBytes(stream, [9]))
        #expect(puppet.frames == [[22, 1, 2], [128, 9]])
        let stranger = StreamID(rawValue: 99)
        puppet.tell(.streamBytes(stranger, [0, 1, 22]))
        puppet.tell(.streamOpened(stranger))
        puppet.tell(.streamClosed(stranger))
        #expect(puppet.agent.statistics.discards == [.unknownStream: 3])
    }
}

/// RFC 4571 §2.
@Suite struct FrameReaderTests {
    @Test func `frames are found however the bytes are cut`() {
        let random = SeededRandomSource(seed: 5)
        let frames = (0..<50).map { _ in random.bytes(random.below(900) + 1) }
        var bytes = frames.flatMap(FrameReader.frame)[...]
        var reader = FrameReader()
        var found: [[UInt8]] = []
        while !bytes.isEmpty {
            let part = bytes.prefix(random.below(1500) + 1)
            bytes = bytes.dropFirst(part.count)
            reader.append(part)
            while let frame = reader.next() { found.append(frame) }
        }
        #expect(found == frames)
        #expect(reader.count == 0)
    }

    @Test func `an empty frame is skipped, and the longest one taken`() {
        var reader = FrameReader()
        let longest = [UInt8](repeating: 7, count: 65535)
        reader.append([0, 0, 0, 0] + FrameReader.frame(longest) + [0])
        #expect(reader.next() == longest)
        #expect(reader.next() == nil)
        #expect(reader.count == 1)
    }
}

/// Names in candidates (RFC 8828, RFC 8839 §5.1).
@Suite struct CandidateNameTests {
    @Test func `a candidate with a name is checked once the name is known`() throws {
        let simulation = Simulation(seed: 2)
        simulation.trickles = false
        simulation.names = ["0d1f.local": [IPAddress("2001:db8::1")!, IPAddress("192.0.2.2")!]]
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.addSocket(simulation.right, "192.0.2.2")
        let hidden = ICECandidate(
            foundation: "0", priority: 2_122_252_543, address: .name("0d1f.local"), port: 5000, kind: .host)
        simulation.run(.milliseconds(20))
        simulation.tell(simulation.left, .remoteCandidate(hidden))
        #expect(simulation.run(.seconds(5)) { simulation.isConnectedOnOnePair })
        // the first address is of a family that this side cannot reach
        #expect(simulation.left.agent.selectedPair?.remote.kind == .host)
        #expect(simulation.left.agent.selectedPair?.remote.socketAddress == Puppet.address("192.0.2.2", 5000))
    }

    @Test func `a name is asked for once, however many candidates have it`() throws {
        var puppet = Puppet(.controlling)
        for port in [1, 2, 3] {
            puppet.tell(.remoteCandidate(try ICECandidate(parsing: "1 1 udp 5 a-b.local \(port) typ host")))
        }
        #expect(puppet.events.filter { $0 == .nameWanted("a-b.local") }.count == 1)
        puppet.tell(.nameResolved("a-b.local", [Puppet.remote.ip]))
        #expect(puppet.agent.remoteCandidates.map(\.port) == [1, 2, 3])
        puppet.tell(.nameResolved("a-b.local", [Puppet.remote.ip]))
        #expect(puppet.agent.remoteCandidates.count == 3)
    }
}

extension Puppet {
    /// A connection of the puppet to a listener of the agent's.
    mutating func accept(at listener: SocketAddress, from remote: SocketAddress) throws -> StreamID {
        let stream = agent.acceptStream(local: listener, remote: remote, at: now)
        return try #require(stream)
    }

    var wantedStreams: [StreamID] {
        events.compactMap { if case .streamWanted(let stream, _, _) = $0 { stream } else { nil } }
    }

    /// A check of the puppet on a connection.
    mutating func check(on stream: StreamID, nominates: Bool = false, password: String? = nil) {
        var message = STUNMessage(.request, transactionID: .init(random: random))
        message.attributes =
            [
                .username("\(agent.credentials.usernameFragment):puppet"), .priority(1_862_270_975),
                .iceControlling(.max),
            ] + (nominates ? [.useCandidate] : [])
        let key = STUNKey(password: password ?? agent.credentials.password)
        tell(.streamBytes(stream, FrameReader.frame(message.serialized(key: key))))
    }

    /// Answers the agent's last request on a connection.
    mutating func answer(on stream: StreamID, mapped: SocketAddress) throws {
        var requests: [STUNMessage] = []
        var reader = FrameReader()
        for part in written where part.stream == stream { reader.append(part.bytes) }
        while let frame = reader.next() { requests.append(try STUNMessage(parsing: frame)) }
        let request = try #require(requests.last { $0.messageClass == .request })
        let response = STUNMessage(
            .successResponse, transactionID: request.transactionID, attributes: [.xorMappedAddress(mapped)])
        tell(.streamBytes(stream, FrameReader.frame(response.serialized(key: STUNKey(password: credentials.password)))))
    }
}
