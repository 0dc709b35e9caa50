import SCTP
import Wire

/// How channels end (RFC 8831 §6.7, W3C §6.2 "closing procedure").
extension DataChannels {
    /// The application closes a channel: what waits is sent first.
    mutating func close(_ id: DataChannelID, at now: Instant) {
        beginClosing(id, at: now)
        drain(at: now)
    }

    private mutating func beginClosing(_ id: DataChannelID, at now: Instant) {
        guard let told = channels[id]?.told, told.readyState == .connecting || told.readyState == .open else { return }
        if told.readyState == .open { closedCount &+= 1 }
        channels[id]?.told.readyState = .closing
        events.append(.dataChannelStateChanged(id, .closing))
        // one that the other side was never told of is closed by that alone
        guard told.readyState == .open, let stream = told.streamIdentifier else { return finish(id) }
        association?.sctp.handle(.resetStreams([SCTPStreamIdentifier(stream)]), at: now)
    }

    /// Closes one channel for an error.
    mutating func fail(_ id: DataChannelID, _ error: RTCDataChannelError, at now: Instant) {
        guard let state = channels[id]?.told.readyState, state == .connecting || state == .open else { return }
        events.append(.dataChannelError(id, error))
        beginClosing(id, at: now)
    }

    mutating func incomingReset(_ stream: UInt16, at now: Instant) {
        guard let id = streams[stream], channels[id]?.incomingIsReset == false else { return }
        channels[id]?.incomingIsReset = true
        // "the peer … resets the corresponding outgoing stream"
        beginClosing(id, at: now)
        finishIfReset(id, at: now)
    }

    mutating func outgoingReset(_ stream: UInt16, at now: Instant) {
        guard let id = streams[stream] else { return }
        channels[id]?.outgoingIsReset = true
        // who cannot reset streams will not reset his
        if association?.sctp.resetsStreams == false { channels[id]?.incomingIsReset = true }
        finishIfReset(id, at: now)
    }

    private mutating func finishIfReset(_ id: DataChannelID, at now: Instant) {
        guard let channel = channels[id], channel.incomingIsReset, channel.outgoingIsReset else { return }
        finish(id)
        for message in channel.early { take(message, at: now) }
    }

    /// The channel is over, and its stream free.
    private mutating func finish(_ id: DataChannelID) {
        guard var told = forget(id)?.told else { return }
        told.readyState = .closed
        closed.append(told)
        while closed.count > Self.maximumClosed || closed.reduce(0, { $0 + $1.textSize }) > Self.maximumClosedText {
            closed.removeFirst()
        }
        events.append(.dataChannelStateChanged(id, .closed))
    }

    @discardableResult
    mutating func forget(_ id: DataChannelID) -> Channel? {
        guard let channel = channels.removeValue(forKey: id) else { return nil }
        if let stream = channel.told.streamIdentifier { streams[stream] = nil }
        if channel.isRemote {
            remoteCount -= 1
            remoteText -= channel.told.textSize
        }
        return channel
    }

    /// Every channel is over at once.
    mutating func endAll(_ error: RTCDataChannelError?) {
        for channel in present {
            if let error { events.append(.dataChannelError(channel.told.id, error)) }
            if channel.told.readyState == .open { closedCount &+= 1 }
            finish(channel.told.id)
        }
    }
}
