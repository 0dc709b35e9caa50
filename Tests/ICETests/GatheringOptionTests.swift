import Testing
import Wire

@testable import ICE

/// External addresses, hidden addresses, and servers that tell nothing.
@Suite struct GatheringOptionTests {
    private let external = IPAddress("203.0.113.5")!

    private func told(_ events: [ICEAgent.Event]) -> [ICECandidate] {
        events.compactMap { if case .candidateGathered(let candidate) = $0 { candidate } else { nil } }
    }

    @Test func `an external address is told besides the host's own, as if a server had told of it`() {
        var configuration = ICEConfiguration()
        configuration.externalAddresses = [external, IPAddress("2001:db8::5")!]
        let puppet = Puppet(.controlled, configuration: configuration)
        let candidates = told(puppet.events)
        #expect(candidates.map(\.kind) == [.host, .serverReflexive])
        #expect(candidates[1].socketAddress == SocketAddress(external, port: Puppet.local.port))
        #expect(candidates[1].related?.address == .ip(Puppet.local.ip))
        #expect(puppet.agent.gatheredCandidates == candidates)
    }

    @Test func `an external address takes the host's place where that is wanted, and pairs still leave from the host`()
        throws
    {
        var configuration = ICEConfiguration()
        configuration.externalAddresses = [external]
        configuration.externalAddressesReplaceHosts = true
        var puppet = Puppet(.controlling, configuration: configuration)
        let candidates = told(puppet.events)
        #expect(candidates.map(\.kind) == [.host])
        #expect(candidates[0].socketAddress == SocketAddress(external, port: Puppet.local.port))
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        #expect(puppet.sent.last?.local == Puppet.local)
        // the peer sees the external address, which is no news
        try puppet.answer(.successResponse, [.xorMappedAddress(SocketAddress(external, port: Puppet.local.port))])
        try puppet.answer(.successResponse, [.xorMappedAddress(SocketAddress(external, port: Puppet.local.port))])
        #expect(puppet.agent.selectedPair?.local == candidates[0])
    }

    @Test func `loopback is told as it is`() {
        var configuration = ICEConfiguration()
        configuration.externalAddresses = [external]
        var agent = ICEAgent(
            role: .controlled, credentials: ICECredentials(random: SeededRandomSource(seed: 1)),
            random: SeededRandomSource(seed: 1), configuration: configuration)
        agent.handle(.localAddressAdded(Puppet.address("127.0.0.1", 5), preference: 1), at: .zero)
        #expect(agent.gatheredCandidates.map(\.kind) == [.host])
    }

    @Test func `a hidden address is told by its name, and by nothing else`() throws {
        var puppet = Puppet(.controlled)
        let hidden = Puppet.address("192.0.2.33", 5000)
        let name = "8a6f1d0e-1b2c-4d3e-8f90-a1b2c3d4e5f6.local"
        puppet.events = []
        puppet.tell(.localAddressNamed(hidden.ip, name))
        puppet.tell(.localAddressAdded(hidden, preference: 9))
        puppet.tell(.tcpListenerAdded(hidden, preference: 9))
        let server = Puppet.address("198.51.100.53", 3478)
        puppet.tell(.stunServerAdded(server))
        puppet.pass(.milliseconds(60))
        let question = try #require(puppet.sent.last { $0.local == hidden && $0.remote == server })
        let answer = STUNMessage(
            .successResponse, transactionID: question.message.transactionID,
            attributes: [.xorMappedAddress(Puppet.address("203.0.113.1", 77))])
        puppet.receive(answer.serialized(), from: server, to: hidden)
        let candidates = told(puppet.events)
        #expect(candidates.map(\.kind) == [.host, .host, .serverReflexive])
        #expect(candidates.allSatisfy { !$0.attribute.contains("192.0.2.33") })
        #expect(candidates[0].address == .name(name))
        #expect(candidates[2].attribute.contains("raddr 0.0.0.0 rport 0"))
    }

    @Test func `a STUN server that does not answer is reported, and so is one that refuses`() throws {
        var puppet = Puppet(.controlled)
        let (silent, refusing) = (Puppet.address("198.51.100.53", 3478), Puppet.address("198.51.100.54", 3478))
        puppet.tell(.stunServerAdded(silent))
        puppet.tell(.stunServerAdded(refusing))
        puppet.tell(.gatheringEnded)
        puppet.pass(.milliseconds(100))
        let question = try #require(puppet.sent.last { $0.remote == refusing })
        let refusal = STUNMessage(
            .errorResponse, transactionID: question.message.transactionID,
            attributes: [.errorCode(400, reason: "Bad Request")])
        puppet.receive(refusal.serialized(), from: refusing)
        puppet.pass(.seconds(10))
        let failures = puppet.events.compactMap { event -> (SocketAddress, UInt16)? in
            guard case .gatheringFailed(let server, Puppet.local, let code, _) = event else { return nil }
            return (server, code)
        }
        #expect(failures.map(\.0) == [refusing, silent])
        #expect(failures.map(\.1) == [400, 701])
        #expect(puppet.agent.gatheringState == .complete)
    }

    @Test func `with an address go the candidates that were told of it`() {
        var configuration = ICEConfiguration()
        configuration.externalAddresses = [external]
        configuration.externalAddressesReplaceHosts = true
        configuration.usesActiveTCP = true
        var puppet = Puppet(.controlled, configuration: configuration)
        puppet.tell(.tcpListenerAdded(Puppet.local, preference: 65535))
        #expect(puppet.agent.gatheredCandidates.count == 3)
        puppet.tell(.localAddressRemoved(Puppet.local))
        #expect(puppet.agent.gatheredCandidates.isEmpty)
        #expect(puppet.agent.localCandidates.isEmpty)
    }
}
