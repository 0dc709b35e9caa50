import RTP
import SDP
import SRTP
import Wire

/// The RTP streams of a connection, both ways.
struct MediaStreams {
    /// A stream that leaves.
    struct Outgoing {
        let transceiver: TransceiverID
        /// The transport it leaves by.
        var transport: PeerTransport.ID
        var sender: RTPSender
        var extensions: HeaderExtensionValues
        /// The last full intra request of each receiver, whose repetition is no new request (RFC 5104 §4.3.1.2).
        var lastFullIntraRequest: UInt8?
    }

    /// What a media description lets in.
    struct Incoming {
        let transceiver: TransceiverID
        /// The transport it comes by.
        let transport: PeerTransport.ID
        let mid: String?
        let payloadType: UInt8
        let clockRate: Int
        let rtxPayloadType: UInt8?
        let wantsNACK: Bool
        /// Whether feedback may go without a report before it (RFC 5506 §4: only where both sides agreed).
        let allowsReducedSize: Bool
    }

    /// A stream that arrives.
    struct Stream {
        var incoming: Incoming
        /// Whether the last description named its source; else it turned up by itself.
        var isSignalled: Bool
        var receiver: RTPReceiver
        /// What of it to ask for again; nil where NACK was not negotiated.
        var nack: NACKGenerator?
    }

    /// A retransmission source's purpose.
    struct Repair {
        let transceiver: TransceiverID
        /// The source whose packets it repeats.
        let original: SSRC
    }

    var outgoing: [Outgoing] = []
    /// Streams that an exchange stopped. They go on where they were: SRTP's packet index belongs to the source and must
    /// not be used twice (RFC 3711 §3.2.1), so a stopped stream cannot begin anew.
    var paused: [Outgoing] = []
    var incoming: [Incoming] = []
    /// Streams by source, as they were signalled or turned up.
    var streams: [SSRC: Stream] = [:]
    /// Retransmission sources and the stream they repeat.
    var repairs: [SSRC: Repair] = [:]
    var incomingExtensions = HeaderExtensionMap()
    /// When the next reports are due; nil before media can flow.
    var nextReports: Instant?

    /// When something is to be reported or asked for; nil for never.
    var deadline: Instant? {
        guard let nextReports else { return nil }
        return streams.values.compactMap(\.nack?.deadline).reduce(nextReports, min)
    }

    /// Sources that one connection may open: a browser has two for each track.
    static let streamLimit = 32
    /// The first reports follow the first packets soon, for lip sync starts with them; then one a second, on average.
    static let firstReportDelay = Duration.milliseconds(100)

    mutating func start(at now: Instant) {
        if nextReports == nil { nextReports = now + Self.firstReportDelay }
    }

    /// Stops the stream of `transceiver`, if there is one.
    mutating func pause(_ transceiver: TransceiverID) {
        paused += outgoing.filter { $0.transceiver == transceiver }
        outgoing.removeAll { $0.transceiver == transceiver }
    }

    /// Lets nothing of `transceiver` in any more.
    mutating func stopReceiving(_ transceiver: TransceiverID) {
        incoming.removeAll { $0.transceiver == transceiver }
        repairs = repairs.filter { $0.value.transceiver != transceiver }
        streams = streams.filter { $0.value.incoming.transceiver != transceiver }
    }
}

extension RTCPeerConnection {
    // MARK: Configuration

    /// Makes one media description of an exchange take effect. Where no transport carries it, nothing flows.
    mutating func configure(
        _ position: Int, ours: MediaDescription, theirs: MediaDescription, by transport: PeerTransport.ID?
    ) {
        let transceiver = transceivers[position]
        let isRejected = ours.isRejected || theirs.isRejected
        let codec = isRejected || transport == nil ? nil : CodecPreferences.choose(from: theirs)
        let direction = codec == nil ? .inactive : ours.direction.intersection(theirs.direction.reversed)
        transceivers[position].currentDirection = direction
        // W3C §4.4.1.5: "If the media description is rejected, and transceiver is not already stopped, stop".
        if isRejected { transceivers[position].isStopped = true }
        if let codec {
            transceivers[position].negotiatedCodec = codec
            // RFC 8285 §5: a number keeps its meaning for the session
            for item in ours.headerExtensions { headerExtensionIDs[item.uri] = item.id }
        }
        if let codec, let transport, direction.sends {
            send(transceiver, codec, ours, theirs, by: transport)
        } else {
            media.pause(transceiver.id)
        }
        if let transport, direction.receives {
            receive(transceiver, ours, theirs, by: transport)
        } else {
            media.stopReceiving(transceiver.id)
        }
        guard direction.receives != transceiver.isReceiving else { return }
        transceivers[position].isReceiving = direction.receives
        events.append(.track(transceiver.id, transceiver.kind, isActive: direction.receives))
    }

    private mutating func send(
        _ transceiver: RTCRtpTransceiver, _ codec: RTCRtpTransceiver.NegotiatedCodec, _ ours: MediaDescription,
        _ theirs: MediaDescription, by transport: PeerTransport.ID
    ) {
        guard let payloadType = PayloadType(exactly: Int(codec.codec.payloadType)) else { return }
        var map = HeaderExtensionMap()
        let mid = ours.headerExtensions.first { item in
            item.uri == RTP.HeaderExtension.mid.rawValue && item.direction?.sends ?? true
                && theirs.headerExtensions.contains { $0.uri == item.uri && $0.id == item.id }
        }
        map[.mid] = mid.flatMap { UInt8(exactly: $0.id) }
        let rtx = codec.rtxPayloadType.flatMap { PayloadType(exactly: Int($0)) }.map {
            RTPSender.Retransmission(ssrc: transceiver.rtxSSRC, payloadType: $0)
        }
        if let known = media.paused.firstIndex(where: { $0.transceiver == transceiver.id }) {
            media.outgoing.append(media.paused.remove(at: known))
        }
        if let index = media.outgoing.firstIndex(where: { $0.transceiver == transceiver.id }) {
            media.outgoing[index].transport = transport
            media.outgoing[index].sender.payloadType = payloadType
            media.outgoing[index].sender.rtx = rtx
            media.outgoing[index].sender.extensionMap = map
            return
        }
        var extensions = HeaderExtensionValues()
        extensions.mid = Array((transceiver.mid ?? "").utf8)
        var history = RTPSender.History()
        if !codec.codec.feedback.contains(.nack) { history.capacity = 1 }  // nothing will be asked for
        media.outgoing.append(
            MediaStreams.Outgoing(
                transceiver: transceiver.id, transport: transport,
                sender: RTPSender(
                    ssrc: transceiver.ssrc, payloadType: payloadType, clockRate: Int(codec.codec.clockRate), rtx: rtx,
                    extensionMap: map, history: history, random: random),
                extensions: extensions))
    }

    private mutating func receive(
        _ transceiver: RTCRtpTransceiver, _ ours: MediaDescription, _ theirs: MediaDescription,
        by transport: PeerTransport.ID
    ) {
        // what they send bears the numbers of our description (RFC 3264 §5.1)
        guard let codec = CodecPreferences.choose(from: ours) else { return media.stopReceiving(transceiver.id) }
        let incoming = MediaStreams.Incoming(
            transceiver: transceiver.id, transport: transport, mid: transceiver.mid,
            payloadType: codec.codec.payloadType,
            clockRate: Int(codec.codec.clockRate), rtxPayloadType: codec.rtxPayloadType,
            wantsNACK: codec.codec.feedback.contains(.nack),
            allowsReducedSize: ours.isRTCPReducedSize && theirs.isRTCPReducedSize)
        media.incoming.removeAll { $0.transceiver == transceiver.id }
        media.incoming.append(incoming)
        if let mid = ours.headerExtensions.first(where: { $0.uri == RTP.HeaderExtension.mid.rawValue }) {
            media.incomingExtensions[.mid] = UInt8(exactly: mid.id)
        }
        takeSources(of: theirs, for: incoming)
    }

    /// RFC 5576: opens the streams that their description names, and forgets those that it names no longer.
    private mutating func takeSources(of theirs: MediaDescription, for incoming: MediaStreams.Incoming) {
        media.repairs = media.repairs.filter { $0.value.transceiver != incoming.transceiver }
        if incoming.rtxPayloadType != nil {
            for group in theirs.sourceGroups where group.semantics == "FID" && Set(group.ssrcs).count == 2 {
                guard media.repairs.count < MediaStreams.streamLimit else { break }
                media.repairs[SSRC(group.ssrcs[1])] = .init(
                    transceiver: incoming.transceiver, original: SSRC(group.ssrcs[0]))
            }
        }
        let named = Set(theirs.sources.map { SSRC($0.ssrc) })
        media.streams = media.streams.filter { ssrc, stream in
            stream.incoming.transceiver != incoming.transceiver || !stream.isSignalled || named.contains(ssrc)
        }
        for (ssrc, stream) in media.streams where stream.incoming.transceiver == incoming.transceiver {
            openStream(ssrc, for: incoming, isSignalled: stream.isSignalled)
        }
        for source in theirs.sources where media.repairs[SSRC(source.ssrc)] == nil {
            openStream(SSRC(source.ssrc), for: incoming, isSignalled: true)
        }
    }
}
