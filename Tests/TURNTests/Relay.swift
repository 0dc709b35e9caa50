import ICE
import SimulatedPeers
import Wire

/// A client, a server and a peer that hears what is relayed, under one virtual clock; nothing is lost but what the test
/// throws away.
struct Relay {
    static let local = SocketAddress(IPAddress("192.0.2.5")!, port: 5000)
    static let serverAddress = SocketAddress(IPAddress("203.0.113.1")!, port: 3478)
    static let peer = SocketAddress(IPAddress("198.51.100.77")!, port: 6000)
    static let url = RTCIceServerURL("turn:relay.example")!

    var client: TURNClient
    var server: SimulatedTURNServer
    var now = Instant(nanoseconds: 5_000_000_000)
    let random = SeededRandomSource(seed: 8656)
    let isStream: Bool
    var transport: TURNClient.Transport?
    var events: [TURNClient.Event] = []
    /// What the client sent, by the size of each datagram or write.
    var sent: [[UInt8]] = []
    /// What came out of the server for the peer.
    var relayed: [(bytes: [UInt8], from: SocketAddress, to: SocketAddress)] = []
    /// What the client has told to have come from peers.
    var received: [(bytes: [UInt8], from: SocketAddress, to: SocketAddress)] = []
    /// Whether the server hears anything.
    var isServerReachable = true

    init(
        stream isStream: Bool = false, username: String = "ann", credential: String = "secret",
        expiresAt: Instant? = nil, _ change: (inout SimulatedTURNServer.Options) -> Void = { _ in }
    ) {
        self.isStream = isStream
        var options = SimulatedTURNServer.Options()
        change(&options)
        server = SimulatedTURNServer(address: Relay.serverAddress, options: options, random: random)
        let configuration = TURNClient.Configuration(
            url: Relay.url, username: username, credential: credential, expiresAt: expiresAt)
        client = TURNClient(configuration: configuration, random: random, at: now)
    }

    /// Opens the transport and lets the client allocate.
    mutating func open(port: UInt16 = 5000, server: SocketAddress = serverAddress) {
        let local = SocketAddress(Relay.local.ip, port: port)
        let transport = TURNClient.Transport(
            StreamID(rawValue: Int(port)), isReliable: isStream, local: local, server: server)
        self.transport = transport
        tell(.transportOpened(transport))
    }

    var end: SimulatedTURNServer.Client {
        guard let transport else { preconditionFailure("no transport was opened") }
        return isStream ? .stream(transport.stream.rawValue, transport.local) : .udp(transport.local)
    }

    mutating func tell(_ input: TURNClient.Input) {
        client.handle(input, at: now)
        drain()
    }

    private mutating func drain() {
        while let output = client.nextOutput() {
            switch output {
            case .transmit(let bytes): transmit(bytes)
            case .data(let bytes, let from, let to): received.append((bytes, from, to))
            case .event(let event): events.append(event)
            }
        }
    }

    /// Hands the server what the client sends, and takes what comes of it.
    mutating func transmit(_ bytes: [UInt8]) {
        sent.append(bytes)
        guard isServerReachable, transport?.server == server.address else { return }
        if isStream {
            server.receive(stream: bytes, from: end, at: now)
        } else {
            server.receive(bytes, from: end, at: now)
        }
        takeOutputs()
    }

    private mutating func takeOutputs() {
        for output in server.takeOutputs() {
            switch output {
            case .client(_, let bytes): client.handle(.received(bytes), at: now)
            case .peer(let bytes, let from, let to): relayed.append((bytes, from, to))
            }
        }
    }

    /// A datagram of the peer to the relayed address of its family.
    mutating func peerSends(_ bytes: [UInt8], from peer: SocketAddress = peer) {
        guard let relayed = client.relayedAddresses.first(where: { $0.ip.isIPv6 == peer.ip.isIPv6 }) else { return }
        server.receive(relayed: bytes, at: relayed, from: peer, at: now)
        takeOutputs()
        drain()
    }

    /// Lets time pass, with a call at each of the client's deadlines.
    mutating func pass(_ duration: Duration, each: (inout Relay) -> Void = { _ in }) {
        let end = now + duration
        while let deadline = client.deadline, deadline <= end {
            now = max(now, deadline)
            tell(.timePassed)
            each(&self)
        }
        now = end
    }
}
