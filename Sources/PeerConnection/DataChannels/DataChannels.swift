import SCTP
import Wire

/// The data channels of a connection, and the association that carries them (RFC 8831).
///
/// It is told of packets, time and the application's wishes; then `packets` are to be sent by the association's
/// transport, and `events` to be told. Nothing of an association is there before a description has negotiated one.
struct DataChannels {
    /// A channel, and what of it only this side knows.
    struct Channel {
        var told: RTCDataChannel
        /// RFC 8832 §6: messages go in order until the other side is known to know the channel.
        var mayBeUnordered: Bool
        /// Whether the other side has opened it.
        var isRemote = false
        /// Whether the other side has reset the stream that it sends by, and whether it knows that we have (RFC 8831
        /// §6.7): a stream is free when both are.
        var incomingIsReset = false
        var outgoingIsReset = false
        /// What came on the stream after the other side's reset: it already knows that ours is done, and has opened
        /// another channel.
        var early: [SCTPMessage] = []
        var overhead = SendOverhead()
    }

    /// An association, as long as a description says that it is there.
    struct Association {
        let transport: PeerTransport.ID
        let isDTLSServer: Bool
        let remotePort: UInt16
        var maxMessageSize: Int
        var state = RTCSctpTransport.State.connecting
        var hasBegun = false
        var sctp: SCTPAssociation
    }

    /// How many channels the other side may have open at a time, and how long all their labels and protocols may be.
    static let maximumRemoteChannels = 1024
    static let maximumRemoteText = 1 << 20
    /// Closed channels that are still known, and the bytes of all their texts.
    static let maximumClosed = 32
    static let maximumClosedText = 1 << 18

    /// What this side announces as `a=max-message-size`.
    let maximumMessageSize: Int
    var association: Association?
    var channels: [DataChannelID: Channel] = [:]
    /// The channel of each stream.
    var streams: [UInt16: DataChannelID] = [:]
    /// The latest that were closed, the oldest first.
    var closed: [RTCDataChannel] = []
    private var nextID = 0
    /// Whether the application has made a channel since a media description for data was last refused.
    var areWanted = false
    /// Channels that the other side has opened, and the bytes of their texts.
    var remoteCount = 0
    var remoteText = 0
    var openedCount: UInt32 = 0
    var closedCount: UInt32 = 0

    /// What is to be sent, and by which transport.
    var packets: [(by: PeerTransport.ID, bytes: [UInt8])] = []
    var events: [RTCPeerConnection.Event] = []
    var discards: [RTCPeerConnection.DiscardReason: Int] = [:]

    init(maximumMessageSize: Int) {
        precondition(maximumMessageSize > 0, "no message fits")
        self.maximumMessageSize = maximumMessageSize
    }

    /// When the association has something to do; nil for never. In its place, for it is large.
    mutating func nextDeadline() -> Instant? {
        guard let state = association?.state, state != .closed else { return nil }
        return association?.sctp.deadline
    }

    /// The channels that are not closed, in the order in which they were made.
    var present: [Channel] { channels.values.sorted { $0.told.id.rawValue < $1.told.id.rawValue } }

    func channel(_ id: DataChannelID) -> RTCDataChannel? {
        channels[id]?.told ?? closed.last { $0.id == id }
    }

    /// How many channels the association has room for; before it is there, as many as there can be (RFC 8831 §6.2).
    var streamLimit: Int {
        guard let association, association.state == .connected else { return 65535 }
        return min(association.sctp.outboundStreams, association.sctp.inboundStreams, 65535)
    }

    // MARK: Making channels

    /// Makes a channel of the application's.
    mutating func create(
        _ label: String, _ options: RTCDataChannelInit, at now: Instant
    ) throws(RTCError) -> DataChannelID {
        try Self.check(label, options)
        guard association?.state != .closed else { throw .invalidState("the SCTP association is over") }
        var stream: UInt16?
        if options.negotiated, let id = options.id {
            guard Int(id) < streamLimit else { throw .operation("there is no stream \(id)") }
            guard streams[id] == nil else { throw .operation("stream \(id) is in use") }
            stream = id
        } else if let association {
            stream = freeStream(isDTLSServer: association.isDTLSServer)
            guard stream != nil else { throw .operation("every stream is in use") }
        }
        areWanted = true
        let id = add(
            RTCDataChannel(
                id: makeID(), streamIdentifier: stream, label: label, isOrdered: options.ordered,
                maxPacketLifeTime: options.maxPacketLifeTime, maxRetransmits: options.maxRetransmits,
                protocol: options.protocol, isNegotiated: options.negotiated))
        if association?.state == .connected {
            guard open(id, at: now) else {
                forget(id)
                throw .operation("the send buffer is full")
            }
            drain(at: now)
        }
        return id
    }

    /// W3C §6.1, `createDataChannel`.
    private static func check(_ label: String, _ options: RTCDataChannelInit) throws(RTCError) {
        guard label.utf8.count <= 65535 else { throw .type("the label is longer than 65535 bytes") }
        guard options.protocol.utf8.count <= 65535 else { throw .type("the protocol is longer than 65535 bytes") }
        if options.negotiated, options.id == nil { throw .type("a negotiated channel has an identifier") }
        guard options.maxPacketLifeTime == nil || options.maxRetransmits == nil else {
            throw .type("maxPacketLifeTime and maxRetransmits exclude each other")
        }
        if options.negotiated, options.id == 65535 { throw .type("65535 is no stream identifier") }
    }

    mutating func makeID() -> DataChannelID {
        defer { nextID += 1 }
        return DataChannelID(rawValue: nextID)
    }

    @discardableResult
    mutating func add(_ channel: RTCDataChannel, mayBeUnordered: Bool = false) -> DataChannelID {
        channels[channel.id] = Channel(told: channel, mayBeUnordered: mayBeUnordered || channel.isNegotiated)
        if let stream = channel.streamIdentifier { streams[stream] = channel.id }
        return channel.id
    }

    /// RFC 8832 §6: "If the side is acting as the DTLS client, it MUST choose an even stream identifier; if the side is
    /// acting as the DTLS server, it MUST choose an odd one."
    private func freeStream(isDTLSServer: Bool) -> UInt16? {
        stride(from: isDTLSServer ? 1 : 0, to: streamLimit, by: 2).lazy.map(UInt16.init).first { streams[$0] == nil }
    }

    // MARK: The association

    /// A description has negotiated the association: begins it, unless it is there.
    mutating func negotiated(
        _ transport: PeerTransport.ID, isDTLSServer: Bool, remotePort: UInt16, remoteMaximum: UInt64?,
        random: any RandomSource, at now: Instant
    ) {
        // RFC 8841 §10.3, §10.4: another transport or port is another association
        if let old = association, old.transport != transport || old.remotePort != remotePort { refuse(at: now) }
        var configuration = SCTPConfiguration()
        configuration.remotePort = remotePort
        // messages of the establishment protocol have no part in what is announced
        configuration.maximumMessageSize = max(maximumMessageSize, DataChannelOpen.maximumSize)
        let own = configuration.sendBufferSize
        // W3C §6.1.1.2: absent means 65536 (RFC 8841 §6.1), 0 that the other side takes any
        let theirs = remoteMaximum ?? 65536
        let maximum = theirs == 0 ? own : Int(min(theirs, UInt64(own)))
        guard association == nil else {
            association?.maxMessageSize = maximum
            return
        }
        areWanted = true
        association = Association(
            transport: transport, isDTLSServer: isDTLSServer, remotePort: remotePort, maxMessageSize: maximum,
            sctp: SCTPAssociation(configuration: configuration, random: random))
        for channel in present where channel.told.streamIdentifier == nil {
            guard let stream = freeStream(isDTLSServer: isDTLSServer) else {
                fail(channel.told.id, .dataChannelFailure("every stream is in use"), at: now)
                continue
            }
            channels[channel.told.id]?.told.streamIdentifier = stream
            streams[stream] = channel.told.id
        }
    }

    /// The transport `id` can carry packets.
    mutating func connected(_ id: PeerTransport.ID, at now: Instant) {
        // a renegotiation tells it again
        guard association?.transport == id, association?.hasBegun == false else { return }
        association?.hasBegun = true
        association?.sctp.handle(.start, at: now)
        drain(at: now)
    }

    /// A packet of the other side's came by the transport `id`.
    mutating func receive(_ packet: [UInt8], by id: PeerTransport.ID, at now: Instant) {
        guard association?.transport == id else { return discard(.unknownChannel) }
        association?.sctp.handle(.packet(packet), at: now)
        drain(at: now)
    }

    mutating func handleTimePassed(at now: Instant) {
        guard let deadline = nextDeadline(), deadline <= now else { return }
        association?.sctp.handle(.timePassed, at: now)
        drain(at: now)
    }

    /// No media description is for data any more: who wants channels has to make others.
    mutating func refuse(at now: Instant) {
        abort(at: now)
        endAll(.dataChannelFailure("the other side refuses data channels"))
        association = nil
        areWanted = false
    }

    /// The connection is closed (W3C §4.4.2 step 9: "the channels will be closed abruptly"; step 10: an SCTP ABORT).
    mutating func close(at now: Instant) {
        abort(at: now)
        association?.state = .closed
        endAll(nil)
    }

    /// The transport `id` is over.
    mutating func transportEnded(_ id: PeerTransport.ID, _ error: RTCDataChannelError?) {
        guard association?.transport == id, association?.state != .closed else { return }
        association?.state = .closed
        endAll(error)
    }

    private mutating func abort(at now: Instant) {
        guard let transport = association?.transport else { return }
        association?.sctp.handle(.abort, at: now)
        while let output = association?.sctp.nextOutput() {
            if case .transmit(let packet) = output { packets.append((transport, packet)) }
        }
    }

    /// Takes what the association has to say.
    mutating func drain(at now: Instant) {
        guard let transport = association?.transport else { return }
        while let output = association?.sctp.nextOutput() {
            switch output {
            case .transmit(let packet): packets.append((transport, packet))
            case .event(let event): take(event, at: now)
            }
        }
    }

    private mutating func take(_ event: SCTPAssociation.Event, at now: Instant) {
        switch event {
        case .established:
            association?.state = .connected
            for channel in present where channel.told.readyState == .connecting {
                // W3C §6.1.1.3: a channel whose stream there is none of is closed
                let stream = channel.told.streamIdentifier.map(Int.init) ?? .max
                if stream >= streamLimit || !open(channel.told.id, at: now) {
                    fail(channel.told.id, .dataChannelFailure("the other side has no room for it"), at: now)
                }
            }
        case .message(let message):
            take(message, at: now)
        case .bufferedAmountDecreased(let stream):
            updateBufferedAmount(of: stream)
        case .incomingStreamsReset(let reset):
            // none named are all (RFC 6525 §4.1)
            for stream in reset.isEmpty ? streams.keys.sorted() : reset.map(\.rawValue) {
                incomingReset(stream, at: now)
            }
        case .outgoingStreamsReset(let reset):
            for stream in reset { outgoingReset(stream.rawValue, at: now) }
        case .restarted:
            endAll(.dataChannelFailure("the other side has begun the association anew"))
        case .closed:
            association?.state = .closed
            endAll(nil)
        case .failed(let error):
            association?.state = .closed
            endAll(.sctpFailure(error))
        }
    }

    mutating func discard(_ reason: RTCPeerConnection.DiscardReason) {
        discards[reason, default: 0] += 1
    }
}

extension DataChannelOpen {
    /// Bytes of the longest: the fixed part, label and protocol.
    fileprivate static var maximumSize: Int { 12 + 2 * 65535 }
}
