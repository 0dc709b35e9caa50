import Testing
import Wire

@testable import ICE

@Suite struct `Gathering and candidates` {
    static let server = Puppet.address("198.51.100.53", 3478)
    static let mapped = Puppet.address("203.0.113.7", 40000)

    private func gathered(_ puppet: Puppet) -> [ICECandidate] {
        puppet.events.compactMap { if case .candidateGathered(let candidate) = $0 { candidate } else { nil } }
    }

    @Test func `A socket makes a host candidate with the fragment of its session`() {
        let puppet = Puppet(.controlled)
        let candidate = gathered(puppet).first
        #expect(candidate?.kind == .host)
        #expect(candidate?.socketAddress == Puppet.local)
        #expect(candidate?.priority == 2_130_706_431)
        #expect(candidate?.usernameFragment == puppet.agent.credentials.usernameFragment)
        #expect(puppet.agent.gatheringState == .gathering)
    }

    @Test func `A STUN server's answer makes a server-reflexive candidate and completes the gathering`() throws {
        var puppet = Puppet(.controlled)
        puppet.tell(.stunServerAdded(Self.server))
        puppet.tell(.gatheringEnded)
        #expect(puppet.agent.gatheringState == .gathering)
        #expect(puppet.sent.last?.message.attributes == [])
        try puppet.answer(to: Self.server, [.xorMappedAddress(Self.mapped)])
        let candidate = try #require(gathered(puppet).last)
        #expect(candidate.kind == .serverReflexive)
        #expect(candidate.socketAddress == Self.mapped)
        #expect(candidate.related == .init(address: .ip(Puppet.local.ip), port: Puppet.local.port))
        #expect(candidate.priority == ICECandidate.priority(of: .serverReflexive, localPreference: 65535))
        #expect(candidate.foundation != gathered(puppet).first?.foundation)
        #expect(puppet.agent.gatheringState == .complete)
        #expect(puppet.events.last == .gatheringStateChanged(.complete))
    }

    @Test func `Where there is no NAT the server tells nothing new`() throws {
        var puppet = Puppet(.controlled)
        puppet.tell(.stunServerAdded(Self.server))
        try puppet.answer(to: Self.server, [.xorMappedAddress(Puppet.local)])
        #expect(gathered(puppet).count == 1)
    }

    @Test func `A silent server does not hold the gathering up for ever`() {
        var puppet = Puppet(.controlled)
        puppet.tell(.stunServerAdded(Self.server))
        puppet.tell(.gatheringEnded)
        puppet.pass(.seconds(6))
        #expect(puppet.agent.gatheringState == .complete)
        #expect(puppet.takeSent().count == 4)
        #expect(puppet.agent.deadline != nil)  // the patience
    }

    @Test
    func `A server is asked from each address of its family, every Ta, and keeps the binding until a pair is selected`()
        throws
    {
        var puppet = Puppet(.controlled)
        puppet.tell(.localAddressAdded(Puppet.address("2001:db8::1", 5000), preference: 1))
        puppet.tell(.localAddressAdded(Puppet.address("127.0.0.1", 5000), preference: 2))
        puppet.tell(.localAddressAdded(Puppet.address("192.0.2.7", 5000), preference: 3))
        puppet.tell(.stunServerAdded(Self.server))
        try puppet.answer(to: Self.server, [.xorMappedAddress(Self.mapped)])
        puppet.pass(.milliseconds(50))
        #expect(puppet.sent.map(\.local.ip.description) == ["192.0.2.1", "192.0.2.7"])
        try puppet.answer(to: Self.server, [.xorMappedAddress(Puppet.address("203.0.113.7", 40001))])
        puppet.sent = []
        puppet.pass(.seconds(16))
        #expect(puppet.takeSent().count >= 2)
        try puppet.connect()
        puppet.pass(.seconds(20))
        #expect(!puppet.sent.contains { $0.remote == Self.server })
    }

    @Test func `Foundations are equal for one type, address and server, and else different`() throws {
        var puppet = Puppet(.controlled)
        puppet.tell(.localAddressAdded(Puppet.address("192.0.2.1", 5001), preference: 1))
        puppet.tell(.localAddressAdded(Puppet.address("192.0.2.7", 5000), preference: 2))
        let foundations = gathered(puppet).map(\.foundation)
        #expect(foundations[0] == foundations[1])
        #expect(foundations[0] != foundations[2])
    }

    @Test(
        arguments: [
            ("candidate:1 1 sctp 5 192.0.2.2 9 typ host", .unsupportedTransport),
            ("candidate:1 1 tcp 5 192.0.2.2 9 typ host tcptype so", .unsupportedTransport),
            ("candidate:1 2 udp 5 192.0.2.2 9 typ host", .unusedComponent),
            ("candidate:1 1 udp 5 192.0.2.2 0 typ host", .unusableAddress),
            ("candidate:1 1 udp 5 0.0.0.0 9 typ host", .unusableAddress),
            ("candidate:1 1 udp 5 192.0.2.2 9 typ host ufrag elder", .staleCandidate),
        ] as [(String, ICEStatistics.DiscardReason)])
    func `A candidate that is of no use is counted and passed over`(text: String, reason: ICEStatistics.DiscardReason)
        throws
    {
        var puppet = Puppet(.controlled)
        puppet.tell(.remoteCandidate(try ICECandidate(parsing: text)))
        #expect(puppet.agent.statistics.discards == [reason: 1])
        #expect(puppet.agent.remoteCandidates.isEmpty)
        #expect(puppet.sent.isEmpty)
    }

    @Test func `A candidate told twice counts once`() {
        var puppet = Puppet(.controlled)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        #expect(puppet.agent.statistics.discards == [.duplicateCandidate: 1])
        #expect(puppet.agent.remoteCandidates.count == 1)
    }

    @Test func `Candidates told before the credentials wait for them`() {
        var puppet = Puppet(.controlled, isDescribed: false)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        #expect(puppet.agent.connectionState == .new)
        #expect(puppet.sent.isEmpty)
        puppet.tell(.remoteCredentials(puppet.credentials, isLite: false))
        #expect(puppet.agent.connectionState == .checking)
        #expect(puppet.sent.count == 1)
    }

    @Test func `The check list keeps the best pairs when there are too many`() {
        var configuration = ICEConfiguration()
        configuration.maximumPairs = 3
        var puppet = Puppet(.controlling, configuration: configuration)
        for number in 1...10 {
            let address = Puppet.address("192.0.2.\(100 + number)", 1)
            puppet.tell(
                .remoteCandidate(Puppet.candidate(address, priority: UInt32(number), foundation: "\(number)")))
        }
        puppet.pass(.milliseconds(400))
        #expect(
            puppet.sent.map(\.remote.ip.description) == ["192.0.2.101", "192.0.2.110", "192.0.2.109", "192.0.2.108"])
    }

    @Test func `Link-local candidates get the scope of the socket that reaches them`() {
        var puppet = Puppet(.controlling)
        let socket = SocketAddress(.v6(high: 0xFE80 << 48, low: 1, scope: 7), port: 5000)
        puppet.tell(.localAddressAdded(socket, preference: 1))
        let remote = Puppet.address("fe80::2", 6000)
        puppet.tell(.remoteCandidate(Puppet.candidate(remote)))
        #expect(puppet.sent.last?.remote == SocketAddress(.v6(high: 0xFE80 << 48, low: 2, scope: 7), port: 6000))
        #expect(puppet.agent.localCandidates.last?.socketAddress == Puppet.address("fe80::1", 5000))
    }

    @Test func `The end of candidates completes a connected agent`() throws {
        var puppet = Puppet(.controlled)
        try puppet.connect()
        puppet.tell(.gatheringEnded)
        #expect(puppet.agent.connectionState == .connected)
        puppet.tell(.remoteEndOfCandidates)
        #expect(puppet.agent.connectionState == .completed)
        puppet.tell(.remoteCandidate(Puppet.candidate(Puppet.address("192.0.2.3", 1))))
        #expect(puppet.agent.connectionState == .connected)
    }

    @Test func `The peer's new credentials wait for the restart that answers them`() throws {
        var puppet = Puppet(.controlled)
        try puppet.connect()
        let renewed = ICECredentials(usernameFragment: "renewed", password: "another password of the puppet")
        puppet.tell(.remoteCredentials(renewed, isLite: false))
        var candidate = Puppet.candidate(Puppet.address("192.0.2.3", 1))
        candidate.usernameFragment = "renewed"
        puppet.tell(.remoteCandidate(candidate))
        #expect(puppet.agent.remoteCredentials == puppet.credentials)
        #expect(puppet.sent.isEmpty)
        let elder = puppet.agent.credentials
        puppet.tell(.restart(ICECredentials(random: puppet.random)))
        #expect(puppet.agent.remoteCredentials == renewed)
        #expect(puppet.sent.map(\.remote.ip.description) == ["192.0.2.3"])
        #expect(
            puppet.agent.localUsernameFragments
                == [puppet.agent.credentials.usernameFragment, elder.usernameFragment])
        // The old pair's checks are still answered, with the old password.
        puppet.sent = []
        puppet.check(username: "\(elder.usernameFragment):puppet", password: elder.password)
        #expect(puppet.takeSent().first?.isAuthentic(STUNKey(password: elder.password)) == true)
    }

    @Test func `Checks of a restarted peer wait for its offer, or it would stay with the old credentials`() throws {
        var puppet = Puppet(.controlled)
        try puppet.connect()
        let elder = puppet.agent.credentials
        _ = puppet.takeSent()
        // libwebrtc checks from its new candidates as soon as it has made the offer
        puppet.check(username: "\(elder.usernameFragment):renewed")
        let refusal = try #require(puppet.takeSent().first)
        #expect(refusal.errorCode == 401)
        #expect(refusal.isAuthentic(STUNKey(password: elder.password)))
        #expect(puppet.agent.statistics.discards == [.unknownUsernameFragment: 1])

        let renewed = ICECredentials(usernameFragment: "renewed", password: "another password of the puppet")
        puppet.tell(.remoteCredentials(renewed, isLite: false))
        puppet.tell(.restart(ICECredentials(random: puppet.random)))
        _ = puppet.takeSent()
        // and does so until it has the answer
        puppet.check(username: "\(elder.usernameFragment):renewed", password: elder.password)
        #expect(puppet.takeSent().first?.errorCode == 401)
        #expect(puppet.agent.statistics.discards == [.unknownUsernameFragment: 2])
        let own = puppet.agent.credentials
        puppet.check(username: "\(own.usernameFragment):renewed", password: own.password)
        #expect(puppet.takeSent().first?.messageClass == .successResponse)
    }

    @Test func `A restart after the pair was lost checks again`() throws {
        var puppet = Puppet(.controlled)
        try puppet.connect()
        puppet.pass(.seconds(8))
        #expect(puppet.agent.connectionState == .disconnected)
        puppet.tell(.restart(ICECredentials(random: puppet.random)))
        #expect(puppet.agent.connectionState == .checking)
        puppet.pass(.seconds(40))
        #expect(puppet.agent.selectedPair == nil)
        #expect(puppet.agent.connectionState == .checking)
        puppet.tell(.remoteCredentials(puppet.credentials, isLite: false))
        try puppet.connect()
    }

    @Test func `On a shared socket datagrams find their agent`() throws {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        let request = try #require(puppet.sent.last?.message)
        let response = STUNMessage(.successResponse, transactionID: request.transactionID).serialized()
        #expect(puppet.agent.awaits(response))
        #expect(!puppet.agent.awaits(request.serialized()))
        #expect(!puppet.agent.awaits(STUNMessage(.successResponse, transactionID: .init(high: 0, low: 0)).serialized()))
        #expect(!puppet.agent.awaits([]))
        #expect(ICEAgent.localUsernameFragment(of: Vector.request) == "evtj")
        #expect(ICEAgent.localUsernameFragment(of: response) == nil)
        #expect(ICEAgent.localUsernameFragment(of: []) == nil)
        #expect([[0], [1], [2], [3]].allSatisfy { ICEAgent.isSTUN($0 as [UInt8]) })
        #expect([[], [4], [20], [64], [128]].allSatisfy { !ICEAgent.isSTUN($0 as [UInt8]) })
    }
}
