import ICE
import Media
import Wire

/// The UDP sockets that every peer shares, one for each local address, and the book of which peer a datagram is for.
///
/// A STUN Binding request names its peer by the username fragment before the colon (RFC 8445 §7.2.2); every other
/// datagram comes from an address that its peer has exchanged checks with.
final class MediaSockets {
    /// Counters of what could not be delivered.
    struct Counters {
        var received = 0
        /// Datagrams that belong to no peer.
        var strangers = 0
        /// Datagrams that the kernel did not take.
        var unsent = 0
    }

    private let ports: ClosedRange<UInt16>?
    private let filter: InterfaceFilter
    private let listensOnTCP: Bool
    private let log: Log
    /// The connections of all peers.
    let streams = StreamSockets()
    /// The sockets that take connections, by the address they listen at.
    private(set) var listeners: [SocketAddress: TCPListener] = [:]
    private(set) var counters = Counters()
    /// How old pictures were when they left.
    private(set) var departures = DepartureLatency()
    private(set) var sockets: [SocketAddress: UDPSocket] = [:]
    private var owners: [SocketAddress: SessionID] = [:]
    /// The addresses that each session owns, the last learned at the end.
    private var addresses: [SessionID: [SocketAddress]] = [:]
    private var fragments: [String: SessionID] = [:]
    /// The username fragments of each session.
    private var registered: [SessionID: [String]] = [:]

    /// Addresses of one session at once: more than ICE checks, and a bound on what somebody who knows a username
    /// fragment can make us remember with false sender addresses.
    static let addressLimit = 256

    init(configuration: Configuration.Network, log: Log) {
        ports = configuration.udpPorts
        filter = InterfaceFilter(configuration)
        listensOnTCP = configuration.tcp
        self.log = log
    }

    /// What has changed.
    struct Change {
        var opened: [UDPSocket] = []
        var closed: [UDPSocket] = []
        var openedListeners: [TCPListener] = []
        var closedListeners: [TCPListener] = []

        var isEmpty: Bool { opened.isEmpty && closed.isEmpty }
    }

    /// Opens sockets on every address that came and closes those whose address went. Returns what to watch and what to
    /// forget.
    func refresh() -> Change {
        let wanted = Set(NetworkInterface.reachable(filter).map(\.address))
        let present = Dictionary(uniqueKeysWithValues: sockets.values.map { ($0.local.ip, $0) })
        var change = Change()
        change.closed = present.filter { !wanted.contains($0.key) }.map(\.value)
        for socket in change.closed { sockets[socket.local] = nil }
        change.closedListeners = listeners.values.filter { !wanted.contains($0.local.ip) }
        for listener in change.closedListeners { listeners[listener.local] = nil }
        for address in wanted.subtracting(present.keys) {
            do throws(SocketError) {
                let socket = try open(address)
                sockets[socket.local] = socket
                change.opened.append(socket)
                log.debug("media: listening on UDP \(socket.local)")
                guard listensOnTCP else { continue }
                let listener = try listen(besides: socket.local)
                listeners[listener.local] = listener
                change.openedListeners.append(listener)
                log.debug("media: listening on TCP \(listener.local)")
            } catch {
                log.warning("media: \(error)")
            }
        }
        return change
    }

    /// Listens at the port of the UDP socket at `address`, for one rule of a firewall to let both through; at any other
    /// where that is taken.
    private func listen(besides address: SocketAddress) throws(SocketError) -> TCPListener {
        do throws(SocketError) {
            return try TCPListener(bindingTo: address)
        } catch {
            guard ports == nil else { throw error }
            return try TCPListener(bindingTo: SocketAddress(address.ip, port: 0))
        }
    }

    private func open(_ address: IPAddress) throws(SocketError) -> UDPSocket {
        guard let ports else { return try UDPSocket(bindingTo: SocketAddress(address, port: 0)) }
        var failure = SocketError(description: "no UDP port in \(ports) is free on \(address)")
        for port in ports {
            do throws(SocketError) {
                return try UDPSocket(bindingTo: SocketAddress(address, port: port))
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// The local addresses with their preference (RFC 8445 §5.1.2.1): IPv6 before IPv4 (RFC 8421 §4), link-local last.
    var localAddresses: [(address: SocketAddress, preference: UInt16)] {
        let ordered = sockets.keys.sorted { left, right in
            let rank = { (ip: IPAddress) in ip.isLoopback ? 3 : ip.isLinkLocal ? 2 : ip.isIPv6 ? 0 : 1 }
            return (rank(left.ip), left.description) < (rank(right.ip), right.description)
        }
        return ordered.enumerated().map { ($0.element, UInt16(max(0, 65535 - 256 * $0.offset))) }
    }

    /// The listening sockets' addresses, with the preference of their address.
    var listenerAddresses: [(address: SocketAddress, preference: UInt16)] {
        localAddresses.flatMap { local in
            listeners.keys.filter { $0.ip == local.address.ip }.map { ($0, local.preference) }
        }
    }

    /// The session that answers to a username fragment.
    func session(for fragment: String) -> SessionID? { fragments[fragment] }

    /// Something came that belongs to no peer.
    func countStranger() {
        counters.strangers += 1
    }

    /// Which session a datagram is for; nil for none.
    func route(_ datagram: [UInt8], from remote: SocketAddress) -> SessionID? {
        counters.received += 1
        if ICEAgent.isSTUN(datagram), let fragment = ICEAgent.localUsernameFragment(of: datagram) {
            guard let session = fragments[fragment] else {
                counters.strangers += 1
                return nil
            }
            learn(remote, of: session)
            return session
        }
        guard let session = owners[remote] else {
            counters.strangers += 1
            return nil
        }
        return session
    }

    /// Remembers that `session` answers to these username fragments, and to no others any more.
    func register(_ names: [String], for session: SessionID) {
        guard registered[session] != names else { return }
        for old in registered[session] ?? [] where fragments[old] == session { fragments[old] = nil }
        for name in names { fragments[name] = session }
        registered[session] = names
    }

    /// Sends what waits in `batch` for `session` and empties it.
    func send(_ batch: inout DatagramBatch, for session: SessionID) {
        guard !batch.isEmpty else { return }
        send(batch, for: session)
        note(batch.marks)
        // nothing else holds it any more, so that its memory stays
        batch.removeAll()
    }

    private func send(_ batch: DatagramBatch, for session: SessionID) {
        var rest = batch.entries[...]
        while let first = rest.first {
            let run = rest.prefix { $0.local == first.local && $0.stream == first.stream }
            rest = rest.dropFirst(run.count)
            if let stream = first.stream {
                let owner = StreamSockets.Owner(session: session, stream: stream)
                counters.unsent +=
                    streams.connection(of: owner)?.socket.send(batch.storage, run) ?? run.count
                continue
            }
            if let socket = sockets[first.local] {
                counters.unsent += socket.send(batch.storage, run)
            } else {
                counters.unsent += run.count
            }
            // The answer comes from where this went. Of two peers behind one address (two tabs that share a port never
            // do) the last to send has it; a check of the other takes it back.
            var previous: SocketAddress?
            for entry in run where entry.remote != previous {
                learn(entry.remote, of: session)
                previous = entry.remote
            }
        }
    }

    /// Counts how old the pictures are whose packets the kernel has just been given.
    private func note(_ marks: [DatagramBatch.FrameMark]) {
        guard !marks.isEmpty else { return }
        let now = MonotonicClock.now
        for mark in marks {
            if mark.isFirst { departures.first.record(now - mark.captured) }
            if mark.isLast { departures.last.record(now - mark.captured) }
        }
    }

    /// From now on datagrams from `remote` are for `session`.
    private func learn(_ remote: SocketAddress, of session: SessionID) {
        let previous = owners.updateValue(session, forKey: remote)
        guard previous != session else { return }
        if let previous { addresses[previous]?.removeAll { $0 == remote } }
        addresses[session, default: []].append(remote)
        if let known = addresses[session], known.count > Self.addressLimit {
            owners[known[0]] = nil
            addresses[session]?.removeFirst()
        }
    }

    /// Forgets everything about `session`.
    func forget(_ session: SessionID) {
        for address in addresses.removeValue(forKey: session) ?? [] { owners[address] = nil }
        register([], for: session)
        registered[session] = nil
    }
}
