import ICE
import SimulatedPeers
import Wire

/// What a step of the target `turn` does with its bytes.
enum TURNStep: UInt8, CaseIterable {
    case bytes, success, error, indication, channelData, permission, channel, send, time, transport, credentials
}

/// The first byte says whether the server is spoken to on a connection, and whether it has allocated an address; then
/// come steps of what it, the peers behind it and the client's own side can do.
func fuzzTURN(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    var pair = HostileTURNServer(isStream: first & 1 != 0, allocates: first & 2 != 0)
    for part in parts(of: Array(bytes.dropFirst())).prefix(64) { pair.take(part) }
    pair.end()
}

/// A TURN server's answer to `request` with these bytes for its attributes; authentic to the user `ann` where there is a
/// password and the request has a realm.
func serversAnswer(
    to request: STUNMessage, _ messageClass: STUNMessage.Class, _ attributes: [UInt8], password: String?
) -> [UInt8] {
    let answer = serversMessage(messageClass, method: request.method, request.transactionID, attributes)
    guard let password, let parsed = answer.parsed, let realm = request.realm else { return answer.bytes }
    let algorithm = request.attributes.compactMap { attribute -> STUNPasswordAlgorithm? in
        if case .passwordAlgorithm(let algorithm) = attribute { algorithm } else { nil }
    }
    let key = STUNKey(username: "ann", realm: realm, password: password, algorithm: algorithm.first)
    return parsed.serialized(key: key, fingerprint: false)
}

/// A message with these bytes for its attributes, and what it is read as.
private func serversMessage(
    _ messageClass: STUNMessage.Class, method: STUNMessage.Method, _ id: STUNMessage.TransactionID,
    _ attributes: [UInt8]
) -> (bytes: [UInt8], parsed: STUNMessage?) {
    let header = STUNMessage(messageClass, method: method, transactionID: id)
    var bytes = header.serialized(fingerprint: false) + attributes
    bytes += [UInt8](repeating: 0, count: -bytes.count & 3)
    bytes[2] = UInt8(truncatingIfNeeded: (bytes.count - 20) >> 8)
    bytes[3] = UInt8(truncatingIfNeeded: bytes.count - 20)
    guard let parsed = try? STUNMessage(parsing: bytes) else { return (bytes, nil) }
    return (bytes, STUNMessage(messageClass, method: method, transactionID: id, attributes: parsed.attributes))
}

/// A client, and a server that knows the password and keeps no rule.
private struct HostileTURNServer {
    private static let address = SocketAddress(.v4(0xCB00_7101), port: 3478)
    private static let local = SocketAddress(.v4(0xC000_0205), port: 5000)
    private static let peer = SocketAddress(.v4(0xC633_644D), port: 6000)

    private let isStream: Bool
    private let random = SeededRandomSource(seed: 1)
    private var client: TURNClient
    private var honest: SimulatedTURNServer
    private var isHonest: Bool
    private var now = Instant.zero + .seconds(10)
    private var streams = 0
    private var server = Self.address
    private var password = "secret"
    /// What the client has asked for, the last at the end.
    private var requests: [STUNMessage] = []

    /// `allocates` says whether the server changes its mind only when the client has an address and a channel.
    init(isStream: Bool, allocates: Bool) {
        self.isStream = isStream
        isHonest = allocates
        honest = SimulatedTURNServer(address: Self.address, random: random)
        guard let url = RTCIceServerURL("turn:relay.example") else { preconditionFailure("a URL can be read") }
        client = TURNClient(
            configuration: .init(url: url, username: "ann", credential: password), random: random, at: now)
        open()
        guard allocates else { return }
        tell(.channelWanted(Self.peer))
        isHonest = false
        precondition(client.state == .allocated, "an honest server's address is taken")
    }

    private mutating func open() {
        streams += 1
        let local = SocketAddress(Self.local.ip, port: Self.local.port + UInt16(streams))
        tell(
            .transportOpened(.init(StreamID(rawValue: streams), isReliable: isStream, local: local, server: server)))
    }

    mutating func take(_ part: [UInt8]) {
        guard let first = part.first, let step = TURNStep(rawValue: first % UInt8(TURNStep.allCases.count)) else {
            return
        }
        let rest = Array(part.dropFirst())
        switch step {
        case .bytes: tell(.received(rest))
        case .success: respond(.successResponse, rest)
        case .error: respond(.errorResponse, rest)
        case .indication:
            tell(.received(serversMessage(.indication, method: .data, .init(high: 1, low: 1), rest).bytes))
        case .channelData:
            var data: [UInt8] = []
            data.append(uint16: 0x4000)
            data.append(uint16: UInt16(rest.count))
            tell(.received(data + rest + [UInt8](repeating: 0, count: -rest.count & 3)))
        case .permission: tell(.permissionWanted(address(rest).ip))
        case .channel: tell(.channelWanted(address(rest)))
        case .send: tell(.dataReady(rest, to: address(rest)))
        case .time: pass(.seconds(Int(rest.first ?? 0) * 4))
        case .transport:
            if rest.first.map({ $0 & 1 == 0 }) ?? false { tell(.transportClosed("gone")) } else { open() }
        case .credentials:
            password = "secret \(rest.first ?? 0)"
            tell(.credentialsChanged(username: "ann", credential: password, expiresAt: now + .seconds(rest.count)))
        }
    }

    mutating func end() {
        pass(.seconds(60))
        tell(.close)
        precondition(client.deadline == nil, "a client that has ended waits for something")
        precondition(client.route(to: Self.peer) == nil, "a client that has ended has a way to a peer")
    }

    // MARK: What the server sends

    /// An answer to one of the last requests: which, and whether it is authentic, in the first byte, then attributes.
    private mutating func respond(_ messageClass: STUNMessage.Class, _ bytes: [UInt8]) {
        guard let first = bytes.first, !requests.isEmpty else { return }
        let request = requests[requests.count - 1 - Int(first & 0x7F) % requests.count]
        let password = first & 0x80 == 0 ? password : nil
        tell(.received(serversAnswer(to: request, messageClass, Array(bytes.dropFirst()), password: password)))
    }

    private func address(_ bytes: [UInt8]) -> SocketAddress {
        guard let first = bytes.first else { return Self.peer }
        let low = UInt32(first & 0x3F)
        return first & 0x40 == 0
            ? SocketAddress(.v4(0xC633_6400 + low), port: 6000)
            : SocketAddress(.v6(high: 0x2001_0DB8_0000_0000, low: UInt64(low)), port: 6000)
    }

    private mutating func serve(_ bytes: [UInt8]) {
        let local = SocketAddress(Self.local.ip, port: Self.local.port + UInt16(streams))
        let end = isStream ? SimulatedTURNServer.Client.stream(streams, local) : .udp(local)
        honest.receive(bytes, from: end, at: now)
        for case .client(_, let answer) in honest.takeOutputs() { client.handle(.received(answer), at: now) }
    }

    // MARK: The client

    private mutating func pass(_ duration: Duration) {
        let end = now + duration
        var calls = 0
        while let deadline = client.deadline, deadline <= end {
            now = max(now, deadline)
            tell(.timePassed)
            calls += 1
            precondition(calls < 10_000, "time stands still")
        }
        now = end
    }

    private mutating func tell(_ input: TURNClient.Input) {
        client.handle(input, at: now)
        while let output = client.nextOutput() {
            switch output {
            case .transmit(let bytes):
                if isHonest { serve(bytes) } else { note(bytes) }
            case .event(.transportWanted(let server, _)): self.server = server
            case .data, .event: break
            }
        }
    }

    private mutating func note(_ bytes: [UInt8]) {
        // ChannelData is no message
        guard bytes.first.map({ $0 < 4 }) == true else { return }
        guard let message = try? STUNMessage(parsing: bytes) else { preconditionFailure("our own message is refused") }
        if message.messageClass == .request { requests = requests.suffix(127) + [message] }
    }
}
