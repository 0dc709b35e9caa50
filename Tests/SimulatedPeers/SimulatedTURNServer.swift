package import ICE
package import Wire

/// A TURN server (RFC 8656) without sockets, strict where servers may be: every request is authenticated, with the nonce
/// of the day and credentials that are still valid; a permission is looked at for each datagram.
package struct SimulatedTURNServer {
    /// What the server does, and what it refuses.
    package struct Options: Sendable {
        package var realm = "relay.example"
        package var users: [String: String] = ["ann": "secret"]
        /// The secret of the TURN REST API; nil for `users` only.
        package var sharedSecret: String?
        /// The instant at which the Unix epoch was, for names that expire.
        package var unixEpoch = Instant.zero
        package var lifetime: Duration = .seconds(600)
        package var nonceLifetime: Duration = .seconds(3600)
        package var permissionLifetime: Duration = .seconds(300)
        /// What is offered in PASSWORD-ALGORITHMS; nil for a server of RFC 5389.
        package var passwordAlgorithms: [STUNPasswordAlgorithm]?
        package var isAnonymous = false
        package var hasIPv4 = true
        package var hasIPv6 = true
        /// Another server, told to everybody (300).
        package var alternate: SocketAddress?
        /// What is answered to requests of a method instead of doing it.
        package var refusals: [STUNMessage.Method: TURNError] = [:]
        /// Addresses that nothing is relayed to (403).
        package var forbidden: Set<IPAddress> = []

        package init() {}
    }

    /// The client's end of a 5-tuple.
    package enum Client: Hashable, Sendable {
        case udp(SocketAddress)
        case stream(Int, SocketAddress)

        package var address: SocketAddress {
            switch self {
            case .udp(let address), .stream(_, let address): address
            }
        }
    }

    package enum Output {
        case client(Client, [UInt8])
        case peer([UInt8], from: SocketAddress, to: SocketAddress)
    }

    package struct Allocation {
        package let username: String
        package var relayed: [SocketAddress]
        package var expiresAt: Instant
        package var permissions: [IPAddress: Instant] = [:]
        package var channels: [UInt16: (peer: SocketAddress, until: Instant)] = [:]
    }

    package let address: SocketAddress
    package var options: Options
    package private(set) var allocations: [Client: Allocation] = [:]
    /// How many requests of a method came, retransmissions included.
    package private(set) var requests: [STUNMessage.Method: Int] = [:]
    package private(set) var relayedByChannel = 0
    package private(set) var relayedByIndication = 0
    private let random: any RandomSource
    private var outputs: [Output] = []
    private var nonces: [Client: (text: String, until: Instant)] = [:]
    private var readers: [Client: TURNStreamReader] = [:]
    private var answers: [STUNMessage.TransactionID: [UInt8]] = [:]
    private var nextPort: UInt16 = 49152

    package init(address: SocketAddress, options: Options = Options(), random: any RandomSource) {
        self.address = address
        self.options = options
        self.random = random
    }

    /// The server is started anew, and knows nothing of what was.
    package mutating func restart() {
        allocations = [:]
        nonces = [:]
        readers = [:]
        answers = [:]
    }

    package mutating func takeOutputs() -> [Output] {
        defer { outputs = [] }
        return outputs
    }

    /// Whether datagrams to `address` are for an allocation of this server.
    package func relays(_ address: SocketAddress) -> Bool {
        allocations.values.contains { $0.relayed.contains(address) }
    }

    /// All nonces are stale, as after a start of the server; the allocations stay.
    package mutating func forgetNonces() { nonces = [:] }
    /// All allocations are gone.
    package mutating func forgetAllocations() { allocations = [:] }

    package mutating func receive(stream bytes: [UInt8], from client: Client, at now: Instant) {
        var reader = readers[client] ?? TURNStreamReader()
        reader.append(bytes)
        while let message = try? reader.next() { receive(message, from: client, at: now) }
        readers[client] = reader
    }

    package mutating func closed(_ client: Client) {
        allocations[client] = nil
        readers[client] = nil
    }

    package mutating func receive(_ bytes: [UInt8], from client: Client, at now: Instant) {
        allocations = allocations.filter { $0.value.expiresAt > now }
        if let first = bytes.first, first >= 0x40 {
            receiveChannelData(bytes, from: client, at: now)
        } else if let message = try? STUNMessage(parsing: bytes) {
            if message.messageClass == .indication, message.method == .send {
                guard let peer = message.peerAddresses.first, let data = message.data else { return }
                if relay(data, to: peer, of: client, at: now) { relayedByIndication += 1 }
            } else if message.messageClass == .request {
                receiveRequest(message, from: client, at: now)
            }
        }
    }

    /// A datagram from a peer has come to a relayed address.
    package mutating func receive(
        relayed bytes: [UInt8], at address: SocketAddress, from peer: SocketAddress, at now: Instant
    ) {
        guard let (client, allocation) = allocations.first(where: { $0.value.relayed.contains(address) }),
            allocation.expiresAt > now, let until = allocation.permissions[peer.ip], until > now
        else { return }
        if let channel = allocation.channels.first(where: { $0.value.peer == peer && $0.value.until > now }) {
            var data: [UInt8] = []
            data.append(uint16: channel.key)
            data.append(uint16: UInt16(bytes.count))
            data += bytes
            if case .stream = client { data += [UInt8](repeating: 0, count: -bytes.count & 3) }
            outputs.append(.client(client, data))
        } else {
            let indication = STUNMessage(
                .indication, method: .data, transactionID: .init(random: random),
                attributes: [.xorPeerAddress(peer), .data(bytes)])
            outputs.append(.client(client, indication.serialized(fingerprint: false)))
        }
    }

    private mutating func receiveChannelData(_ bytes: [UInt8], from client: Client, at now: Instant) {
        guard bytes.count >= 4, let allocation = allocations[client] else { return }
        let (number, length) = (UInt16(bytes[0]) << 8 | UInt16(bytes[1]), Int(bytes[2]) << 8 | Int(bytes[3]))
        guard let channel = allocation.channels[number], channel.until > now, bytes.count >= 4 + length else { return }
        if relay(Array(bytes[4..<(4 + length)]), to: channel.peer, of: client, at: now) { relayedByChannel += 1 }
    }

    private mutating func relay(_ data: [UInt8], to peer: SocketAddress, of client: Client, at now: Instant) -> Bool {
        guard let allocation = allocations[client], let until = allocation.permissions[peer.ip], until > now,
            let relayed = allocation.relayed.first(where: { $0.ip.isIPv6 == peer.ip.isIPv6 })
        else { return false }
        outputs.append(.peer(data, from: relayed, to: peer))
        return true
    }

    // MARK: Requests

    private mutating func receiveRequest(_ message: STUNMessage, from client: Client, at now: Instant) {
        requests[message.method, default: 0] += 1
        // RFC 8489 §6.3.1: a retransmission is answered as the first was
        if let answer = answers[message.transactionID] { return outputs.append(.client(client, answer)) }
        if let alternate = options.alternate, message.method == .allocate {
            return answer(message, .init(code: 300, reason: "Try Alternate"), [.alternateServer(alternate)], to: client)
        }
        guard message.hasIntegrity else { return challenge(message, 401, "Unauthorized", client, at: now) }
        guard let nonce = nonces[client], nonce.until > now, message.nonce == nonce.text else {
            return challenge(message, 438, "Stale Nonce", client, at: now)
        }
        guard let (username, key) = user(of: message, at: now), message.isAuthentic(key) else {
            return challenge(message, 401, "Unauthorized", client, at: now)
        }
        if let refusal = options.refusals[message.method] { return answer(message, refusal, key: key, to: client) }
        let allocation = allocations[client]
        if message.method != .allocate {
            guard let allocation else {
                return answer(message, .init(code: 437, reason: "Allocation Mismatch"), key: key, to: client)
            }
            guard allocation.username == username else {
                return answer(message, .init(code: 441, reason: "Wrong Credentials"), key: key, to: client)
            }
        }
        switch message.method {
        case .allocate: allocate(message, username, key, client, at: now)
        case .refresh: refresh(message, key, client, at: now)
        case .createPermission: permit(message, key, client, at: now)
        case .channelBind: bind(message, key, client, at: now)
        default: answer(message, .init(code: 400, reason: "Bad Request"), key: key, to: client)
        }
    }

    private func user(of message: STUNMessage, at now: Instant) -> (String, STUNKey)? {
        let algorithm = message.attributes.compactMap { attribute -> STUNPasswordAlgorithm? in
            if case .passwordAlgorithm(let algorithm) = attribute { algorithm } else { nil }
        }.first
        let hash = message.attributes.compactMap { attribute -> [UInt8]? in
            if case .userHash(let hash) = attribute { hash } else { nil }
        }.first
        if options.isAnonymous, message.username != nil { return nil }
        let hashed = options.users.keys.first { name in
            hash == STUNAttribute.userHash(username: name, realm: options.realm)
        }
        guard let name = message.username ?? hashed, let password = password(of: name, at: now) else { return nil }
        return (name, STUNKey(username: name, realm: options.realm, password: password, algorithm: algorithm))
    }

    private func password(of name: String, at now: Instant) -> String? {
        guard let sharedSecret = options.sharedSecret else { return options.users[name] }
        let parts = name.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let expiry = Int64(parts[0]), options.unixEpoch + .seconds(expiry) > now else {
            return nil
        }
        return RTCIceServer(urls: [], sharedSecret: sharedSecret, user: String(parts[1]), expiresAt: expiry).credential
    }

    private mutating func challenge(
        _ message: STUNMessage, _ code: UInt16, _ reason: String, _ client: Client, at now: Instant
    ) {
        // RFC 8489 §9.2: bit 0 is "Password algorithms", bit 1 "Username anonymity"
        let features = (options.passwordAlgorithms != nil ? 2 : 0) + (options.isAnonymous ? 1 : 0)
        let cookie = features == 0 ? "" : "obMatJos2" + ["AAAA", "QAAA", "gAAA", "wAAA"][features]
        let text = cookie + random.token(16)
        nonces[client] = (text, now + options.nonceLifetime)
        var attributes: [STUNAttribute] = [.realm(options.realm), .nonce(text)]
        if let algorithms = options.passwordAlgorithms { attributes.append(.passwordAlgorithms(algorithms)) }
        answer(message, .init(code: code, reason: reason), attributes, to: client)
    }

    private mutating func answer(
        _ message: STUNMessage, _ error: TURNError, _ attributes: [STUNAttribute] = [], key: STUNKey? = nil,
        to client: Client
    ) {
        let response = STUNMessage(
            .errorResponse, method: message.method, transactionID: message.transactionID,
            attributes: [.errorCode(error.code, reason: error.reason)] + attributes)
        send(response, key: key, to: client)
    }

    private mutating func succeed(
        _ message: STUNMessage, _ attributes: [STUNAttribute], _ key: STUNKey, to client: Client
    ) {
        let response = STUNMessage(
            .successResponse, method: message.method, transactionID: message.transactionID, attributes: attributes)
        send(response, key: key, to: client)
    }

    private mutating func send(_ response: STUNMessage, key: STUNKey?, to client: Client) {
        let bytes = response.serialized(key: key, fingerprint: false)
        answers[response.transactionID] = bytes
        outputs.append(.client(client, bytes))
    }

    private mutating func allocate(
        _ message: STUNMessage, _ username: String, _ key: STUNKey, _ client: Client, at now: Instant
    ) {
        guard allocations[client] == nil else {
            return answer(message, .init(code: 437, reason: "Allocation Mismatch"), key: key, to: client)
        }
        guard message.attributes.contains(.requestedTransport(17)) else {
            return answer(message, .init(code: 442, reason: "Unsupported Transport Protocol"), key: key, to: client)
        }
        let wantsOnlyIPv6 = message.attributes.contains(.requestedAddressFamily(2))
        let wantsBoth = message.attributes.contains(.additionalAddressFamily(2))
        guard wantsOnlyIPv6 ? options.hasIPv6 : options.hasIPv4 else {
            return answer(message, .init(code: 440, reason: "Address Family not Supported"), key: key, to: client)
        }
        nextPort += 1
        var relayed: [SocketAddress] = []
        if !wantsOnlyIPv6 { relayed.append(SocketAddress(.v4(0xC633_6401), port: nextPort)) }
        if wantsOnlyIPv6 || wantsBoth && options.hasIPv6 {
            relayed.append(SocketAddress(.v6(high: 0x2001_0db8_0064_0000, low: 1), port: nextPort))
        }
        allocations[client] = Allocation(
            username: username, relayed: relayed, expiresAt: now + options.lifetime)
        var attributes: [STUNAttribute] = relayed.map { .xorRelayedAddress($0) }
        attributes += [.lifetime(UInt32(options.lifetime.inSeconds)), .xorMappedAddress(client.address)]
        if wantsBoth, !options.hasIPv6 {
            attributes.append(.addressErrorCode(family: 2, 440, reason: "Address Family not Supported"))
        }
        succeed(message, attributes, key, to: client)
    }

    private mutating func refresh(_ message: STUNMessage, _ key: STUNKey, _ client: Client, at now: Instant) {
        guard message.lifetime != 0 else {
            allocations[client] = nil
            return succeed(message, [.lifetime(0)], key, to: client)
        }
        allocations[client]?.expiresAt = now + options.lifetime
        succeed(message, [.lifetime(UInt32(options.lifetime.inSeconds))], key, to: client)
    }

    private mutating func permit(_ message: STUNMessage, _ key: STUNKey, _ client: Client, at now: Instant) {
        let peers = message.peerAddresses
        guard !peers.isEmpty, peers.allSatisfy({ !options.forbidden.contains($0.ip) }) else {
            return answer(message, .init(code: 403, reason: "Forbidden"), key: key, to: client)
        }
        for peer in peers { allocations[client]?.permissions[peer.ip] = now + options.permissionLifetime }
        succeed(message, [], key, to: client)
    }

    private mutating func bind(_ message: STUNMessage, _ key: STUNKey, _ client: Client, at now: Instant) {
        // RFC 8656 §12: a number, and a peer, may be bound to another five minutes after the binding has ended
        for (number, channel) in allocations[client]?.channels ?? [:] where channel.until + .seconds(300) <= now {
            allocations[client]?.channels[number] = nil
        }
        guard let number = message.channelNumber, (0x4000...0x4FFF).contains(number),
            let peer = message.peerAddresses.first, let channels = allocations[client]?.channels,
            channels[number].map({ $0.peer == peer }) ?? !channels.values.contains(where: { $0.peer == peer })
        else { return answer(message, .init(code: 400, reason: "Bad Request"), key: key, to: client) }
        allocations[client]?.channels[number] = (peer, now + .seconds(600))
        allocations[client]?.permissions[peer.ip] = now + options.permissionLifetime
        succeed(message, [], key, to: client)
    }
}
