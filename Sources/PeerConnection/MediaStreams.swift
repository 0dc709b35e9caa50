import RTP
import SDP
import SRTP
import Wire

/// The RTP streams of a connection, both ways.
struct MediaStreams {
    /// A stream that leaves.
    struct Outgoing {
        let transceiver: TransceiverID
        var sender: RTPSender
        var extensions: HeaderExtensionValues
        /// The last full intra request of each receiver, whose repetition is no new request (RFC 5104 §4.3.1.2).
        var lastFullIntraRequest: UInt8?
    }

    /// What a media description lets in.
    struct Incoming {
        let transceiver: TransceiverID
        let mid: String?
        let payloadType: UInt8
        let clockRate: Int
        let rtxPayloadType: UInt8?
        let wantsNACK: Bool
    }

    /// A stream that arrives.
    struct Stream {
        let incoming: Incoming
        var receiver: RTPReceiver
        /// What of it to ask for again; nil where NACK was not negotiated.
        var nack: NACKGenerator?
    }

    var outgoing: [Outgoing] = []
    var incoming: [Incoming] = []
    /// Streams by source, as they were signalled or turned up.
    var streams: [SSRC: Stream] = [:]
    /// Retransmission sources and the stream they repeat.
    var repairs: [SSRC: SSRC] = [:]
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
}

extension RTCPeerConnection {
    // MARK: Configuration

    /// Makes one media description of an exchange take effect.
    mutating func configure(_ position: Int, ours: MediaDescription, theirs: MediaDescription) {
        let transceiver = transceivers[position]
        let isAgreed = !ours.isRejected && !theirs.isRejected
        let direction = isAgreed ? ours.direction.intersection(theirs.direction.reversed) : .inactive
        transceivers[position].currentDirection = direction
        media.outgoing.removeAll { $0.transceiver == transceiver.id && !direction.sends }
        media.incoming.removeAll { $0.transceiver == transceiver.id }
        if isAgreed, let codec = CodecPreferences.choose(from: theirs) {
            transceivers[position].negotiatedCodec = codec
            if direction.sends { send(transceiver, codec, theirs) }
            if direction.receives { receive(transceiver, ours, theirs) }
        }
        guard direction.receives != transceiver.isReceiving else { return }
        transceivers[position].isReceiving = direction.receives
        events.append(.track(transceiver.id, transceiver.kind, isActive: direction.receives))
    }

    private mutating func send(
        _ transceiver: RTCRtpTransceiver, _ codec: RTCRtpTransceiver.NegotiatedCodec, _ theirs: MediaDescription
    ) {
        var map = HeaderExtensionMap()
        map[.mid] = theirs.headerExtensions.first { $0.uri == RTP.HeaderExtension.mid.rawValue }.flatMap {
            UInt8(exactly: $0.id)
        }
        guard let payloadType = PayloadType(exactly: Int(codec.codec.payloadType)) else { return }
        let rtx = codec.rtxPayloadType.flatMap { PayloadType(exactly: Int($0)) }.map {
            RTPSender.Retransmission(ssrc: transceiver.rtxSSRC, payloadType: $0)
        }
        if let index = media.outgoing.firstIndex(where: { $0.transceiver == transceiver.id }) {
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
                transceiver: transceiver.id,
                sender: RTPSender(
                    ssrc: transceiver.ssrc, payloadType: payloadType, clockRate: Int(codec.codec.clockRate), rtx: rtx,
                    extensionMap: map, history: history, random: random),
                extensions: extensions))
    }

    private mutating func receive(
        _ transceiver: RTCRtpTransceiver, _ ours: MediaDescription, _ theirs: MediaDescription
    ) {
        // what they send bears the numbers of our description (RFC 3264 §5.1)
        guard let codec = CodecPreferences.choose(from: ours) else { return }
        let incoming = MediaStreams.Incoming(
            transceiver: transceiver.id, mid: transceiver.mid, payloadType: codec.codec.payloadType,
            clockRate: Int(codec.codec.clockRate), rtxPayloadType: codec.rtxPayloadType,
            wantsNACK: codec.codec.feedback.contains(.nack))
        media.incoming.append(incoming)
        if let mid = ours.headerExtensions.first(where: { $0.uri == RTP.HeaderExtension.mid.rawValue }) {
            media.incomingExtensions[.mid] = UInt8(exactly: mid.id)
        }
        for group in theirs.sourceGroups where group.semantics == "FID" && group.ssrcs.count == 2 {
            media.repairs[SSRC(group.ssrcs[1])] = SSRC(group.ssrcs[0])
        }
        for source in theirs.sources where media.repairs[SSRC(source.ssrc)] == nil {
            openStream(SSRC(source.ssrc), for: incoming)
        }
    }
}
