import ICE
import Media
import PeerConnection
import Wire

/// The TCP connections between peers and viewers, and the connections and sockets to TURN servers.
extension Daemon {
    /// Connections taken at once from one listener, so that a flood leaves time for everything else.
    private static let acceptsAtOnce = 8
    /// Reads at once from one connection.
    private static let readsAtOnce = 4

    // MARK: What peers want

    /// Opens the connection that a peer wants, with TLS where there is a name.
    func openStream(
        _ stream: StreamID, from local: IPAddress?, to remote: SocketAddress, tls name: String?, of session: Session,
        at now: Instant
    ) {
        do throws(SocketError) {
            let socket = try opener.connect(to: remote, from: local, tls: name)
            let owner = StreamSockets.Owner(session: session.id, stream: stream)
            watch(sockets.streams.opening(socket, for: owner, at: now), for: .writable)
        } catch {
            log.debug("peer \(session.id): \(error)")
            session.peer.handle(.streamClosed(stream, reason: error.description), at: now)
        }
    }

    /// Binds the socket that a peer wants for a TURN server alone.
    func openRelaySocket(
        _ stream: StreamID, from local: IPAddress, to server: SocketAddress, of session: Session, at now: Instant
    ) {
        do throws(SocketError) {
            let socket = try RelaySocket(from: local, to: server)
            let owner = StreamSockets.Owner(session: session.id, stream: stream)
            finishOpening(sockets.streams.opening(socket, for: owner, at: now), at: now)
        } catch {
            log.debug("peer \(session.id): \(error)")
            session.peer.handle(.streamClosed(stream, reason: error.description), at: now)
        }
    }

    /// Closes a connection that its peer has no use for any more.
    func closeStream(_ stream: StreamID, of session: Session, at now: Instant) {
        guard let connection = sockets.streams.connection(of: .init(session: session.id, stream: stream)) else {
            return
        }
        // a server is told that its allocation is not needed any more
        sockets.send(&session.peer.outbox, for: session.id)
        flush(connection, at: now)
        discard(connection)
    }

    /// Closes what is left of a peer that has ended.
    func closeStreams(of session: SessionID) {
        for connection in sockets.streams.connections(of: session) { discard(connection) }
    }

    /// Writes what the last turn has left, and closes what has shown nothing for too long.
    func serveStreams(at now: Instant) {
        guard !sockets.streams.connections.isEmpty else { return }
        for connection in sockets.streams.overdue(at: now) { discard(connection) }
        for connection in sockets.streams.connections.values where connection.socket.awaitsRoom {
            flush(connection, at: now)
        }
    }

    // MARK: What happens to them

    /// Takes connections that wait at a listening socket.
    func accept(at local: SocketAddress) {
        guard let listener = sockets.listeners[local] else { return }
        let now = MonotonicClock.now
        for _ in 0..<Self.acceptsAtOnce {
            guard let socket = listener.accept() else { return }
            guard let connection = sockets.streams.accepted(socket, at: now) else {
                sockets.countStranger()
                continue
            }
            watch(connection, for: .readable)
        }
    }

    private func watch(_ connection: StreamSockets.Connection, for readiness: Readiness) {
        connection.awaitsRoom = readiness.contains(.writable)
        let descriptor = connection.socket.descriptor
        loop.watch(descriptor, for: readiness) { daemon, readiness in
            daemon.streamReady(descriptor, readiness)
        }
    }

    private func streamReady(_ descriptor: Int32, _ readiness: Readiness) {
        guard let connection = sockets.streams.connections[descriptor] else { return }
        let now = MonotonicClock.now
        if !connection.socket.isOpen { finishOpening(connection, at: now) }
        guard connection.socket.isOpen else { return }
        if readiness.contains(.writable) { flush(connection, at: now) }
        guard readiness.contains(.readable) else { return }
        for _ in 0..<Self.readsAtOnce {
            var brought: [[UInt8]] = []
            let reading = connection.socket.receive { brought.append($0) }
            for bytes in brought {
                take(bytes, from: connection, at: now)
                // what was read may have ended it
                guard sockets.streams.connections[descriptor] === connection else { return }
            }
            switch reading {
            case .nothing: return
            case .end: return streamEnded(connection, at: now)
            case .more: continue
            }
        }
    }

    private func finishOpening(_ connection: StreamSockets.Connection, at now: Instant) {
        switch connection.socket.open() {
        case .failed: streamEnded(connection, at: now)
        case .underWay: follow(connection)
        case .open:
            guard let owner = connection.owner, let session = sessions[owner.session],
                let local = connection.socket.local
            else { return streamEnded(connection, at: now) }
            follow(connection)
            session.peer.handle(
                .streamOpened(owner.stream, local: local, remote: connection.socket.remote), at: now)
        }
    }

    /// Watches for what a connection waits for.
    private func follow(_ connection: StreamSockets.Connection) {
        watch(connection, for: connection.socket.awaitsRoom ? [.readable, .writable] : .readable)
    }

    private func take(_ bytes: [UInt8], from connection: StreamSockets.Connection, at now: Instant) {
        if let owner = connection.owner {
            sessions[owner.session]?.peer.handle(.streamBytes(owner.stream, bytes), at: now)
            return
        }
        switch sockets.streams.identify(connection, by: bytes) {
        case .incomplete:
            return
        case .stranger:
            sockets.countStranger()
            discard(connection)
        case .check(let fragment, let early):
            guard let id = sockets.session(for: fragment), let session = sessions[id],
                let local = connection.socket.local,
                let stream = session.peer.acceptStream(
                    for: fragment, local: local, remote: connection.socket.remote, at: now)
            else {
                sockets.countStranger()
                return discard(connection)
            }
            sockets.streams.assign(connection, to: .init(session: id, stream: stream))
            session.peer.handle(.streamBytes(stream, early), at: now)
        }
    }

    private func flush(_ connection: StreamSockets.Connection, at now: Instant) {
        guard connection.socket.isOpen else { return }
        guard connection.socket.flush() else { return streamEnded(connection, at: now) }
        if connection.socket.awaitsRoom != connection.awaitsRoom { follow(connection) }
    }

    private func streamEnded(_ connection: StreamSockets.Connection, at now: Instant) {
        let reason = connection.socket.failure
        discard(connection)
        guard let owner = connection.owner else { return }
        sessions[owner.session]?.peer.handle(.streamClosed(owner.stream, reason: reason), at: now)
    }

    private func discard(_ connection: StreamSockets.Connection) {
        connection.socket.finish()
        loop.forget(connection.socket.descriptor)
        sockets.streams.remove(connection)
    }
}
