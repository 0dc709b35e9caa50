import ICE
import Testing
import Wire

@Suite struct `Two agents` {
    @Test func `On a local network they connect in three round trips and complete`() throws {
        let simulation = Simulation.local(seed: 1)
        // 5 ms of signalling, then check and response (2 ms), then the nomination's (2 ms).
        #expect(try #require(simulation.timeToConnect()) <= .milliseconds(9))
        #expect(simulation.run(.seconds(1)) { simulation.peers.allSatisfy { $0.agent.connectionState == .completed } })
        #expect(simulation.left.connectionStates.first == .checking)
        #expect(simulation.left.agent.selectedPair?.local.kind == .host)
        #expect(simulation.left.agent.selectedPair?.remote.kind == .host)
        #expect(simulation.left.agent.statistics.currentRoundTripTime == .milliseconds(2))
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `Through loss, reordering and duplication they end on one pair`(seed: UInt64) throws {
        let random = SeededRandomSource(seed: seed &* 7919)
        let weather = Weather(
            loss: random.below(300), duplication: random.below(300), delay: .milliseconds(1 + random.below(80)),
            jitter: .milliseconds(random.below(100)))
        // Right roles, both controlling, both controlled.
        let roles: [(ICERole, ICERole)] = [
            (.controlling, .controlled), (.controlled, .controlling), (.controlling, .controlling),
            (.controlled, .controlled),
        ]
        let simulation = Simulation(seed: seed, weather: weather, roles: roles[Int(seed % 4)])
        simulation.signallingDelay = .milliseconds(random.below(300))
        for (index, peer) in simulation.peers.enumerated() {
            for number in 0..<(1 + random.below(3)) {
                simulation.addSocket(peer, "192.0.2.\(10 * (index + 1) + number)", preference: UInt16(60000 - number))
            }
            if random.below(2) == 0 { simulation.addSocket(peer, "2001:db8::\(index + 1)", preference: 65535) }
            simulation.sendCredentials(of: peer, after: .milliseconds(random.below(1000)))
            simulation.after(.milliseconds(random.below(500))) { simulation.tell(peer, .gatheringEnded) }
        }
        #expect(simulation.timeToConnect() != nil)
        // And stay there.
        simulation.run(.seconds(20))
        #expect(simulation.left.agent.selectedPair != nil)
        #expect(simulation.run(.seconds(10)) { simulation.isConnectedOnOnePair })
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `Behind two NATs they meet at server-reflexive addresses`(seed: UInt64) {
        let simulation = Simulation(
            seed: seed, weather: Weather(loss: 50, delay: .milliseconds(10), jitter: .milliseconds(10)),
            nats: (NAT(IPAddress("203.0.113.1")!, firstPort: 40000), NAT(IPAddress("203.0.113.2")!, firstPort: 50000)))
        simulation.exchangeCredentials()
        for (peer, address) in [(simulation.left, "10.0.0.1"), (simulation.right, "10.1.0.1")] {
            simulation.tell(peer, .stunServerAdded(Simulation.stunServer))
            simulation.addSocket(peer, address)
            simulation.tell(peer, .gatheringEnded)
        }
        #expect(simulation.timeToConnect() != nil)
        let pair = simulation.left.agent.selectedPair
        #expect(pair?.local.address == .ip(IPAddress("203.0.113.1")!))
        #expect(pair?.remote.address == .ip(IPAddress("203.0.113.2")!))
        #expect(pair?.local.kind == .serverReflexive)
        #expect(pair?.local.related?.address == .ip(IPAddress("10.0.0.1")!))
    }

    @Test(arguments: 0..<100 as Range<UInt64>, [ICERole.controlling, .controlled])
    func `A side behind a NAT, without any usable candidate of its own, is found by its checks`(
        seed: UInt64, role: ICERole
    ) {
        // A browser without microphone permission: only an mDNS name is told.
        let simulation = Simulation(
            seed: seed, weather: Weather(loss: 100, delay: .milliseconds(2), jitter: .milliseconds(5)),
            roles: (role, role == .controlling ? .controlled : .controlling),
            nats: (nil, NAT(IPAddress("203.0.113.2")!, firstPort: 50000)))
        simulation.trickles = false
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "198.51.100.1")
        simulation.addSocket(simulation.right, "10.0.0.2")
        simulation.tell(simulation.right, .remoteCandidate(simulation.left.candidates[0]))
        let hidden = ICECandidate(
            foundation: "0", priority: 2_122_252_543, address: .name("0d1f.local"), port: 9, kind: .host)
        simulation.tell(simulation.left, .remoteCandidate(hidden))
        for peer in simulation.peers {
            simulation.tell(peer, .gatheringEnded)
            simulation.tell(peer, .remoteEndOfCandidates)
        }
        #expect(simulation.timeToConnect() != nil)
        #expect(simulation.left.agent.selectedPair?.remote.kind == .peerReflexive)
        #expect(simulation.right.agent.selectedPair?.local.kind == .peerReflexive)
        #expect(simulation.left.agent.statistics.discards[.unresolvedName] == 1)
        #expect(simulation.left.events.contains(.nameWanted("0d1f.local")))
    }

    @Test func `Checks that come before the remote description are answered, and lead to a pair once it is known`()
        throws
    {
        let simulation = Simulation(seed: 3)
        simulation.trickles = false
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.addSocket(simulation.right, "192.0.2.2")
        simulation.tell(simulation.left, .remoteCandidate(simulation.right.candidates[0]))
        simulation.sendCredentials(of: simulation.right, after: .zero)
        simulation.run(.milliseconds(300))
        #expect(simulation.right.agent.statistics.responsesSent >= 1)
        #expect(simulation.right.agent.selectedPair == nil)
        // The left side controls, has a valid pair from the answers and has nominated it; only the description lacks.
        simulation.sendCredentials(of: simulation.left, after: .zero)
        #expect(try #require(simulation.timeToConnect()) <= .milliseconds(3))
        #expect(simulation.right.agent.selectedPair?.remote.kind == .peerReflexive)
    }

    @Test func `A candidate told after its check was seen takes its true type`() {
        let simulation = Simulation(seed: 4)
        simulation.trickles = false
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.addSocket(simulation.right, "192.0.2.2")
        simulation.tell(simulation.left, .remoteCandidate(simulation.right.candidates[0]))
        #expect(simulation.timeToConnect() != nil)
        #expect(simulation.right.agent.remoteCandidates.map(\.kind) == [.peerReflexive])
        simulation.tell(simulation.right, .remoteCandidate(simulation.left.candidates[0]))
        #expect(simulation.right.agent.remoteCandidates.map(\.kind) == [.host])
        #expect(simulation.right.agent.selectedPair?.remote.kind == .host)
    }

    @Test func `An unreachable address of higher priority does not hold the call up`() throws {
        let simulation = Simulation(seed: 5)
        simulation.exchangeCredentials()
        for (peer, last) in [(simulation.left, "1"), (simulation.right, "2")] {
            simulation.addSocket(peer, "2001:db8::\(last)", preference: 65535)
            simulation.addSocket(peer, "192.0.2.\(last)", preference: 65000)
            simulation.tell(peer, .gatheringEnded)
        }
        simulation.left.unplugged = [SocketAddress(IPAddress("2001:db8::1")!, port: 5000)]
        // The second pair's check waits for Ta; then two round trips and the host pair's patience.
        #expect(try #require(simulation.timeToConnect()) <= .milliseconds(75))
        #expect(simulation.left.agent.selectedPair?.localAddress.ip.isIPv6 == false)
    }

    @Test func `Of two addresses that work they take the one of higher priority`() {
        for seed in 0..<20 as Range<UInt64> {
            let simulation = Simulation(seed: seed, weather: Weather(jitter: .milliseconds(3)))
            simulation.exchangeCredentials()
            for (peer, last) in [(simulation.left, "1"), (simulation.right, "2")] {
                simulation.addSocket(peer, "192.0.2.\(last)", preference: 65000)
                simulation.addSocket(peer, "2001:db8::\(last)", preference: 65535)
            }
            #expect(simulation.timeToConnect() != nil)
            #expect(simulation.left.agent.selectedPair?.localAddress.ip.isIPv6 == true)
        }
    }

    @Test func `Link-local addresses of IPv6 connect, and pair with nothing else`() {
        let simulation = Simulation(seed: 6)
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "fe80::1")
        simulation.addSocket(simulation.left, "2001:db8::1")
        simulation.addSocket(simulation.right, "fe80::2")
        #expect(simulation.timeToConnect() != nil)
        #expect(simulation.left.agent.selectedPair?.localAddress.ip.isLinkLocal == true)
        #expect(simulation.left.transmissions.allSatisfy { $0.remote.ip.isLinkLocal })
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `An ICE restart moves both to a new pair and drops nothing before`(seed: UInt64) throws {
        let simulation = Simulation.local(
            seed: seed, weather: Weather(loss: 100, delay: .milliseconds(5), jitter: .milliseconds(20)))
        #expect(simulation.timeToConnect() != nil)
        simulation.run(.seconds(7))
        let (left, right) = (simulation.left, simulation.right)
        let before = left.agent.selectedPair
        left.events = []
        right.events = []
        // The offerer restarts, the answerer follows, and the answer comes later still.
        simulation.tell(left, .restart(ICECredentials(random: simulation.random)))
        #expect(left.agent.selectedPair == before)
        #expect(left.agent.connectionState == .connected)
        #expect(left.agent.localUsernameFragments.count == 2)
        let offered = left.agent.credentials
        simulation.after(.milliseconds(50)) {
            simulation.tell(right, .remoteCredentials(offered, isLite: false))
            simulation.tell(right, .restart(ICECredentials(random: simulation.random)))
            simulation.sendCredentials(of: right, after: .milliseconds(50))
        }
        #expect(
            simulation.run(.seconds(30)) {
                left.agent.localUsernameFragments.count == 1 && right.agent.localUsernameFragments.count == 1
                    && simulation.isConnectedOnOnePair
            })
        #expect(left.agent.remoteCredentials == right.agent.credentials)
        let bad: Set<ICEConnectionState> = [.failed, .disconnected, .checking, .new]
        #expect(bad.isDisjoint(with: left.connectionStates + right.connectionStates))
        // The new session's candidates were told with its fragment.
        #expect(left.candidates.map(\.usernameFragment) == [offered.usernameFragment])
        simulation.run(.seconds(40))
        #expect(simulation.run(.seconds(10)) { simulation.isConnectedOnOnePair })
    }

    @Test func `After a NAT forgot its mappings, a restart finds the new ones`() {
        let nat = NAT(IPAddress("203.0.113.2")!, firstPort: 50000)
        let simulation = Simulation(seed: 8, nats: (nil, nat))
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "198.51.100.1")
        simulation.addSocket(simulation.right, "10.0.0.2")
        #expect(simulation.timeToConnect() != nil)
        let before = simulation.left.agent.selectedPair?.remote.port
        nat.reboot()
        for peer in simulation.peers { simulation.tell(peer, .restart(ICECredentials(random: simulation.random))) }
        simulation.exchangeCredentials()
        let isMoved = simulation.run(.seconds(20)) {
            simulation.isConnectedOnOnePair && simulation.left.agent.localUsernameFragments.count == 1
        }
        #expect(isMoved)
        #expect(simulation.left.agent.selectedPair?.remote.port != before)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `When one side dies, the other is disconnected in some seconds and failed within thirty`(seed: UInt64) throws {
        let simulation = Simulation.local(seed: seed, weather: Weather(delay: .milliseconds(20)))
        #expect(simulation.timeToConnect() != nil)
        simulation.run(.milliseconds(10_000 + simulation.random.below(5000)))
        let (dead, alive) =
            seed.isMultiple(of: 2) ? (simulation.left, simulation.right) : (simulation.right, simulation.left)
        dead.isDead = true
        let death = simulation.now
        #expect(simulation.run(.seconds(60)) { alive.agent.connectionState == .disconnected })
        #expect(simulation.now - death <= .seconds(7.5))
        #expect(simulation.run(.seconds(60)) { alive.agent.connectionState == .failed })
        #expect(simulation.now - death <= .seconds(30))
        #expect(simulation.now - death >= .seconds(20))
        #expect(alive.agent.selectedPair == nil)
        // Then it is silent: consent is gone (RFC 7675 §5.1).
        alive.transmissions = []
        simulation.run(.seconds(100))
        #expect(alive.transmissions.isEmpty)
        #expect(alive.agent.deadline == nil)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `After a short outage they are connected again without a restart`(seed: UInt64) {
        let simulation = Simulation.local(seed: seed)
        #expect(simulation.timeToConnect() != nil)
        simulation.run(.seconds(11))
        simulation.weather.loss = 1000
        #expect(
            simulation.run(.seconds(10)) { simulation.peers.allSatisfy { $0.agent.connectionState == .disconnected } })
        simulation.run(.seconds(10))
        simulation.weather.loss = 0
        #expect(simulation.run(.seconds(2)) { simulation.isConnectedOnOnePair })
    }

    @Test func `One lost consent check disconnects nobody`() {
        for seed in 0..<50 as Range<UInt64> {
            let simulation = Simulation.local(seed: seed, weather: Weather(loss: 100))
            #expect(simulation.timeToConnect() != nil)
            simulation.left.events = []
            simulation.run(.seconds(60))
            #expect(!simulation.left.connectionStates.contains(.failed))
        }
    }

    @Test func `A peer that never answers is failed once the patience and the checks have ended`() {
        let simulation = Simulation.local(seed: 9)
        simulation.right.isDead = true
        simulation.run(.seconds(30))
        #expect(simulation.left.agent.connectionState == .checking)
        #expect(simulation.run(.seconds(15)) { simulation.left.agent.connectionState == .failed })
        #expect(simulation.left.agent.deadline == nil)
        // RFC 8489 §6.2.1: seven transmissions.
        #expect(simulation.left.transmissions.count == 7)
    }

    @Test func `Without a remote description an agent waits for ever`() {
        let simulation = Simulation(seed: 9)
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.tell(simulation.left, .gatheringEnded)
        #expect(simulation.left.agent.connectionState == .new)
        #expect(simulation.left.agent.gatheringState == .complete)
        #expect(simulation.left.agent.deadline == nil)
    }

    @Test func `With nothing but hidden candidates the failure waits thirty seconds, and a late check revives it`() {
        let simulation = Simulation(seed: 10)
        simulation.trickles = false
        simulation.signallingDelay = .zero
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.addSocket(simulation.right, "192.0.2.2")
        simulation.tell(simulation.left, .gatheringEnded)
        simulation.run(.milliseconds(1))
        simulation.tell(simulation.left, .remoteEndOfCandidates)
        #expect(simulation.left.agent.connectionState == .checking)
        simulation.run(.seconds(29))
        #expect(simulation.left.agent.connectionState == .checking)
        simulation.run(.seconds(2))
        #expect(simulation.left.agent.connectionState == .failed)
        simulation.tell(simulation.right, .remoteCandidate(simulation.left.candidates[0]))
        #expect(simulation.timeToConnect() != nil)
    }

    @Test func `A socket that is taken away ends the pair on the controlling side, and the controlled one notices`() {
        let simulation = Simulation.local(seed: 11)
        #expect(simulation.timeToConnect() != nil)
        let socket = SocketAddress(IPAddress("192.0.2.1")!, port: 5000)
        simulation.tell(simulation.left, .localAddressRemoved(socket))
        #expect(simulation.left.agent.connectionState == .failed)
        #expect(simulation.left.agent.localCandidates.isEmpty)
        #expect(simulation.run(.seconds(40)) { simulation.right.agent.connectionState == .failed })
        simulation.tell(simulation.left, .localAddressAdded(socket, preference: 1))
        for peer in simulation.peers { simulation.tell(peer, .restart(ICECredentials(random: simulation.random))) }
        simulation.exchangeCredentials()
        #expect(simulation.timeToConnect() != nil)
    }

    @Test func `A closed agent does nothing any more`() {
        let simulation = Simulation.local(seed: 12)
        #expect(simulation.timeToConnect() != nil)
        simulation.tell(simulation.left, .close)
        #expect(simulation.left.agent.connectionState == .closed)
        #expect(simulation.left.agent.deadline == nil)
        simulation.left.transmissions = []
        simulation.run(.seconds(30))
        #expect(simulation.left.transmissions.isEmpty)
        #expect(simulation.left.connectionStates.last == .closed)
    }

    @Test func `A day of call costs a check each five seconds on average and keeps nothing`() {
        let simulation = Simulation.local(seed: 13)
        #expect(simulation.timeToConnect() != nil)
        simulation.left.transmissions = []
        let before = simulation.left.agent.statistics.consentRequestsSent
        simulation.run(.seconds(3600))
        let checks = simulation.left.agent.statistics.consentRequestsSent - before
        #expect((650...800).contains(checks))
        let gaps = zip(simulation.left.transmissions.indices, simulation.left.transmissions).compactMap { _, sent in
            (try? STUNMessage(parsing: sent.datagram))?.messageClass == .request ? sent.at : nil
        }
        let distances = zip(gaps.dropFirst(), gaps).map { $0 - $1 }
        #expect(distances.allSatisfy { $0 >= .seconds(4) && $0 <= .seconds(6.1) })
        #expect(Set(distances).count > 100)
    }
}
