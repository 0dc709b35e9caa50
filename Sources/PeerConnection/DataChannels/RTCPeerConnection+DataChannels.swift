import DTLS
public import Wire

/// Data channels (W3C §6).
extension RTCPeerConnection {
    /// `createDataChannel`. The first asks for a negotiation; those that come after the association is there are open at
    /// once.
    ///
    /// Throws `invalidState` on a closed connection, `type` where `options` contradict themselves or a text is longer
    /// than 65535 bytes, `operation` where the stream is in use or none is left.
    public mutating func createDataChannel(
        _ label: String, _ options: RTCDataChannelInit = .init(), at now: Instant
    ) throws(RTCError) -> DataChannelID {
        guard connectionState != .closed else { throw .invalidState("the connection is closed") }
        let id = try channels.create(label, options, at: now)
        drainDataChannels(at: now)
        drainTransports(at: now)
        updateNegotiationNeeded()
        return id
    }

    /// The channel `id` as it is now; nil for one that was closed long ago.
    public func dataChannel(_ id: DataChannelID) -> RTCDataChannel? { channels.channel(id) }

    /// The channels that are not closed, in the order in which they were made.
    public var dataChannels: [RTCDataChannel] { channels.present.map(\.told) }

    /// `sctp`: the association that carries the channels; nil before one was negotiated.
    public var sctp: RTCSctpTransport? {
        channels.association.map {
            RTCSctpTransport(
                state: $0.state, maxMessageSize: $0.maxMessageSize,
                maxChannels: $0.state == .connecting ? nil : UInt16(clamping: channels.streamLimit))
        }
    }

    /// Sends a message on an open channel, or keeps it until there is room on the way (see `bufferedAmount`).
    ///
    /// Throws `invalidState` where the channel is not open, `type` where the message is longer than
    /// `sctp.maxMessageSize`, and `operation` where 16 MiB wait already.
    public mutating func send(
        _ message: DataChannelMessage, on channel: DataChannelID, at now: Instant
    ) throws(RTCError) {
        try channels.send(message, on: channel, at: now)
        drainDataChannels(at: now)
        drainTransports(at: now)
    }

    /// `close`: what waits is sent, then the other side's channel closes, too. Nothing happens to one that is closing.
    public mutating func closeDataChannel(_ channel: DataChannelID, at now: Instant) {
        channels.close(channel, at: now)
        drainDataChannels(at: now)
        drainTransports(at: now)
    }

    /// Sets `bufferedAmountLowThreshold`, in bytes.
    public mutating func setBufferedAmountLowThreshold(_ bytes: Int, of channel: DataChannelID) {
        channels.channels[channel]?.told.bufferedAmountLowThreshold = max(0, bytes)
    }

    /// Takes what the channels have to tell and to send.
    mutating func drainDataChannels(at now: Instant) {
        events += channels.events
        channels.events.removeAll(keepingCapacity: true)
        for (reason, count) in channels.discards { discards[reason, default: 0] += count }
        channels.discards.removeAll()
        for packet in channels.packets {
            guard let index = index(of: packet.by) else { continue }
            transports[index].dtls?.handle(.send(packet.bytes), at: now)
        }
        channels.packets.removeAll(keepingCapacity: true)
    }
}
