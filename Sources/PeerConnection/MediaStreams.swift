import Congestion
import RTP
import SDP
import SRTP
import Wire

/// The RTP streams of a connection, both ways.
struct MediaStreams {
    /// A stream that leaves.
    struct Outgoing {
        let transceiver: TransceiverID
        let kind: MediaKind
        /// The transport it leaves by.
        var transport: PeerTransport.ID
        var sender: RTPSender
        /// What every packet's header says; the rest is the packet's own.
        var extensions: HeaderExtensionValues
        /// How long the receiver may hold frames back; nil to leave it to him.
        var playoutDelay: PlayoutDelay?
        /// Until when every frame tells it.
        var playoutDelayIsNewUntil = Instant.zero
        /// How loud the last packet was; nil where nobody measured it.
        var audioLevel: AudioLevel?
        /// The last full intra request, whose repetition is no new request (RFC 5104 §4.3.1.2).
        var lastFullIntraRequest: UInt8?
        /// The key frames that the receiver asks for.
        var demand = KeyFrameDemand()
        var requests = FeedbackCounts()

        /// Whether its packets bear transport-wide sequence numbers.
        var isNumbered: Bool { sender.extensionMap[.transportSequenceNumber] != nil }

        /// What the header of a packet says that leaves at `now` under the transport-wide `number`; nil for none.
        func extensions(of number: UInt16?, at now: Instant) -> HeaderExtensionValues {
            var values = extensions
            values.absoluteSendTime = AbsoluteSendTime(now)
            values.transportSequenceNumber = number
            return values
        }

        /// Whether `ssrc` is one of its sources.
        func uses(_ ssrc: SSRC) -> Bool { sender.ssrc == ssrc || sender.rtx?.ssrc == ssrc }
    }

    /// How often a receiver asked for repair; the names are those of the W3C's statistics.
    struct FeedbackCounts {
        var nackCount: UInt32 = 0
        var pliCount: UInt32 = 0
        var firCount: UInt32 = 0
    }

    /// How to ask the sender of a stream for a key frame.
    enum KeyFrameFeedback {
        /// RFC 4585 §6.3.1
        case pictureLossIndication
        /// RFC 5104 §4.3.1
        case fullIntraRequest
    }

    /// What a media description lets in.
    struct Incoming {
        let transceiver: TransceiverID
        /// The transport it comes by.
        let transport: PeerTransport.ID
        let mid: String?
        let kind: MediaKind
        let codec: RTPCodec
        let payloadType: UInt8
        let clockRate: Int
        let rtxPayloadType: UInt8?
        let wantsNACK: Bool
        /// Nil where nothing was agreed on.
        let keyFrameFeedback: KeyFrameFeedback?
        /// Whether the sender wants to know when each packet came.
        let wantsTransportFeedback: Bool
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
        /// Puts the pictures together; nil for sound.
        var assembler: AccessUnitAssembler?
        /// When to ask for a key frame.
        var keyFrames = KeyFrameRequester()
        /// The pictures that were lost when it was last looked.
        var framesDropped: UInt32 = 0
        /// The number of the last full intra request that was sent.
        var fullIntraRequest: UInt8 = 0
        var requests = FeedbackCounts()
        /// What the header of the last packet said of its sound, and its timestamp.
        var audioLevel: AudioLevel?
        var lastTimestamp: RTPTimestamp?

        /// When it needs something; nil for never.
        var deadline: Instant? { earliest(nack?.deadline, assembler?.deadline, keyFrames.deadline) }
    }

    /// What waits for its turn to leave.
    struct Waiting {
        enum Content {
            /// A payload of a frame.
            case payload(PacketizedFrame, Int)
            /// A packet that the receiver asks for again.
            case repetition(SequenceNumber)
        }

        /// Whose it is.
        let transceiver: TransceiverID
        let content: Content
    }

    /// What belongs to a transport as a whole: the order and the rate in which packets leave, and the feedback on them.
    struct TransportAccount {
        let transport: PeerTransport.ID
        /// The number of the next packet that leaves, of whatever stream.
        var nextNumber: UInt16 = 1
        /// What the path carries.
        var estimator: BandwidthEstimator
        /// How long the receiver should hold pictures back.
        var repairs = RepairAllowance()
        /// What leaves when.
        var pacer: Pacer<Waiting>
        /// Packets of padding in a row.
        var paddingStep = 0
        var recorder = TransportFeedbackRecorder()
        /// Any stream of the transport, which the feedback names.
        var media: SSRC = 0
        /// When to tell what came; nil while nothing has.
        var nextFeedback: Instant?

        init(transport: PeerTransport.ID, bandwidth: BandwidthEstimator.Configuration, demand: Double) {
            self.transport = transport
            estimator = BandwidthEstimator(configuration: bandwidth)
            estimator.demand = demand
            var pacing = PacerConfiguration()
            pacing.startRate = bandwidth.firstProbeBitrate ?? 0
            pacer = Pacer(bitrate: bandwidth.startBitrate, configuration: pacing)
        }

        /// When something is to leave, to be told or to be looked after.
        mutating func nextDeadline() -> Instant? { earliest(nextFeedback, pacer.deadline, estimator.deadline) }
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
    var accounts: [TransportAccount] = []
    /// What is known of paths of which nothing is, and what is of use to the application, in bit/s.
    let bandwidth: BandwidthEstimator.Configuration
    var demand: Double {
        didSet { for index in accounts.indices { accounts[index].estimator.demand = demand } }
    }
    var conflicts = SourceConflicts()
    /// When the next reports are due; nil before media can flow.
    var nextReports: Instant?

    /// When something is to be reported or asked for; nil for never.
    mutating func nextDeadline() -> Instant? {
        guard var first = nextReports else { return nil }
        for stream in streams.values { first = stream.deadline.map { min($0, first) } ?? first }
        // in their places, for they are large
        for index in outgoing.indices { first = outgoing[index].demand.deadline.map { min($0, first) } ?? first }
        for index in accounts.indices { first = accounts[index].nextDeadline().map { min($0, first) } ?? first }
        return first
    }

    init(bandwidth: BandwidthEstimator.Configuration, demand: Double) {
        self.bandwidth = bandwidth
        self.demand = demand
    }

    /// Sources that one connection may open: a browser has two for each track.
    static let streamLimit = 32
    /// The first reports follow the first packets soon, for lip sync starts with them; then one a second, on average.
    static let firstReportDelay = Duration.milliseconds(100)
    /// Feedback about a transport: ten times a second and no more, however much comes.
    static let feedbackInterval = Duration.milliseconds(100)

    mutating func start(at now: Instant) {
        if nextReports == nil { nextReports = now + Self.firstReportDelay }
    }

    /// Where the account of `transport` is; there is one from the first time it is asked for.
    mutating func account(of transport: PeerTransport.ID) -> Int {
        if let index = accounts.firstIndex(where: { $0.transport == transport }) { return index }
        accounts.append(TransportAccount(transport: transport, bandwidth: bandwidth, demand: demand))
        return accounts.count - 1
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
        _ position: Int, ours: MediaDescription, theirs: MediaDescription, by transport: PeerTransport.ID?,
        isFinal: Bool, at now: Instant
    ) {
        let isRejected = ours.isRejected || theirs.isRejected
        // W3C §4.4.1.5: "If the media description is rejected, and transceiver is not already stopped, stop". What a
        // provisional answer rejects the final one may still accept.
        if isRejected, isFinal { stopRejected(position, at: now) }
        transceivers[position].remoteMSIDs = theirs.direction.sends ? theirs.msids : []
        let transceiver = transceivers[position]
        let codec = isRejected || transport == nil ? nil : chosenCodec(from: theirs)
        let agreed = codec == nil ? .inactive : ours.direction.intersection(theirs.direction.reversed)
        transceivers[position].agreedDirection = agreed
        transceivers[position].exchangedDirection = transceiver.wantedDirection
        if agreed.sends { transceivers[position].hasSent = true }
        let direction = transceiver.isStopping ? .inactive : agreed
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
        let map = Self.outgoingExtensions(ours, theirs, codec.codec)
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
                transceiver: transceiver.id, kind: transceiver.kind, transport: transport,
                sender: RTPSender(
                    ssrc: transceiver.ssrc, payloadType: payloadType, clockRate: Int(codec.codec.clockRate), rtx: rtx,
                    extensionMap: map, history: history, random: random),
                extensions: extensions, playoutDelay: playoutDelays[transceiver.id]))
    }

    /// The header extensions that both descriptions have and this side may send. A transport-wide number costs bytes and
    /// is of use only to whom feedback is promised.
    private static func outgoingExtensions(
        _ ours: MediaDescription, _ theirs: MediaDescription, _ codec: RTPCodec
    ) -> HeaderExtensionMap {
        var map = HeaderExtensionMap()
        for item in ours.headerExtensions where item.direction?.sends ?? true {
            guard let kind = RTP.HeaderExtension(rawValue: item.uri),
                kind != .transportSequenceNumber || codec.feedback.contains(.transportCC),
                theirs.headerExtensions.contains(where: { $0.uri == item.uri && $0.id == item.id })
            else { continue }
            map[kind] = UInt8(exactly: item.id)
        }
        return map
    }

    private mutating func receive(
        _ transceiver: RTCRtpTransceiver, _ ours: MediaDescription, _ theirs: MediaDescription,
        by transport: PeerTransport.ID
    ) {
        // what they send bears the numbers of our description (RFC 3264 §5.1)
        guard let codec = chosenCodec(from: ours) else { return media.stopReceiving(transceiver.id) }
        // feedback needs both sides (RFC 4585 §4.2: the answerer removes what he does not want)
        let wanted = chosenCodec(from: theirs)?.codec.feedback ?? []
        let feedback = codec.codec.feedback.filter(wanted.contains)
        let keyFrames: MediaStreams.KeyFrameFeedback? =
            if feedback.contains(.pictureLossIndication) {
                .pictureLossIndication
            } else if feedback.contains(.fullIntraRequest) {
                .fullIntraRequest
            } else {
                nil
            }
        let incoming = MediaStreams.Incoming(
            transceiver: transceiver.id, transport: transport, mid: transceiver.mid, kind: transceiver.kind,
            codec: codec.codec, payloadType: codec.codec.payloadType, clockRate: Int(codec.codec.clockRate),
            rtxPayloadType: codec.rtxPayloadType, wantsNACK: feedback.contains(.nack), keyFrameFeedback: keyFrames,
            wantsTransportFeedback: feedback.contains(.transportCC),
            allowsReducedSize: ours.isRTCPReducedSize && theirs.isRTCPReducedSize)
        media.incoming.removeAll { $0.transceiver == transceiver.id }
        media.incoming.append(incoming)
        for item in ours.headerExtensions {
            guard let kind = RTP.HeaderExtension(rawValue: item.uri) else { continue }
            media.incomingExtensions[kind] = UInt8(exactly: item.id)
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
