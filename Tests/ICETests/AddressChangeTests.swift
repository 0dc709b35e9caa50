import Testing
import Wire

@testable import ICE

/// Addresses that come and go in mid-call.
@Suite struct AddressChangeTests {
    @Test(arguments: [ICERole.controlling, .controlled], 0..<10 as Range<UInt64>)
    func `A peer whose NAT gives it another address is followed there`(role: ICERole, seed: UInt64) {
        let nat = NAT(IPAddress("203.0.113.2")!, firstPort: 50000)
        let simulation = Simulation(
            seed: seed, weather: Weather(delay: .milliseconds(20)),
            roles: (role, role == .controlling ? .controlled : .controlling), nats: (nil, nat))
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "198.51.100.1")
        simulation.addSocket(simulation.right, "10.0.0.2")
        for peer in simulation.peers { simulation.tell(peer, .gatheringEnded) }
        #expect(simulation.timeToConnect() != nil)
        simulation.run(.seconds(7))
        let before = simulation.left.agent.selectedPair?.remote.port
        nat.reboot()
        #expect(simulation.run(.seconds(15)) { simulation.left.agent.selectedPair?.remote.port != before })
        simulation.run(.seconds(60))
        #expect(simulation.left.isConnected && simulation.right.isConnected)
        #expect(simulation.left.agent.selectedPair?.remote.kind == .peerReflexive)
        // and media goes where the peer is
        #expect(
            simulation.left.agent.selectedPair?.remote.port == simulation.left.agent.selectedPair?.remoteAddress.port)
        #expect(!simulation.left.connectionStates.contains(.failed))
    }

    @Test(arguments: [ICERole.controlling, .controlled])
    func `When the address of the selected pair goes, a restart finds a path by the one that is left`(role: ICERole) {
        let simulation = Simulation(seed: 4, roles: (role, role == .controlling ? .controlled : .controlling))
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "192.0.2.1", preference: 65535)
        simulation.addSocket(simulation.left, "192.0.2.11", preference: 65279)
        simulation.addSocket(simulation.right, "192.0.2.2")
        for peer in simulation.peers { simulation.tell(peer, .gatheringEnded) }
        #expect(simulation.timeToConnect() != nil)
        #expect(simulation.left.agent.selectedPair?.localAddress == Puppet.address("192.0.2.1", 5000))
        simulation.left.sockets.remove(Puppet.address("192.0.2.1", 5000))
        simulation.tell(simulation.left, .localAddressRemoved(Puppet.address("192.0.2.1", 5000)))
        #expect(!simulation.left.agent.gatheredCandidates.contains { $0.address == .ip(IPAddress("192.0.2.1")!) })
        for peer in simulation.peers { simulation.tell(peer, .restart(ICECredentials(random: simulation.random))) }
        simulation.exchangeCredentials()
        let isMoved = simulation.run(.seconds(2)) {
            simulation.left.agent.selectedPair?.localAddress == Puppet.address("192.0.2.11", 5000)
                && simulation.isConnectedOnOnePair
        }
        #expect(isMoved)
    }

    @Test func `An address that comes after all had gone is told and used`() {
        let simulation = Simulation.local(seed: 5)
        #expect(simulation.timeToConnect() != nil)
        let (old, new) = (Puppet.address("192.0.2.1", 5000), Puppet.address("192.0.2.21", 5000))
        simulation.left.sockets.remove(old)
        simulation.tell(simulation.left, .localAddressRemoved(old))
        for peer in simulation.peers { simulation.tell(peer, .restart(ICECredentials(random: simulation.random))) }
        simulation.exchangeCredentials()
        simulation.run(.seconds(3))
        #expect(!simulation.left.isConnected)
        simulation.addSocket(simulation.left, "192.0.2.21")
        #expect(simulation.run(.seconds(2)) { simulation.isConnectedOnOnePair })
        #expect(simulation.left.agent.selectedPair?.localAddress == new)
    }
}
