public import Wire

/// TCP connections (RFC 6544).
extension ICEAgent {
    /// Connections from the other side at once: more than an honest peer's addresses make.
    private static let maximumAcceptedStreams = 16
    /// Messages that wait for a connection to open.
    private static let maximumWaiting = 8
    /// How long an accepted connection may go without an authentic check.
    private static let acceptedPatience: Duration = .seconds(10)

    /// Whether `stream` is a connection of this agent.
    public func owns(_ stream: StreamID) -> Bool { streams[stream] != nil }

    /// Whether what comes on `stream` may be the peer's: checks of this agent go there, or authentic ones have come
    /// from there.
    public func knows(_ stream: StreamID) -> Bool {
        selected?.pair.stream == stream || session.earlyChecks.contains { $0.path.stream == stream }
            || session.checkList.pairs.contains { $0.stream == stream }
    }

    /// The shell has accepted a connection from `remote` at the listening socket `local`, whose first frame is a check
    /// of this agent. Nil where there is no such socket, or there are too many connections already.
    public mutating func acceptStream(local: SocketAddress, remote: SocketAddress, at now: Instant) -> StreamID? {
        guard connectionState != .closed,
            let base = bases.first(where: { $0.transport == .passiveTCP && $0.address == local }),
            streams.values.count(where: { !$0.isOurs }) < ICEAgent.maximumAcceptedStreams
        else { return nil }
        let id = streamIDs.next()
        streams[id] = ICEStream(base: base, remote: remote, begunAt: now, state: .open(FrameReader()))
        noteDeadline()
        return id
    }

    /// Asks for a connection to the peer's passive candidate at `remote`.
    mutating func openStream(from base: Base, to remote: SocketAddress, at now: Instant) -> StreamID {
        let id = streamIDs.next()
        streams[id] = ICEStream(base: base, remote: remote, begunAt: now, state: .opening(waiting: []))
        emit(.streamWanted(id, from: base.address.ip, to: remote))
        return id
    }

    mutating func streamOpened(_ id: StreamID) {
        guard case .opening(let waiting) = streams[id]?.state else { return discard(.unknownStream) }
        streams[id]?.state = .open(FrameReader())
        for datagram in waiting { write(datagram, on: id) }
    }

    /// Sends a datagram along a connection, or as soon as it is open.
    mutating func write(_ datagram: [UInt8], on id: StreamID) {
        guard let stream = streams[id] else { return }
        switch stream.state {
        case .opening(let waiting):
            guard waiting.count < ICEAgent.maximumWaiting else { return discard(.tooMany) }
            streams[id]?.state = .opening(waiting: waiting + [datagram])
        case .open:
            emit(.write(FrameReader.frame(datagram), on: id, from: stream.base.address, to: stream.remote))
        }
    }

    /// Takes what has come on a connection apart: STUN is the agent's, everything else goes up.
    mutating func receive(_ bytes: [UInt8], on id: StreamID, at now: Instant) {
        guard let stream = streams[id], case .open(var reader) = stream.state else { return discard(.unknownStream) }
        reader.append(bytes)
        let path = Path(local: stream.base.address, remote: stream.remote, stream: id)
        while let frame = reader.next() {
            if ICEAgent.isSTUN(frame) {
                receive(frame, on: path, at: now)
            } else {
                emit(.frame(frame, on: id, local: path.local, remote: path.remote))
            }
        }
        // a frame may have ended the connection
        if streams[id] != nil { streams[id]?.state = .open(reader) }
    }

    /// RFC 6544 §7.1: the pair fails. The selected pair's connection is opened anew (§10.1).
    mutating func streamClosed(_ id: StreamID, at now: Instant) {
        guard let stream = streams.removeValue(forKey: id) else { return discard(.unknownStream) }
        transactions.removeAll { $0.path.stream == id }
        session.earlyChecks.removeAll { $0.path.stream == id }
        let isSelected = selected?.pair.stream == id
        for pair in session.checkList.pairs where pair.stream == id {
            session.checkList[pair.id]?.stream = nil
            session.checkList[pair.id]?.state = .failed
            if session.nomination == .inProgress(pair: pair.id) { session.nomination = .open(until: nil) }
        }
        if isSelected { reopen(stream, at: now) }
    }

    /// RFC 6544 §10.1: "If the agent's local candidate is tcp-active …, it MUST reopen a connection to the remote
    /// candidate of the selected pair. If the agent's local candidate is tcp-passive, the agent MUST await an incoming
    /// connection request". One that did not work even once is not tried again.
    private mutating func reopen(_ stream: ICEStream, at now: Instant) {
        guard stream.isOurs else { return }
        guard stream.isProven else { return loseSelectedPair(at: now) }
        let id = openStream(from: stream.base, to: stream.remote, at: now)
        selected?.pair.stream = id
        // "If the agent opened the connection, it MUST send a STUN connectivity check."
        selected?.consent.checkSoon(at: now)
    }

    /// The peer has opened the selected pair's connection anew: an authentic check came on `path`.
    mutating func readopt(_ path: Path, at now: Instant) {
        guard let stream = path.stream, let pair = selected?.pair, let lost = pair.stream, streams[lost] == nil,
            pair.localAddress == path.local
        else { return }
        selected?.pair.stream = stream
        selected?.pair.remoteAddress = path.remote
        selected?.consent.checkSoon(at: now)
    }

    // MARK: The end

    /// Closes the connections that no pair needs any more. Of those beside the selected pair's the side that has opened
    /// one closes it once all is done (RFC 6544 §10.1): a browser would only open it again.
    mutating func closeUnusedStreams(at now: Instant) {
        guard !streams.isEmpty else { return }
        if connectionState == .completed {
            let (kept, streams) = (selected?.pair.stream, streams)
            let removed = session.checkList.removeAll { pair in
                pair.stream.map { $0 != kept && streams[$0]?.isOurs == true } ?? false
            }
            forgetChecks(ofPairs: removed)
        }
        for (id, stream) in streams where !knows(id) && (stream.isOurs || now >= stream.begunAt + Self.acceptedPatience)
        {
            closeStream(id)
        }
    }

    mutating func closeStream(_ id: StreamID) {
        guard streams.removeValue(forKey: id) != nil else { return }
        transactions.removeAll { $0.path.stream == id }
        emit(.streamUnwanted(id))
    }

    /// When an accepted connection that shows nothing is closed.
    var streamDeadline: Instant? {
        streams.isEmpty
            ? nil
            : streams.lazy.filter { !$0.value.isOurs && !knows($0.key) }.map {
                $0.value.begunAt + Self.acceptedPatience
            }
            .min()
    }
}
