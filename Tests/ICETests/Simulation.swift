import ICE
import Wire

/// How a simulated network treats datagrams.
struct Weather {
    /// Of a thousand datagrams, how many are lost.
    var loss = 0
    /// Of a thousand, how many come twice.
    var duplication = 0
    /// The least time that one takes.
    var delay: Duration = .milliseconds(1)
    /// How much more it may take; datagrams overtake each other within it.
    var jitter: Duration = .zero

    /// Nothing is lost and everything takes a millisecond.
    static let fair = Weather()
}

/// An address translator: endpoint-independent mapping, and a filter by the remote address and port (RFC 4787).
final class NAT {
    let address: IPAddress
    private var mappings: [SocketAddress: UInt16] = [:]
    private var permissions: Set<[SocketAddress]> = []
    private var nextPort: UInt16

    init(_ address: IPAddress, firstPort: UInt16) {
        self.address = address
        nextPort = firstPort
    }

    func outward(_ local: SocketAddress, to remote: SocketAddress) -> SocketAddress {
        if mappings[local] == nil {
            mappings[local] = nextPort
            nextPort += 1
        }
        permissions.insert([local, remote])
        return SocketAddress(address, port: mappings[local]!)
    }

    func inward(_ mapped: SocketAddress, from remote: SocketAddress) -> SocketAddress? {
        guard mapped.ip == address, let local = mappings.first(where: { $0.value == mapped.port })?.key,
            permissions.contains([local, remote])
        else { return nil }
        return local
    }

    /// All mappings are forgotten, as at a restart of the device.
    func reboot() {
        mappings = [:]
        permissions = []
    }
}

/// One side: an agent with its sockets, and what it has said.
final class Peer {
    var agent: ICEAgent
    var sockets: Set<SocketAddress> = []
    let nat: NAT?
    /// A dead peer neither sends nor hears.
    var isDead = false
    /// Sockets that nothing reaches and that reach nothing.
    var unplugged: Set<SocketAddress> = []
    /// Addresses that connections are accepted at.
    var listeners: Set<SocketAddress> = []
    /// What is not STUN and has come by a connection.
    var frames: [[UInt8]] = []
    var events: [ICEAgent.Event] = []
    var transmissions: [(at: Instant, datagram: [UInt8], remote: SocketAddress)] = []

    init(_ agent: ICEAgent, nat: NAT? = nil) {
        self.agent = agent
        self.nat = nat
    }

    var connectionStates: [ICEConnectionState] {
        events.compactMap { if case .connectionStateChanged(let state) = $0 { state } else { nil } }
    }

    var candidates: [ICECandidate] {
        events.compactMap { if case .candidateGathered(let candidate) = $0 { candidate } else { nil } }
    }

    var isConnected: Bool { agent.connectionState == .connected || agent.connectionState == .completed }
}

/// Two peers, a STUN server, a network between them and a clock, all decided by a seed.
final class Simulation {
    let random: SeededRandomSource
    var weather: Weather
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    let left: Peer
    let right: Peer
    static let stunServer = SocketAddress(IPAddress("198.51.100.53")!, port: 3478)

    /// Whether every datagram is lost, as behind a firewall that lets only TCP through.
    var blocksUDP = false
    /// What names stand for; others do not exist.
    var names: [String: [IPAddress]] = [:]
    private var connections: [Connection] = []
    var openConnections: Int { connections.count }

    /// A TCP connection, which either side names by its own number.
    private struct Connection {
        let client: (peer: Peer, stream: StreamID, address: SocketAddress)
        let server: (peer: Peer, address: SocketAddress)
        var accepted: StreamID?
    }

    private enum Happening {
        case arrival([UInt8], from: SocketAddress, to: SocketAddress)
        case action(() -> Void)
    }

    private var queue: [(at: Instant, order: Int, what: Happening)] = []
    private var order = 0
    /// Whether candidates go to the other side as they are gathered.
    var trickles = true
    /// How long signalling takes.
    var signallingDelay: Duration = .milliseconds(5)

    init(
        seed: UInt64, weather: Weather = .fair, roles: (ICERole, ICERole) = (.controlling, .controlled),
        nats: (NAT?, NAT?) = (nil, nil), configuration: ICEConfiguration = .init()
    ) {
        let random = SeededRandomSource(seed: seed)
        self.random = random
        self.weather = weather
        func peer(_ role: ICERole, _ nat: NAT?) -> Peer {
            Peer(
                ICEAgent(
                    role: role, credentials: ICECredentials(random: random), random: random,
                    configuration: configuration),
                nat: nat)
        }
        left = peer(roles.0, nats.0)
        right = peer(roles.1, nats.1)
    }

    var peers: [Peer] { [left, right] }

    func other(than peer: Peer) -> Peer { peer === left ? right : left }

    /// Does `action` when `delay` has passed.
    func after(_ delay: Duration, _ action: @escaping () -> Void) {
        push(now + delay, .action(action))
    }

    func tell(_ peer: Peer, _ input: ICEAgent.Input) {
        guard !peer.isDead else { return }
        peer.agent.handle(input, at: now)
        while let output = peer.agent.nextOutput() {
            switch output {
            case .transmit(let datagram, let local, let remote):
                peer.transmissions.append((now, datagram, remote))
                send(datagram, from: local, of: peer, to: remote)
            case .write(let bytes, let stream, _, _):
                write(bytes, on: stream, of: peer)
            case .frame(let frame, _, _, _):
                peer.frames.append(frame)
            case .event(let event):
                peer.events.append(event)
                signal(event, of: peer)
                serve(event, of: peer)
            }
        }
    }

    /// Opens a socket at `text` and gives it to the agent.
    func addSocket(_ peer: Peer, _ text: String, port: UInt16 = 5000, preference: UInt16 = 65535) {
        let address = SocketAddress(IPAddress(text)!, port: port)
        peer.sockets.insert(address)
        tell(peer, .localAddressAdded(address, preference: preference))
    }

    /// Tells each side the other's credentials after the signalling's delay.
    func exchangeCredentials() {
        for peer in peers { sendCredentials(of: peer) }
    }

    func sendCredentials(of peer: Peer, after delay: Duration? = nil) {
        let credentials = peer.agent.credentials
        after(delay ?? signallingDelay) { [unowned self] in
            tell(other(than: peer), .remoteCredentials(credentials, isLite: false))
        }
    }

    /// Runs until `condition` holds or `limit` has passed; tells whether it holds.
    @discardableResult
    func run(_ limit: Duration, until condition: () -> Bool = { false }) -> Bool {
        let end = now + limit
        var idle = 0
        while !condition() {
            let deadlines = peers.filter { !$0.isDead }.compactMap(\.agent.deadline)
            let next = (deadlines + queue.map(\.at)).min() ?? .init(nanoseconds: .max)
            guard next <= end else {
                now = end
                return condition()
            }
            idle = next <= now ? idle + 1 : 0
            precondition(idle < 1000, "the agents spin without time passing")
            now = max(now, next)
            for peer in peers where !peer.isDead {
                if let deadline = peer.agent.deadline, deadline <= now { tell(peer, .timePassed) }
            }
            while let index = queue.indices.filter({ queue[$0].at <= now }).min(by: {
                queue[$0].order < queue[$1].order
            }) {
                perform(queue.remove(at: index).what)
            }
        }
        return true
    }

    private func push(_ at: Instant, _ what: Happening) {
        queue.append((at, order, what))
        order += 1
    }

    private func signal(_ event: ICEAgent.Event, of peer: Peer) {
        guard trickles else { return }
        switch event {
        case .candidateGathered(let candidate):
            after(signallingDelay) { [unowned self] in tell(other(than: peer), .remoteCandidate(candidate)) }
        case .gatheringStateChanged(.complete):
            after(signallingDelay) { [unowned self] in tell(other(than: peer), .remoteEndOfCandidates) }
        default:
            break
        }
    }

    // MARK: Connections and names

    /// What is asked of the shell, whether or not candidates trickle.
    private func serve(_ event: ICEAgent.Event, of peer: Peer) {
        switch event {
        case .streamWanted(let stream, let local, let remote):
            after(weather.delay * 2) { [unowned self] in connect(peer, stream, from: local, to: remote) }
        case .streamUnwanted(let stream):
            breakConnections { $0.peer === peer && $0.stream == stream }
        case .nameWanted(let name):
            after(weather.delay) { [unowned self] in tell(peer, .nameResolved(name, names[name] ?? [])) }
        default:
            break
        }
    }

    private func connect(_ peer: Peer, _ stream: StreamID, from local: IPAddress, to remote: SocketAddress) {
        let server = other(than: peer)
        guard server.listeners.contains(remote), !server.isDead else { return tell(peer, .streamClosed(stream)) }
        let client = SocketAddress(local, port: UInt16(40000 + order % 20000))
        connections.append(Connection(client: (peer, stream, client), server: (server, remote)))
        tell(peer, .streamOpened(stream))
    }

    private func write(_ bytes: [UInt8], on stream: StreamID, of peer: Peer) {
        // TCP cuts what was written as it likes
        let cut = random.below(bytes.count + 1)
        for part in [bytes[..<cut], bytes[cut...]] where !part.isEmpty {
            after(weather.delay) { [unowned self] in deliver(Array(part), on: stream, of: peer) }
        }
    }

    private func deliver(_ bytes: [UInt8], on stream: StreamID, of peer: Peer) {
        if let connection = connections.first(where: { $0.server.peer === peer && $0.accepted == stream }) {
            return tell(connection.client.peer, .streamBytes(connection.client.stream, bytes))
        }
        guard let index = connections.firstIndex(where: { $0.client.peer === peer && $0.client.stream == stream })
        else { return }
        let server = connections[index].server
        if connections[index].accepted == nil {
            connections[index].accepted = server.peer.agent.acceptStream(
                local: server.address, remote: connections[index].client.address, at: now)
        }
        if let accepted = connections[index].accepted { tell(server.peer, .streamBytes(accepted, bytes)) }
    }

    /// Closes the connections that have an end which `isMeant`; the other end is told.
    func breakConnections(where isMeant: ((peer: Peer, stream: StreamID)) -> Bool = { _ in true }) {
        let broken = connections.filter { connection in
            isMeant((connection.client.peer, connection.client.stream))
                || connection.accepted.map { isMeant((connection.server.peer, $0)) } == true
        }
        connections.removeAll { connection in
            broken.contains { $0.client.address == connection.client.address }
        }
        for connection in broken {
            after(.zero) { [unowned self] in
                tell(connection.client.peer, .streamClosed(connection.client.stream))
                if let accepted = connection.accepted { tell(connection.server.peer, .streamClosed(accepted)) }
            }
        }
    }

    /// Listens at `text` and gives the address to the agent.
    func addListener(_ peer: Peer, _ text: String, port: UInt16 = 5000, preference: UInt16 = 65535) {
        let address = SocketAddress(IPAddress(text)!, port: port)
        peer.listeners.insert(address)
        tell(peer, .tcpListenerAdded(address, preference: preference))
    }

    private func send(_ datagram: [UInt8], from local: SocketAddress, of peer: Peer, to remote: SocketAddress) {
        guard !blocksUDP, !peer.isDead, !peer.unplugged.contains(local), random.below(1000) >= weather.loss else {
            return
        }
        let source = peer.nat?.outward(local, to: remote) ?? local
        for _ in 0...(random.below(1000) < weather.duplication ? 1 : 0) {
            let delay = weather.delay + weather.jitter * random.below(1000) / 1000
            push(now + delay, .arrival(datagram, from: source, to: remote))
        }
    }

    private func perform(_ what: Happening) {
        switch what {
        case .action(let action): action()
        case .arrival(let datagram, let source, Simulation.stunServer):
            guard let request = try? STUNMessage(parsing: datagram) else { return }
            let response = STUNMessage(
                .successResponse, transactionID: request.transactionID, attributes: [.xorMappedAddress(source)])
            push(now + weather.delay, .arrival(response.serialized(), from: Simulation.stunServer, to: source))
        case .arrival(let datagram, let source, let destination):
            for peer in peers {
                let local = peer.nat.map { $0.inward(destination, from: source) } ?? destination
                guard let local, peer.sockets.contains(local), !peer.unplugged.contains(local) else { continue }
                tell(peer, .datagram(datagram, local: local, remote: source))
            }
        }
    }
}

extension Simulation {
    /// Whether both sides are connected and each one's local candidate is the other's remote one.
    var isConnectedOnOnePair: Bool {
        guard left.isConnected, right.isConnected, let one = left.agent.selectedPair, let two = right.agent.selectedPair
        else { return false }
        return one.local.socketAddress == two.remote.socketAddress
            && two.local.socketAddress == one.remote.socketAddress
            && left.agent.role != right.agent.role
    }

    /// How long it takes from now until both are connected on one pair; nil when `limit` passes.
    func timeToConnect(limit: Duration = .seconds(60)) -> Duration? {
        let start = now
        return run(limit) { isConnectedOnOnePair } ? now - start : nil
    }

    /// Both sides on one network, told of each other.
    static func local(
        seed: UInt64, weather: Weather = .fair, roles: (ICERole, ICERole) = (.controlling, .controlled)
    ) -> Simulation {
        let simulation = Simulation(seed: seed, weather: weather, roles: roles)
        simulation.exchangeCredentials()
        simulation.addSocket(simulation.left, "192.0.2.1")
        simulation.addSocket(simulation.right, "192.0.2.2")
        for peer in simulation.peers { simulation.tell(peer, .gatheringEnded) }
        return simulation
    }
}
