import ICE
import Wire

/// The TURN allocations of one transport: one for each server and local address. What they relay looks to ICE like what
/// comes to, and leaves from, one more local address.
///
/// An allocation that is lost, or whose credentials a server will not renew, is replaced before ICE is restarted, so that
/// media goes on by the old one for as long as that lives.
struct Relays {
    /// What is wanted of the connection, and what it should know.
    enum Output {
        /// Send these bytes along the transport of an allocation.
        case transmit([UInt8], TURNClient.Transport)
        /// A datagram of the peer's has come to a relayed address.
        case datagram([UInt8], local: SocketAddress, remote: SocketAddress)
        /// Tell ICE.
        case ice(ICEAgent.Input)
        /// Bind a UDP socket for this server alone, at an address.
        case socketWanted(StreamID, from: IPAddress, to: SocketAddress)
        /// Open a connection, with TLS where there is a name.
        case streamWanted(StreamID, from: IPAddress, to: SocketAddress, tls: String?)
        /// Close either.
        case streamUnwanted(StreamID)
        /// A server has told no candidate.
        case failed(RTCIceServerURL, TURNError, local: SocketAddress)
        /// The credentials at this server expire.
        case credentialsWanted(RTCIceServerURL)
        /// A new allocation waits to be used.
        case restartWanted
    }

    /// A server with its address.
    struct Server {
        let url: RTCIceServerURL
        var addresses: [IPAddress]
        var username: String
        var credential: String
        var expiresAt: Instant?
    }

    private struct Base {
        let address: SocketAddress
        let preference: UInt16
    }

    private struct Relay {
        let id: Int
        let server: Int
        let base: Base
        var client: TURNClient
        /// The socket or connection that was asked for last.
        var stream: StreamID?
        /// The relay that it is to take the place of.
        let replaced: Int?
        /// How many before it were lost without having relayed.
        let attempt: Int
        /// What the server has allocated.
        var addresses: [SocketAddress] = []
        var isRetired = false
        /// When it is given back, once it is not used any more.
        var endsAt: Instant?
    }

    /// Allocations at once: each costs the server a port, and a peer more candidates to check.
    private static let limit = 8
    /// How long what was replaced is kept once we send by another path: what the peer sends by it is on its way, or will be
    /// until he goes by the new path, too.
    private static let farewell = Duration.seconds(3)
    /// Replacements that are tried one after the other.
    private static let maximumAttempts = 3

    private let configuration: ICEConfiguration
    private let random: any RandomSource
    private let streamIDs: StreamIDSource
    /// Whether the `raddr` of relayed candidates is to tell nothing.
    var hidesMappedAddresses: Bool
    private var servers: [Server] = []
    private var bases: [Base] = []
    private var relays: [Relay] = []
    private var nextID = 0
    private var outputs: [Output] = []
    private var drained = 0

    init(
        configuration: ICEConfiguration, hidesMappedAddresses: Bool, streamIDs: StreamIDSource,
        random: any RandomSource
    ) {
        self.configuration = configuration
        self.hidesMappedAddresses = hidesMappedAddresses
        self.streamIDs = streamIDs
        self.random = random
    }

    /// Whether every server has answered, or was given up.
    var isSettled: Bool {
        relays.allSatisfy { $0.replaced != nil || $0.client.state == .allocated }
    }

    /// When `handleTimePassed` wants to be called; nil for never.
    var deadline: Instant? { relays.lazy.compactMap { earliest($0.client.deadline, $0.endsAt) }.min() }

    mutating func nextOutput() -> Output? {
        guard drained < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            drained = 0
            return nil
        }
        defer { drained += 1 }
        return outputs[drained]
    }

    // MARK: Servers and addresses

    mutating func add(_ server: Server, at now: Instant) {
        guard !servers.contains(where: { $0.url == server.url && !$0.addresses.isEmpty }) else { return }
        servers.append(server)
        for base in bases { begin(server: servers.count - 1, base: base, at: now) }
    }

    /// Servers that the configuration has no longer serve what is selected for as long as it is, and nothing new. Returns
    /// the relayed addresses that are retired so.
    mutating func retireServers(besides urls: Set<RTCIceServerURL>) -> [SocketAddress] {
        var retired: [SocketAddress] = []
        for index in servers.indices where !urls.contains(servers[index].url) {
            servers[index].addresses = []
            for place in relays.indices where relays[place].server == index && !relays[place].isRetired {
                relays[place].isRetired = true
                retired += relays[place].addresses
            }
        }
        return retired
    }

    mutating func addBase(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        guard !bases.contains(where: { $0.address == address }) else { return }
        let base = Base(address: address, preference: preference)
        bases.append(base)
        for server in servers.indices { begin(server: server, base: base, at: now) }
    }

    /// The interface is gone, and every allocation that was reached by it.
    mutating func removeBase(_ address: SocketAddress, at now: Instant) {
        bases.removeAll { $0.address == address }
        for relay in relays where relay.base.address == address { remove(relay.id, at: now) }
    }

    /// The credentials of a server have changed.
    mutating func renew(
        _ url: RTCIceServerURL, username: String, credential: String, expiresAt: Instant?, at now: Instant
    ) {
        for index in servers.indices where servers[index].url == url {
            servers[index].username = username
            servers[index].credential = credential
            servers[index].expiresAt = expiresAt
            for relay in relays where relay.server == index && !relay.isRetired {
                tell(
                    relay.id, .credentialsChanged(username: username, credential: credential, expiresAt: expiresAt),
                    at: now)
            }
        }
    }

    private mutating func begin(
        server index: Int, base: Base, replacing replaced: Int? = nil, attempt: Int = 0, at now: Instant
    ) {
        let server = servers[index]
        guard relays.count < Self.limit,
            let ip = server.addresses.first(where: { Self.reaches($0, from: base.address.ip) })
        else { return }
        var settings = TURNClient.Configuration(
            url: server.url, username: server.username, credential: server.credential, expiresAt: server.expiresAt)
        settings.timing = configuration
        let client = TURNClient(configuration: settings, random: random, at: now)
        relays.append(
            Relay(id: nextID, server: index, base: base, client: client, replaced: replaced, attempt: attempt))
        wantTransport(relays.count - 1, to: SocketAddress(ip, port: server.url.port), name: server.url.host)
        nextID += 1
    }

    /// A loopback or link-local address reaches no server beyond it.
    private static func reaches(_ server: IPAddress, from base: IPAddress) -> Bool {
        server.isIPv6 == base.isIPv6 && server.isLoopback == base.isLoopback && server.isLinkLocal == base.isLinkLocal
    }

    private mutating func wantTransport(_ index: Int, to server: SocketAddress, name: String) {
        if let former = relays[index].stream { outputs.append(.streamUnwanted(former)) }
        let (url, local) = (servers[relays[index].server].url, relays[index].base.address.ip)
        let stream = streamIDs.next()
        relays[index].stream = stream
        if url.usesTCP {
            outputs.append(.streamWanted(stream, from: local, to: server, tls: url.scheme.isSecure ? name : nil))
        } else {
            outputs.append(.socketWanted(stream, from: local, to: server))
        }
    }

    // MARK: What happens

    /// Whether `stream` is the socket or connection of an allocation.
    func owns(_ stream: StreamID) -> Bool { relays.contains { $0.stream == stream } }

    mutating func streamOpened(_ stream: StreamID, local: SocketAddress, remote: SocketAddress, at now: Instant) {
        guard let relay = relays.first(where: { $0.stream == stream }) else { return }
        let transport = TURNClient.Transport(
            stream, isReliable: servers[relay.server].url.usesTCP, local: local, server: remote)
        tell(relay.id, .transportOpened(transport), at: now)
    }

    mutating func streamClosed(_ stream: StreamID, _ reason: String?, at now: Instant) {
        guard let relay = relays.first(where: { $0.stream == stream }) else { return }
        let unknown = "The server cannot be connected to, or has closed the connection"
        tell(relay.id, .transportClosed(reason ?? unknown), at: now)
    }

    mutating func receive(_ bytes: [UInt8], on stream: StreamID, at now: Instant) {
        guard let relay = relays.first(where: { $0.stream == stream }) else { return }
        tell(relay.id, .received(bytes), at: now)
    }

    mutating func handleTimePassed(at now: Instant) {
        for relay in relays where relay.client.deadline.map({ $0 <= now }) == true {
            tell(relay.id, .timePassed, at: now)
        }
        for relay in relays where relay.endsAt.map({ $0 <= now }) == true { remove(relay.id, at: now) }
    }

    /// ICE goes by `pair` from now on: media to it is worth a channel, and what was only kept for the pair before it is
    /// not needed any more.
    mutating func selected(_ pair: ICECandidatePair, at now: Instant) {
        if let relay = relay(at: pair.localAddress) { tell(relay.id, .channelWanted(pair.remoteAddress), at: now) }
        for index in relays.indices where relays[index].isRetired {
            let isUsed = relays[index].addresses.contains(pair.localAddress)
            relays[index].endsAt = isUsed ? nil : relays[index].endsAt ?? now + Self.farewell
        }
    }

    /// ICE looks for another path: whether the servers still have what they have allocated is asked, so that what is gone
    /// is replaced.
    mutating func refresh(at now: Instant) {
        for relay in relays where !relay.isRetired { tell(relay.id, .refreshWanted, at: now) }
    }

    mutating func permissionWanted(at relayed: SocketAddress, for ip: IPAddress, at now: Instant) {
        if let relay = relay(at: relayed) { tell(relay.id, .permissionWanted(ip), at: now) }
    }

    mutating func close(at now: Instant) {
        for relay in relays { remove(relay.id, at: now) }
    }

    // MARK: Sending

    /// Sends a datagram of ICE's from a relayed address; false where `local` is none.
    mutating func send(_ bytes: [UInt8], from local: SocketAddress, to peer: SocketAddress, at now: Instant) -> Bool {
        guard let relay = relay(at: local) else { return false }
        tell(relay.id, .dataReady(bytes, to: peer), at: now)
        return true
    }

    /// The way of media along `pair`, for one burst: through a server where its local address is relayed. Nil where the
    /// server does not let it through.
    mutating func route(along pair: DatagramRoute) -> DatagramRoute? {
        guard !relays.isEmpty, let index = relays.firstIndex(where: { $0.addresses.contains(pair.local) }) else {
            return pair
        }
        return relays[index].client.route(to: pair.remote)
    }

    private func relay(at address: SocketAddress) -> Relay? {
        relays.first { $0.addresses.contains(address) }
    }

    // MARK: Clients

    private mutating func tell(_ id: Int, _ input: TURNClient.Input, at now: Instant) {
        guard let index = relays.firstIndex(where: { $0.id == id }) else { return }
        relays[index].client.handle(input, at: now)
        drain(id, at: now)
    }

    private mutating func drain(_ id: Int, at now: Instant) {
        while let index = relays.firstIndex(where: { $0.id == id }), let output = relays[index].client.nextOutput() {
            switch output {
            case .transmit(let bytes):
                if let transport = relays[index].client.transport { outputs.append(.transmit(bytes, transport)) }
            case .data(let bytes, let peer, let relayed):
                outputs.append(.datagram(bytes, local: relayed, remote: peer))
            case .event(let event):
                handle(event, of: index, at: now)
            }
        }
    }

    private mutating func handle(_ event: TURNClient.Event, of index: Int, at now: Instant) {
        let relay = relays[index]
        switch event {
        case .transportWanted(let server, let name):
            wantTransport(index, to: server, name: name)
        case .allocated(let addresses, let mapped):
            relays[index].addresses = addresses
            if !relay.isRetired { for address in addresses { add(address, mapped: mapped, of: relay) } }
            if relay.replaced != nil { replace(relay, at: now) }
        case .failed(let error):
            outputs.append(.failed(servers[relay.server].url, error, local: relay.base.address))
            remove(relay.id, at: now)
            if relay.replaced != nil { replaceLost(relay, attempt: relay.attempt + 1, at: now) }
        case .lost(let error):
            outputs.append(.failed(servers[relay.server].url, error, local: relay.base.address))
            remove(relay.id, at: now)
            let isReplaced = relay.isRetired || relays.contains { $0.replaced == relay.id }
            if !isReplaced { replaceLost(relay, attempt: 0, at: now) }
        case .credentialsWanted:
            outputs.append(.credentialsWanted(servers[relay.server].url))
        case .replacementWanted:
            guard !relays.contains(where: { $0.replaced == relay.id }) else { return }
            begin(server: relay.server, base: relay.base, replacing: relay.id, at: now)
        }
    }

    private mutating func add(_ address: SocketAddress, mapped: SocketAddress?, of relay: Relay) {
        let url = servers[relay.server].url
        // of one base, UDP to the server before TCP, and that before TLS: each adds a delay of its own
        let penalty: UInt16 = url.usesTCP ? (url.scheme.isSecure ? 128 : 64) : 0
        let nothing = SocketAddress(address.ip.isIPv6 ? .v6(high: 0, low: 0) : .v4(0), port: 0)
        let preference = relay.base.preference - min(relay.base.preference, penalty + UInt16(relay.id % 64))
        outputs.append(
            .ice(
                .relayedAddressAdded(
                    address, mapped: hidesMappedAddresses ? nothing : mapped ?? relay.base.address,
                    server: relay.client.transport?.server.ip ?? relay.base.address.ip, preference: preference)))
    }

    /// A replacement has its addresses: the old ones are not to be offered again, and a restart makes ICE use the new.
    private mutating func replace(_ relay: Relay, at now: Instant) {
        if let index = relays.firstIndex(where: { $0.id == relay.replaced }) {
            relays[index].isRetired = true
            for address in relays[index].addresses { outputs.append(.ice(.relayedAddressRetired(address))) }
        }
        outputs.append(.restartWanted)
    }

    private mutating func replaceLost(_ relay: Relay, attempt: Int, at now: Instant) {
        guard attempt < Self.maximumAttempts, bases.contains(where: { $0.address == relay.base.address }) else {
            return
        }
        begin(server: relay.server, base: relay.base, replacing: relay.id, attempt: attempt, at: now)
    }

    /// Ends an allocation, and tells ICE that its addresses are gone.
    private mutating func remove(_ id: Int, at now: Instant) {
        guard let index = relays.firstIndex(where: { $0.id == id }) else { return }
        for address in relays[index].addresses { outputs.append(.ice(.localAddressRemoved(address))) }
        if relays[index].client.state == .allocated {
            relays[index].client.handle(.close, at: now)
            while let output = relays[index].client.nextOutput() {
                guard case .transmit(let bytes) = output, let transport = relays[index].client.transport else {
                    continue
                }
                outputs.append(.transmit(bytes, transport))
            }
        }
        if let stream = relays[index].stream { outputs.append(.streamUnwanted(stream)) }
        relays.remove(at: index)
    }
}
