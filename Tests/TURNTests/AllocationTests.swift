import ICE
import SimulatedPeers
import Testing
import Wire

@Suite struct `A TURN allocation` {
    @Test(arguments: [false, true])
    func `It is made with the challenge of a 401, and tells both addresses and the mapped one`(isStream: Bool) {
        var relay = Relay(stream: isStream)
        relay.open()
        #expect(relay.client.state == .allocated)
        #expect(relay.events == [.allocated(relay.client.relayedAddresses, mapped: Relay.local)])
        #expect(relay.client.relayedAddresses.map(\.ip.isIPv6) == [false, true])
        #expect(relay.server.requests == [.allocate: 2])
    }

    @Test func `The first request has no credentials, the second has (RFC 8489 §9.2.3)`() throws {
        var relay = Relay()
        relay.open()
        let messages = try relay.sent.map { try STUNMessage(parsing: $0) }
        #expect(messages.map(\.hasIntegrity) == [false, true])
        #expect(messages.map(\.username) == [nil, "ann"])
        #expect(messages.allSatisfy { $0.attributes.contains(.requestedTransport(17)) })
        #expect(messages[0].transactionID != messages[1].transactionID)
    }

    @Test(arguments: [
        ([STUNPasswordAlgorithm.sha256, .md5], false), ([.md5], false), ([.init(number: 99), .sha256], true),
    ])
    func `The first password algorithm that is known is taken, and a name is hidden where the server wants it`(
        algorithms: [STUNPasswordAlgorithm], isAnonymous: Bool
    ) throws {
        var relay = Relay {
            $0.passwordAlgorithms = algorithms
            $0.isAnonymous = isAnonymous
        }
        relay.open()
        #expect(relay.client.state == .allocated)
        let request = try STUNMessage(parsing: relay.sent[1])
        #expect((request.username == nil) == isAnonymous)
        #expect(request.passwordAlgorithms == algorithms)
        #expect(request.attributes.contains(.passwordAlgorithm(algorithms.first { $0.number < 99 }!)))
    }

    @Test func `A challenge with none of the known algorithms is not met (RFC 8489 §9.2.5)`() {
        var relay = Relay { $0.passwordAlgorithms = [.init(number: 99)] }
        relay.open()
        #expect(relay.events == [.failed(TURNError(code: 401, reason: "Unauthorized"))])
        #expect(relay.sent.count == 1)
    }

    @Test func `A nonce that promises algorithms which are missing is a bid down and not met (RFC 8489 §9.2.1)`() throws
    {
        var relay = Relay()
        relay.isServerReachable = false
        relay.open()
        let request = try STUNMessage(parsing: relay.sent[0])
        let response = STUNMessage(
            .errorResponse, method: .allocate, transactionID: request.transactionID,
            attributes: [.errorCode(401, reason: "no"), .realm("r"), .nonce("obMatJos2gAAAxyz")])
        relay.tell(.received(response.serialized()))
        #expect(relay.events == [.failed(TURNError(code: 401, reason: "no"))])
    }

    @Test(
        arguments: [
            [.realm("r"), .nonce(String(repeating: "n", count: 65_400))],
            [.realm(String(repeating: "r", count: 764)), .nonce("n")],
            [
                .realm("r"), .nonce("obMatJos2gAAAn"),
                .passwordAlgorithms([.md5, .init(number: 9, parameters: .init(repeating: 1, count: 300))]),
            ],
        ] as [[STUNAttribute]])
    func `A challenge that is longer than RFC 8489 §14.9 allows is not repeated`(challenge: [STUNAttribute]) throws {
        var relay = Relay(stream: true)
        relay.isServerReachable = false
        relay.open()
        let request = try STUNMessage(parsing: relay.sent[0])
        let response = STUNMessage(
            .errorResponse, method: .allocate, transactionID: request.transactionID,
            attributes: [.errorCode(401, reason: "no")] + challenge)
        relay.tell(.received(response.serialized(fingerprint: false)))
        #expect(relay.events == [.failed(TURNError(code: 401, reason: "no"))])
        #expect(relay.sent.count == 1)
    }

    @Test func `A wrong password is told as 401 with the server's words, after one try`() {
        var relay = Relay(credential: "wrong")
        relay.open()
        #expect(relay.events == [.failed(TURNError(code: 401, reason: "Unauthorized"))])
        #expect(relay.sent.count == 2)
        #expect(relay.client.deadline == nil)
    }

    @Test(arguments: [
        TURNError(code: 403, reason: "Forbidden"), TURNError(code: 442, reason: "Unsupported Transport Protocol"),
        TURNError(code: 486, reason: "Allocation Quota Reached"), TURNError(code: 508, reason: "Insufficient Capacity"),
        TURNError(code: 500, reason: "Server Error"),
    ])
    func `What the server refuses for is told with its code and reason`(error: TURNError) {
        var relay = Relay { $0.refusals[.allocate] = error }
        relay.open()
        #expect(relay.events == [.failed(error)])
        #expect(relay.client.state == .ended)
    }

    @Test func `A server that does not answer is asked four times and told as 701 when gathering's time is over`() {
        var relay = Relay()
        relay.isServerReachable = false
        let begin = relay.now
        relay.open()
        relay.pass(.seconds(60))
        #expect(relay.sent.count == 4)
        guard case .failed(let error) = relay.events.first else { return #expect(Bool(false), "\(relay.events)") }
        #expect(error.code == 701)
        #expect(relay.client.state == .ended)
        #expect(begin + .seconds(60) == relay.now)
    }

    @Test func `A transport that never comes, or is closed, is told as 701`() {
        var late = Relay()
        late.pass(.seconds(6))
        #expect(late.events == [.failed(TURNError(code: 701, reason: "not connected in time"))])
        var closed = Relay(stream: true)
        closed.tell(.transportClosed("connection refused"))
        #expect(closed.events == [.failed(TURNError(code: 701, reason: "connection refused"))])
    }

    @Test func `Over a stream a request is not sent again (RFC 8489 §6.2.2)`() {
        var relay = Relay(stream: true)
        relay.isServerReachable = false
        relay.open()
        relay.pass(.seconds(4))
        #expect(relay.sent.count == 1)
    }

    @Test func `An allocation of the same 5-tuple makes it try another port (437), three times at most`() {
        var first = Relay()
        first.open()
        var second = Relay()
        second.server = first.server
        second.open()
        #expect(second.events == [.transportWanted(server: Relay.serverAddress, name: "relay.example")])
        second.open(port: 5001)
        #expect(second.client.state == .allocated)

        var unlucky = Relay { $0.refusals[.allocate] = TURNError(code: 437, reason: "Allocation Mismatch") }
        for port in 0..<4 { unlucky.open(port: 6000 + UInt16(port)) }
        #expect(unlucky.events.count == 4)
        #expect(unlucky.events.last == .failed(TURNError(code: 437, reason: "Allocation Mismatch")))
    }

    @Test func `An alternate server is asked instead (300), and a circle of them is not followed`() {
        let other = SocketAddress(IPAddress("203.0.113.2")!, port: 3478)
        var relay = Relay { $0.alternate = other }
        relay.open()
        #expect(relay.events == [.transportWanted(server: other, name: "relay.example")])
        relay.server = SimulatedTURNServer(address: other, random: relay.random)
        relay.open(port: 5001, server: other)
        #expect(relay.client.state == .allocated)

        var circle = Relay { $0.alternate = Relay.serverAddress }
        circle.open()
        #expect(circle.events == [.failed(TURNError(code: 300, reason: "Try Alternate"))])
    }

    @Test func `A server without IPv6 gives an IPv4 address, one without IPv4 is asked for IPv6 alone (440)`() {
        var four = Relay { $0.hasIPv6 = false }
        four.open()
        #expect(four.client.relayedAddresses.map(\.ip.isIPv6) == [false])
        var six = Relay { $0.hasIPv4 = false }
        six.open()
        #expect(six.client.relayedAddresses.map(\.ip.isIPv6) == [true])
    }

    @Test func `A success without the right integrity is as if it had not come`() throws {
        var relay = Relay()
        relay.open()
        let before = relay.sent.count
        relay.isServerReachable = false
        relay.tell(.permissionWanted(Relay.peer.ip))
        let request = try STUNMessage(parsing: relay.sent[before])
        let forged = STUNMessage(.successResponse, method: .createPermission, transactionID: request.transactionID)
        relay.tell(.received(forged.serialized()))
        relay.tell(.received(forged.serialized(key: STUNKey(password: "guess"))))
        #expect(relay.client.discards == [.unauthenticated: 2])
        #expect(relay.client.route(to: Relay.peer) == nil)
    }
}

@Suite struct `The life of an allocation` {
    @Test func `It is refreshed a minute before it expires, for as long as it is wanted`() {
        var relay = Relay()
        relay.open()
        relay.pass(.seconds(3600))
        #expect(relay.client.state == .allocated)
        #expect(relay.server.requests[.refresh] == 6)
        #expect(relay.server.allocations.count == 1)
    }

    @Test func `Refreshes go on under a new nonce where the old is stale (438)`() {
        var relay = Relay { $0.nonceLifetime = .seconds(100) }
        relay.open()
        relay.pass(.seconds(3600))
        #expect(relay.client.state == .allocated)
        #expect(relay.events.count == 1)
        // each refresh is asked for twice, with the stale nonce and with the new
        #expect(relay.server.requests[.refresh] == 12)
    }

    @Test func `A server to which every nonce is stale is not asked for ever`() {
        var relay = Relay()
        relay.open()
        relay.server.options.nonceLifetime = .zero
        relay.server.forgetNonces()
        relay.pass(.seconds(541))
        #expect(relay.sent.count < 20)
    }

    @Test func `An allocation that the server has forgotten is lost with 437`() {
        var relay = Relay()
        relay.open()
        relay.server.forgetAllocations()
        relay.pass(.seconds(600))
        #expect(relay.events.last == .lost(TURNError(code: 437, reason: "Allocation Mismatch")))
    }

    @Test func `A server that falls silent loses it when its time is over, and not before`() {
        var relay = Relay()
        relay.open()
        relay.isServerReachable = false
        relay.pass(.seconds(599))
        #expect(relay.client.state == .allocated)
        relay.pass(.seconds(2))
        #expect(relay.events.last == .lost(TURNError(code: 437, reason: "The allocation has expired")))
    }

    @Test func `A server that was silent for a while finds it alive`() {
        var relay = Relay()
        relay.open()
        relay.isServerReachable = false
        relay.pass(.seconds(585))
        relay.isServerReachable = true
        relay.pass(.seconds(600))
        #expect(relay.client.state == .allocated)
    }

    @Test func `Closing ends it at the server at once (RFC 8656 §8)`() {
        var relay = Relay()
        relay.open()
        relay.tell(.close)
        #expect(relay.server.allocations.isEmpty)
        #expect(relay.client.state == .ended)
        #expect(relay.client.deadline == nil)
    }

    @Test func `A connection that breaks loses it`() {
        var relay = Relay(stream: true)
        relay.open()
        relay.tell(.transportClosed("reset"))
        #expect(relay.events.last == .lost(TURNError(code: 701, reason: "reset")))
    }
}

@Suite struct `Credentials that expire` {
    static let secret = "a shared secret"

    static func server(_ options: inout SimulatedTURNServer.Options) {
        options.sharedSecret = secret
        options.lifetime = .seconds(60)
    }

    static func credentials(until seconds: Int64) -> RTCIceServer {
        RTCIceServer(urls: [Relay.url], sharedSecret: secret, user: "ann", expiresAt: seconds)
    }

    @Test func `The name of the TURN REST API tells when, and its password is what coturn makes of it`() {
        let server = RTCIceServer(urls: [], sharedSecret: "north", user: "alice", expiresAt: 1_900_000_000)
        #expect(server.username == "1900000000:alice")
        // printf 1900000000:alice | openssl dgst -sha1 -hmac north -binary | base64
        #expect(server.credential == "SnH0MEKWgnUzXU+ElSVhRG+O/9g=")
        #expect(server.expiresAt == 1_900_000_000)
        #expect(RTCIceServer(urls: [], username: "alice").expiresAt == nil)
        #expect(RTCIceServer(urls: [], username: "12345:alice").expiresAt == nil)
    }

    /// Names of ten digits, as the clock of the simulation has it.
    private static let epoch = Instant(nanoseconds: 5_000_000_000) - .seconds(1_900_000_000)

    private static func relay(lifetime: Int64) -> Relay {
        let own = credentials(until: 1_900_000_000 + lifetime)
        var relay = Relay(
            username: own.username, credential: own.credential, expiresAt: epoch + .seconds(1_900_000_000 + lifetime)
        ) {
            server(&$0)
            $0.unixEpoch = epoch
        }
        relay.open()
        return relay
    }

    @Test func `New ones are wanted before the old expire`() {
        var relay = Self.relay(lifetime: 100)
        #expect(relay.client.state == .allocated)
        relay.pass(.seconds(74))
        #expect(!relay.events.contains(.credentialsWanted))
        relay.pass(.seconds(2))
        #expect(relay.events.contains(.credentialsWanted))
        #expect(relay.events.count { $0 == .credentialsWanted } == 1)
    }

    @Test func `A new password of the same name is used at once`() {
        var relay = Relay()
        relay.open()
        relay.server.options.users = ["ann": "another"]
        relay.tell(.credentialsChanged(username: "ann", credential: "another", expiresAt: nil))
        #expect(relay.server.requests[.refresh] == 1)
        relay.pass(.seconds(1800))
        #expect(relay.client.state == .allocated)
        #expect(!relay.events.contains(.replacementWanted))
    }

    @Test func `A server that holds an allocation to its first name (441) keeps it, and a replacement is wanted`() {
        var relay = Self.relay(lifetime: 100)
        relay.pass(.seconds(80))
        let next = Self.credentials(until: 1_900_000_500)
        relay.tell(.credentialsChanged(username: next.username, credential: next.credential, expiresAt: nil))
        #expect(relay.events.last == .replacementWanted)
        #expect(relay.client.state == .allocated)
        // the old credentials still refresh it, until they expire; then it ends by itself
        relay.pass(.seconds(15))
        #expect(relay.client.state == .allocated)
        relay.pass(.seconds(90))
        #expect(relay.client.state == .ended)
        #expect(relay.events.last == .lost(TURNError(code: 437, reason: "The allocation has expired")))
    }

    @Test func `Refused with what was valid before, it asks for new ones and lives to its end`() {
        var relay = Relay { $0.lifetime = .seconds(100) }
        relay.open()
        relay.server.options.users = ["ann": "another"]
        relay.pass(.seconds(60))
        #expect(relay.events.last == .credentialsWanted)
        #expect(relay.client.state == .allocated)
        relay.tell(.credentialsChanged(username: "ann", credential: "another", expiresAt: nil))
        relay.pass(.seconds(1000))
        #expect(relay.client.state == .allocated)
    }
}
