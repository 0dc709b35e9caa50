import Testing
import Wire

@testable import ICE

@Suite struct `An agent's requests` {
    @Test func `A check is authenticated, has a fingerprint and tells role and priority`() throws {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        let check = try #require(puppet.takeSent().first)
        #expect(check.messageClass == .request)
        #expect(check.username == "puppet:\(puppet.agent.credentials.usernameFragment)")
        #expect(check.priority == ICECandidate.priority(of: .peerReflexive, localPreference: 65535))
        #expect(check.role?.0 == .controlling)
        #expect(!check.hasUseCandidate)
        #expect(check.hasFingerprint)
        #expect(check.isAuthentic(STUNKey(password: puppet.credentials.password)))
    }

    @Test func `The first check leaves when its pair is formed, and is sent again as RFC 8489 §6.2.1 says`() {
        var puppet = Puppet(.controlling)
        let start = puppet.now
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        puppet.pass(.seconds(60))
        #expect(
            puppet.sent.map { $0.at - start } == [0, 500, 1500, 3500, 7500, 15500, 31500].map { .milliseconds($0) })
        #expect(Set(puppet.sent.map(\.message.transactionID)).count == 1)
        let end = puppet.events.last
        #expect(end == .connectionStateChanged(.failed))
    }

    @Test func `Ordinary checks leave every Ta, the best pair first`() {
        var puppet = Puppet(.controlling)
        let start = puppet.now
        for number in 0..<5 {
            let address = Puppet.address("192.0.2.\(100 + number)", 1)
            puppet.tell(
                .remoteCandidate(
                    Puppet.candidate(address, priority: UInt32(1000 + number * 100), foundation: "\(number)")))
        }
        puppet.pass(.milliseconds(400))
        // The first was alone when it came; the others are ordered.
        #expect(puppet.sent.map { $0.at - start } == [0, 50, 100, 150, 200].map { .milliseconds($0) })
        #expect(puppet.sent.map(\.remote.ip.description) == [100, 104, 103, 102, 101].map { "192.0.2.\($0)" })
    }

    @Test func `Pairs of one foundation are frozen until the first of them has succeeded`() throws {
        var puppet = Puppet(.controlled)
        let second = Puppet.address("192.0.2.3", 1)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        puppet.tell(.remoteCandidate(Puppet.candidate(second, priority: 5)))
        puppet.pass(.milliseconds(400))
        #expect(puppet.sent.map(\.remote) == [Puppet.remote])
        try puppet.answer()
        puppet.pass(.milliseconds(60))
        #expect(puppet.sent.map(\.remote) == [Puppet.remote, second])
    }

    @Test func `The nomination follows the first success at once and carries USE-CANDIDATE`() throws {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        try puppet.answer()
        let nomination = try #require(puppet.sent.last?.message)
        #expect(nomination.hasUseCandidate)
        #expect(puppet.agent.selectedPair == nil)
        try puppet.answer()
        #expect(puppet.agent.selectedPair?.remoteAddress == Puppet.remote)
        #expect(puppet.events.contains(.connectionStateChanged(.connected)))
    }

    @Test func `A nomination that is lost is sent again after the time that the path needs`() throws {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        puppet.now += .milliseconds(2)
        try puppet.answer()
        puppet.sent = []
        puppet.pass(.milliseconds(150))
        #expect(puppet.takeSent().count == 1)
    }

    @Test func `A nomination is repeated once a second at least, and the only pair is tried anew where it fails`()
        throws
    {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        puppet.now += .milliseconds(150)
        try puppet.answer()
        puppet.sent = []
        puppet.pass(.seconds(8))
        // 0.45 s after the first, 0.9 s after that, then each second
        #expect(puppet.takeSent().filter(\.hasUseCandidate).count == 8)
        puppet.pass(.seconds(10))
        #expect(puppet.agent.connectionState == .checking)
        #expect(puppet.sent.last?.message.hasUseCandidate == false)
        try puppet.answer()
        #expect(puppet.sent.last?.message.hasUseCandidate == true)
        try puppet.answer()
        #expect(puppet.agent.selectedPair?.remoteAddress == Puppet.remote)
    }

    @Test func `When a nomination fails, the next best pair is nominated`() throws {
        var puppet = Puppet(.controlling)
        let second = Puppet.address("192.0.2.3", 1)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        puppet.tell(.remoteCandidate(Puppet.candidate(second, priority: 5, foundation: "2")))
        puppet.pass(.milliseconds(60))
        try puppet.answer()
        try puppet.answer(to: second)
        #expect(puppet.sent.last?.remote == Puppet.remote)
        try puppet.answer(.errorResponse, [.errorCode(500, reason: "")])
        let last = try #require(puppet.sent.last)
        #expect(last.remote == second)
        #expect(last.message.hasUseCandidate)
        try puppet.answer(to: second)
        #expect(puppet.agent.selectedPair?.remoteAddress == second)
    }

    @Test func `A role conflict answered with 487 makes it take the other role and check again`() throws {
        for role in [ICERole.controlling, .controlled] {
            var puppet = Puppet(role)
            puppet.tell(.remoteCandidate(Puppet.candidate()))
            let before = puppet.sent.last?.message.role
            try puppet.answer(.errorResponse, [.errorCode(487, reason: "Role Conflict")])
            #expect(puppet.agent.role == role.opposite)
            #expect(puppet.events.contains(.roleChanged(role.opposite)))
            puppet.pass(.milliseconds(50))
            let after = puppet.sent.last?.message.role
            #expect(after?.0 == role.opposite)
            #expect(after?.1 != before?.1)
            #expect(puppet.agent.statistics.roleConflicts == 1)
        }
    }

    @Test func `A lite peer makes it control and nominate`() throws {
        var puppet = Puppet(.controlled, isDescribed: false)
        puppet.tell(.remoteCredentials(puppet.credentials, isLite: true))
        #expect(puppet.agent.role == .controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        try puppet.answer()
        try puppet.answer()
        #expect(puppet.agent.selectedPair != nil)
    }

    @Test func `Responses that prove nothing are discarded with their reason`() throws {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        try puppet.answer(password: "wrong")
        #expect(puppet.agent.statistics.discards == [.unauthenticated: 1])
        puppet.receive(STUNMessage(.successResponse, transactionID: .init(high: 1, low: 1)).serialized())
        #expect(puppet.agent.statistics.discards[.unknownTransaction] == 1)
        // The right answer still counts.
        try puppet.answer()
        #expect(puppet.sent.last?.message.hasUseCandidate == true)
        try puppet.answer(.successResponse, [])
        #expect(puppet.agent.statistics.discards[.missingAttribute] == 1)
        #expect(puppet.agent.selectedPair == nil)
    }

    @Test func `A response from elsewhere fails the pair`() throws {
        var puppet = Puppet(.controlling)
        puppet.tell(.remoteCandidate(Puppet.candidate()))
        try puppet.answer(from: Puppet.address("192.0.2.66", 1))
        #expect(puppet.agent.statistics.discards == [.asymmetricResponse: 1])
        puppet.sent = []
        puppet.pass(.seconds(5))
        #expect(puppet.sent.isEmpty)
    }

    @Test func `Consent needs an authentic answer; media alone does not keep it`() throws {
        var puppet = Puppet(.controlled)
        try puppet.connect()
        for _ in 0..<290 {
            puppet.pass(.milliseconds(100))
            puppet.tell(.received(local: Puppet.local, remote: Puppet.remote))
            if !puppet.sent.isEmpty { try puppet.answer(password: "wrong") }
            puppet.sent = []
        }
        // Media shows life.
        #expect(puppet.agent.connectionState == .connected)
        puppet.pass(.seconds(1))
        #expect(puppet.agent.connectionState == .failed)
        #expect(puppet.agent.statistics.discards[.unauthenticated, default: 0] > 5)
    }

    @Test func `Each consent check is a new transaction and carries no nomination`() throws {
        var puppet = Puppet(.controlling)
        try puppet.connect()
        puppet.pass(.seconds(10))
        let checks = puppet.takeSent()
        #expect(checks.count > 4)
        #expect(Set(checks.map(\.transactionID)).count == checks.count)
        #expect(checks.allSatisfy { !$0.hasUseCandidate && $0.hasIntegrity })
    }
}

@Suite struct `Requests to an agent` {
    @Test func `A check is answered with the address that it came from, and checked back at once`() throws {
        var puppet = Puppet(.controlled)
        puppet.check()
        let messages = puppet.sent.map(\.message)
        #expect(messages.count == 2)
        #expect(messages[0].messageClass == .successResponse)
        #expect(messages[0].mappedAddress == Puppet.remote)
        #expect(messages[0].isAuthentic(STUNKey(password: puppet.agent.credentials.password)))
        #expect(messages[1].messageClass == .request)
        #expect(puppet.agent.remoteCandidates.map(\.kind) == [.peerReflexive])
        #expect(puppet.agent.remoteCandidates.map(\.priority) == [1_862_270_975])
        #expect(puppet.agent.connectionState == .checking)
        // Valid, but not nominated.
        try puppet.answer()
        #expect(puppet.agent.selectedPair == nil)
        puppet.check(nominates: true)
        #expect(puppet.agent.selectedPair?.remoteAddress == Puppet.remote)
    }

    @Test func `A nomination that comes before the pair is valid counts once it is`() throws {
        var puppet = Puppet(.controlled)
        puppet.check(nominates: true)
        #expect(puppet.agent.selectedPair == nil)
        try puppet.answer()
        #expect(puppet.agent.selectedPair != nil)
    }

    @Test func `A check for another agent, or with another password, gets 401 and leads to nothing`() {
        var puppet = Puppet(.controlled)
        puppet.check(username: "other:puppet")
        puppet.check(password: "wrong")
        let answers = puppet.takeSent()
        #expect(answers.map(\.errorCode) == [401, 401])
        #expect(answers.allSatisfy { !$0.hasIntegrity })
        #expect(puppet.agent.statistics.discards == [.unknownUsernameFragment: 1, .unauthenticated: 1])
        #expect(puppet.agent.remoteCandidates.isEmpty)
    }

    @Test func `A check without integrity or user name gets 400`() {
        var puppet = Puppet(.controlled)
        let id = STUNMessage.TransactionID(high: 1, low: 1)
        puppet.receive(STUNMessage(.request, transactionID: id).serialized())
        puppet.receive(STUNMessage(.request, transactionID: id).serialized(key: STUNKey(password: "x")))
        puppet.receive(
            STUNMessage(.request, transactionID: id, attributes: [.username("nocolon")])
                .serialized(key: STUNKey(password: puppet.agent.credentials.password)))
        #expect(puppet.takeSent().map(\.errorCode) == [400, 400, 400])
    }

    @Test func `An attribute that must be understood and is not gets 420 with its type`() {
        var puppet = Puppet(.controlled)
        puppet.check([.other(type: 0x7ABC, value: [1])])
        let answer = puppet.takeSent()
        #expect(answer.map(\.errorCode) == [420])
        #expect(answer[0].attributes.contains(.unknownAttributes([0x7ABC])))
        #expect(puppet.agent.statistics.discards == [.unknownAttribute: 1])
    }

    @Test func `In a role conflict the larger tie-breaker controls`() {
        for role in [ICERole.controlling, .controlled] {
            for theirs in [0, UInt64.max] {
                var puppet = Puppet(role)
                puppet.check([role == .controlling ? .iceControlling(theirs) : .iceControlled(theirs)])
                // The puppet with the larger tie-breaker controls; with the smaller one the agent does.
                let expected: ICERole = theirs == 0 ? .controlling : .controlled
                #expect(puppet.agent.role == expected)
                let isRefused = expected == role
                #expect(puppet.takeSent().first?.errorCode == (isRefused ? 487 : nil))
                #expect(puppet.agent.remoteCandidates.isEmpty == isRefused)
            }
        }
    }

    @Test func `Early checks are kept in a bounded number`() {
        var puppet = Puppet(.controlled, isDescribed: false)
        for number in 0..<100 {
            puppet.check(nominates: number == 5, from: Puppet.address("198.51.100.1", UInt16(1000 + number)))
        }
        #expect(puppet.takeSent().count { $0.messageClass == .successResponse } == 100)
        #expect(puppet.agent.statistics.discards == [.tooMany: 84])
        #expect(puppet.agent.connectionState == .new)
        puppet.tell(.remoteCredentials(puppet.credentials, isLite: false))
        #expect(puppet.agent.remoteCandidates.count == 16)
        #expect(puppet.takeSent().count == 16)
        #expect(puppet.agent.connectionState == .checking)
    }

    @Test func `Early checks of another session than the described one are forgotten`() {
        var puppet = Puppet(.controlled, isDescribed: false)
        puppet.check(username: "\(puppet.agent.credentials.usernameFragment):elder")
        puppet.tell(.remoteCredentials(puppet.credentials, isLite: false))
        #expect(puppet.agent.remoteCandidates.isEmpty)
    }

    @Test func `An eager peer makes the agent no more eager than the pair's checks need`() {
        var puppet = Puppet(.controlled)
        for _ in 0..<1000 {
            puppet.check()
            puppet.pass(.milliseconds(1))
        }
        let requests = puppet.takeSent().count { $0.messageClass == .request }
        #expect((90...110).contains(requests))
        puppet.pass(.seconds(600))
        #expect(puppet.agent.deadline == nil)
    }

    @Test func `A peer that nominates every pair ends on the best, whatever the order`() throws {
        var puppet = Puppet(.controlled)
        let better = Puppet.address("192.0.2.3", 1)
        try puppet.connect()
        puppet.check(nominates: true, priority: 1_862_270_976, from: better)
        try puppet.answer(to: better)
        #expect(puppet.agent.selectedPair?.remoteAddress == better)
        puppet.pass(.milliseconds(100))
        puppet.check(nominates: true)
        #expect(puppet.agent.selectedPair?.remoteAddress == better)
    }

    @Test func `A peer that moves its nomination to a worse pair is followed`() throws {
        var puppet = Puppet(.controlled)
        let worse = Puppet.address("192.0.2.3", 1)
        try puppet.connect()
        puppet.check(priority: 1, from: worse)
        try puppet.answer(to: worse)
        puppet.pass(.seconds(3.5))
        #expect(puppet.agent.selectedPair?.remoteAddress == Puppet.remote)
        puppet.check(nominates: true, priority: 1, from: worse)
        #expect(puppet.agent.selectedPair?.remoteAddress == worse)
        // The new path is asked for consent at once.
        #expect(puppet.sent.last?.remote == worse)
        #expect(puppet.sent.last?.message.messageClass == .request)
    }

    @Test func `What is not for it is counted and does nothing`() {
        var puppet = Puppet(.controlled)
        let id = STUNMessage.TransactionID(high: 1, low: 1)
        puppet.receive([0, 1, 2])
        puppet.receive(STUNMessage(.indication, transactionID: id).serialized())
        puppet.receive(STUNMessage(.request, method: .init(rawValue: 3), transactionID: id).serialized())
        puppet.receive(STUNMessage(.request, transactionID: id).serialized(), to: Puppet.address("192.0.2.9", 1))
        #expect(
            puppet.agent.statistics.discards == [.malformed: 1, .unexpectedMessage: 2, .unknownLocalAddress: 1])
        #expect(puppet.sent.isEmpty)
    }

    @Test func `Damaged checks, thousands of them, neither trap nor connect`() {
        var puppet = Puppet(.controlled)
        let random = SeededRandomSource(seed: 77)
        let key = STUNKey(password: puppet.agent.credentials.password)
        let check = STUNMessage(
            .request, transactionID: .init(high: 1, low: 1),
            attributes: [
                .username("\(puppet.agent.credentials.usernameFragment):puppet"), .priority(1), .iceControlling(1),
                .useCandidate,
            ])
        for _ in 0..<2000 {
            let hasFingerprint = random.below(2) == 0
            var datagram = check.serialized(key: key, fingerprint: hasFingerprint)
            // Only what the integrity covers: a FINGERPRINT that has become another attribute is ignored.
            let covered = datagram.count - (hasFingerprint ? 8 : 0)
            for position in Set((0...random.below(3)).map { _ in random.below(covered) }) {
                datagram[position] ^= UInt8(1 + random.below(255))
            }
            puppet.receive(datagram, from: Puppet.address("192.0.2.2", random.uint16()))
        }
        #expect(puppet.agent.remoteCandidates.isEmpty)
        #expect(puppet.agent.statistics.requestsReceived == 0)
    }

    @Test func `Authentic checks with absurd content do not trap`() throws {
        var puppet = Puppet(.controlled)
        for priority in [0, 1, UInt32.max] {
            puppet.check(
                [.iceControlling(.max), .iceControlled(0), .useCandidate, .useCandidate], priority: priority,
                from: Puppet.address("0.0.0.0", UInt16(truncatingIfNeeded: priority)))
        }
        for _ in 0..<300 {
            puppet.check(nominates: true, from: Puppet.address("198.51.100.1", puppet.random.uint16()))
            try puppet.answer(
                to: puppet.sent.last { $0.message.messageClass == .request }!.remote,
                [.xorMappedAddress(Puppet.address("2001:db8::1", puppet.random.uint16()))])
            puppet.pass(.milliseconds(100))
        }
        #expect(puppet.agent.remoteCandidates.count <= 64)
        #expect(puppet.agent.localCandidates.count <= 128)
    }
}
