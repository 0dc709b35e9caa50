public import ICE
import Wire

/// The STUN and TURN servers of a connection, and the addresses that their names stand for.
struct ServerAddresses {
    /// One URL of a server.
    struct Entry {
        let url: RTCIceServerURL
        var server: RTCIceServer
        /// Nil while they are asked for.
        var addresses: [IPAddress]?
    }

    /// Asked for at once: a list of servers is short.
    private static let limit = 16

    private(set) var entries: [Entry] = []
    /// Whether the names were asked for.
    var hasAsked = false
    /// When names that nobody has told are given up; nil while none is asked for.
    var deadline: Instant?

    init(_ servers: [RTCIceServer]) {
        _ = add(servers)
    }

    /// Takes in the URLs of `servers` that are new, and returns them.
    mutating func add(_ servers: [RTCIceServer]) -> [Entry] {
        let known = entries.count
        for server in servers {
            for url in server.urls where entries.count < Self.limit && !entries.contains(where: { $0.url == url }) {
                entries.append(Entry(url: url, server: server, addresses: IPAddress(url.host).map { [$0] }))
            }
        }
        return Array(entries[known...])
    }

    /// The same for other servers; of a name that was told already the addresses stay.
    func replaced(by servers: [RTCIceServer]) -> ServerAddresses {
        var new = ServerAddresses(servers)
        for index in new.entries.indices where new.entries[index].addresses == nil {
            let known = entries.first { $0.url.host == new.entries[index].url.host && $0.addresses?.isEmpty == false }
            new.entries[index].addresses = known?.addresses
        }
        return new
    }

    /// The names that are not known yet.
    var unknownNames: Set<String> { Set(entries.filter { $0.addresses == nil }.map(\.url.host)) }

    /// Notes the addresses of a name, and returns the servers that have it.
    mutating func resolved(_ name: String, to addresses: [IPAddress]) -> [Entry] {
        var known: [Entry] = []
        for index in entries.indices where entries[index].addresses == nil && entries[index].url.host == name {
            entries[index].addresses = addresses
            known.append(entries[index])
        }
        if unknownNames.isEmpty { deadline = nil }
        return known
    }

    /// Takes the credentials of `servers` for the URLs that they have, and returns those that are others now.
    mutating func renew(_ servers: [RTCIceServer]) -> [Entry] {
        var changed: [Entry] = []
        for index in entries.indices {
            guard let server = servers.first(where: { $0.urls.contains(entries[index].url) }),
                server.username != entries[index].server.username
                    || server.credential != entries[index].server.credential
            else { continue }
            entries[index].server = server
            changed.append(entries[index])
        }
        return changed
    }
}

/// The servers of `iceServers`, for every transport.
extension RTCPeerConnection {
    /// Takes new credentials for the TURN servers that are known: those of `servers` that have the same URLs. An
    /// allocation goes on with them, or is replaced before it ends. Servers that are new are asked at once, and their
    /// candidates trickle; what is not named any more stays in use.
    public mutating func setIceServers(_ servers: [RTCIceServer], at now: Instant) {
        renewCredentials(servers, at: now)
        for entry in self.servers.add(servers) where !transports.isEmpty {
            guard entry.addresses == nil else {
                for index in transports.indices { add(entry, toTransport: index, at: now) }
                continue
            }
            for index in transports.indices { transports[index].awaitServers() }
            self.servers.deadline = now + configuration.ice.gatheringTimeout
            events.append(.nameWanted(entry.url.host))
        }
        drainTransports(at: now)
    }

    /// Takes new credentials for the servers that are in use, and nothing else.
    mutating func renewCredentials(_ servers: [RTCIceServer], at now: Instant) {
        for entry in self.servers.renew(servers) {
            for index in transports.indices {
                transports[index].relays.renew(
                    entry.url, username: entry.server.username, credential: entry.server.credential,
                    expiresAt: expiry(of: entry.server), at: now)
            }
        }
    }

    /// Gives a new transport every server that is known, and asks for the names of the others.
    mutating func addServers(toTransport index: Int, at now: Instant) {
        for server in configuration.stunServers { addSTUNServer(server, toTransport: index, at: now) }
        for entry in servers.entries where entry.addresses != nil { add(entry, toTransport: index, at: now) }
        let names = servers.unknownNames
        if names.isEmpty { return transports[index].endServers() }
        guard !servers.hasAsked else { return }
        servers.hasAsked = true
        servers.deadline = now + configuration.ice.gatheringTimeout
        for name in names.sorted() { events.append(.nameWanted(name)) }
    }

    mutating func serverNameResolved(_ name: String, to addresses: [IPAddress], at now: Instant) {
        for entry in servers.resolved(name, to: addresses) {
            if addresses.isEmpty { events.append(.iceCandidateError(Self.error(entry, "The name has no address"))) }
            for index in upToDate { add(entry, toTransport: index, at: now) }
        }
        guard servers.unknownNames.isEmpty else { return }
        for index in upToDate { transports[index].endServers() }
    }

    /// The transports that gather by the configuration that is now; the others wait for their restart.
    private var upToDate: [Int] {
        transports.indices.filter { transports[$0].gatheringGeneration == gatheringGeneration }
    }

    mutating func giveUpServerNames(at now: Instant) {
        guard let deadline = servers.deadline, deadline <= now else { return }
        for name in servers.unknownNames { serverNameResolved(name, to: [], at: now) }
    }

    private mutating func add(_ entry: ServerAddresses.Entry, toTransport index: Int, at now: Instant) {
        guard let addresses = entry.addresses, !addresses.isEmpty else { return }
        switch (entry.url.scheme, entry.url.usesTCP) {
        case (.stun, _):
            for ip in addresses {
                addSTUNServer(SocketAddress(ip, port: entry.url.port), toTransport: index, at: now)
            }
        case (.turn, _), (.turns, true):
            transports[index].relays.add(
                Relays.Server(
                    url: entry.url, addresses: addresses, username: entry.server.username,
                    credential: entry.server.credential, expiresAt: expiry(of: entry.server)),
                at: now)
        case (.stuns, _), (.turns, false):
            // a reflexive address of TCP is of no use (RFC 6544 §5.1), and DTLS to a server is spoken by few
            guard index == 0 else { return }
            events.append(.iceCandidateError(Self.error(entry, "The transport is not supported")))
        }
    }

    private mutating func addSTUNServer(_ server: SocketAddress, toTransport index: Int, at now: Instant) {
        guard configuration.iceTransportPolicy == .all else { return }
        transports[index].addSTUNServer(server, at: now)
    }

    private func expiry(of server: RTCIceServer) -> Instant? {
        guard let epoch = configuration.unixEpoch, let seconds = server.expiresAt else { return nil }
        return epoch + .seconds(seconds)
    }

    private static func error(_ entry: ServerAddresses.Entry, _ text: String) -> RTCIceCandidateError {
        RTCIceCandidateError(address: "", port: 0, url: entry.url.description, errorCode: 701, errorText: text)
    }
}
