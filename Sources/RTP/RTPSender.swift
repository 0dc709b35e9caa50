import Wire

/// One stream that leaves: numbers packets, remembers them for retransmission, and keeps the accounts of its reports.
///
/// Packets are appended in the clear to the caller's buffer, which then protects them in place.
public struct RTPSender: Sendable {
    /// The retransmission stream (RFC 4588 §4: SSRC multiplexing).
    public struct Retransmission: Hashable, Sendable {
        /// Its own source.
        public let ssrc: SSRC
        /// The payload type whose `apt` is the stream's.
        public let payloadType: PayloadType

        /// The retransmission stream `ssrc`.
        public init(ssrc: SSRC, payloadType: PayloadType) {
            self.ssrc = ssrc
            self.payloadType = payloadType
        }
    }

    /// How much is kept for retransmission, and how eagerly it is sent.
    ///
    /// 512 packets are 1.2 s of 4 Mbit/s. After one second a frame is past saving: the decoder has asked for a key
    /// frame long before, and a retransmission would only take room from it.
    public struct History: Hashable, Sendable {
        /// Packets at most; a power of two up to 32768.
        public var capacity = 512
        /// How old a packet may be to be sent again.
        public var maximumAge = Duration.seconds(1)
        /// The least time between two retransmissions of one packet; a longer measured round trip replaces it. A NACK
        /// repeated within a round trip cannot know that the packet is already on its way.
        public var minimumInterval = Duration.milliseconds(20)

        /// The defaults, to be changed by assignment.
        public init() {}
    }

    /// What has been sent; the names and meanings are those of W3C's RTCOutboundRtpStreamStats.
    public struct Statistics: Hashable, Sendable {
        /// Packets, retransmissions included.
        public var packetsSent: UInt64 = 0
        /// Payload bytes, retransmissions included.
        public var bytesSent: UInt64 = 0
        /// Header bytes, header extensions and RTX's two bytes included.
        public var headerBytesSent: UInt64 = 0
        /// Packets that were sent again.
        public var retransmittedPacketsSent: UInt64 = 0
        /// Payload bytes that were sent again.
        public var retransmittedBytesSent: UInt64 = 0
        /// Frames of video, or packets of sound, whose last packet was sent.
        public var framesSent: UInt32 = 0
        /// Of these, frames that a decoder can start at.
        public var keyFramesSent: UInt32 = 0
    }

    /// What became of a request for retransmission.
    public enum RetransmissionOutcome: Hashable, Sendable {
        /// The packet was appended.
        case appended
        /// It was sent again less than a round trip ago; nothing was appended.
        case tooSoon
        /// More is asked for again than was ever sent; nothing was appended.
        case overBudget
        /// It is not remembered (any more); nothing was appended.
        case unknown
    }

    /// The stream's source.
    public let ssrc: SSRC
    /// What its packets are. A change forgets what could be retransmitted, and so does one of `extensionMap`: the
    /// packets could not be written again as they were.
    public var payloadType: PayloadType {
        didSet { if payloadType != oldValue { history.removeAll() } }
    }
    /// Ticks of its timestamps in a second.
    public let clockRate: Int
    /// Its retransmission stream; nil to resend packets as they were.
    public var rtx: Retransmission?
    /// The header extensions' identifiers, for both streams.
    public var extensionMap: HeaderExtensionMap {
        didSet { if extensionMap != oldValue { history.removeAll() } }
    }
    /// What has been sent.
    public private(set) var statistics = Statistics()
    /// How the other side says that it arrives.
    public private(set) var remote = RemoteInboundStatistics()
    /// The number of the next packet.
    public private(set) var nextSequenceNumber: SequenceNumber

    private var nextRetransmissionNumber: SequenceNumber
    /// What the first packet bore, from which the other side's account of the packets expected starts.
    private let firstSequenceNumber: SequenceNumber
    /// How many packets may be sent again. Each packet sent adds one: with half of all lost, as many are repeated as
    /// are sent, and beyond that a receiver that asks for everything would multiply what leaves.
    private var retransmissionCredit: Int
    private static let initialCredit = 16
    private let timestampOffset: UInt32
    private var history: SendHistory
    private var lastExtensions = HeaderExtensionBlock()
    private let minimumInterval: Duration
    /// What the stream itself sent, for sender reports: without the retransmission stream, which is another source.
    private var packetCount: UInt32 = 0
    private var octetCount: UInt32 = 0
    /// Ties the stream's clock to the monotonic one.
    private var lastFrame: (timestamp: RTPTimestamp, captured: Instant)?

    /// A stream that starts at a random sequence number and timestamp (RFC 3550 §5.1).
    public init(
        ssrc: SSRC, payloadType: PayloadType, clockRate: Int, rtx: Retransmission? = nil,
        extensionMap: HeaderExtensionMap = HeaderExtensionMap(), history: History = History(),
        random: any RandomSource
    ) {
        precondition(clockRate > 0, "a clock ticks")
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.clockRate = clockRate
        self.rtx = rtx
        self.extensionMap = extensionMap
        self.history = SendHistory(capacity: history.capacity, maximumAge: history.maximumAge)
        minimumInterval = history.minimumInterval
        // Below 2¹⁵, so that SRTP's rollover count cannot be guessed wrong when the first packets are lost (RFC 3711
        // §3.3.1 starts the receiver's count at zero with the first packet it sees).
        nextSequenceNumber = SequenceNumber(random.uint16() & 0x7FFF)
        firstSequenceNumber = nextSequenceNumber
        retransmissionCredit = Self.initialCredit
        nextRetransmissionNumber = SequenceNumber(random.uint16() & 0x7FFF)
        timestampOffset = random.uint32()
    }

    /// Appends the packet of the payload `index` of `frame`: header, extensions, payload. Returns its sequence number.
    @discardableResult
    public mutating func writePacket(
        _ index: Int, of frame: PacketizedFrame, extensions: HeaderExtensionValues = HeaderExtensionValues(),
        at now: Instant, to buffer: inout [UInt8]
    ) -> SequenceNumber {
        let number = nextSequenceNumber
        nextSequenceNumber = number + 1
        let start = buffer.count
        header(number, index, frame).write(
            to: &buffer, extensions: extensions, map: extensionMap, like: &lastExtensions)
        let payload = frame.payloads[index]
        count(header: buffer.count - start, payload: payload.count)
        buffer.append(contentsOf: frame.storage[payload])
        packetCount &+= 1
        octetCount &+= UInt32(truncatingIfNeeded: payload.count)
        retransmissionCredit = min(retransmissionCredit + 1, max(history.capacity, Self.initialCredit))
        if frame.isLast, index == frame.payloads.count - 1 {
            statistics.framesSent &+= 1
            if frame.isKeyFrame { statistics.keyFramesSent &+= 1 }
        }
        lastFrame = (frame.timestamp + Int64(timestampOffset), frame.captured)
        history.append(number, frame, payload: index, rtx == nil ? extensions : nil, at: now)
        return number
    }

    /// Answers a NACK for `number`: appends the packet again, unless that was done within the last round trip.
    ///
    /// With a retransmission stream it is a packet of that stream (RFC 4588 §4), with `extensions`. Without, it must be
    /// the same packet byte for byte: a packet with the same index but another header would use a nonce twice, which
    /// gives AES-GCM's authentication key away (RFC 7714 §9.1); so it bears the extensions of its first time.
    public mutating func retransmission(
        of number: SequenceNumber, extensions: HeaderExtensionValues = HeaderExtensionValues(), at now: Instant,
        to buffer: inout [UInt8]
    ) -> RetransmissionOutcome {
        guard let entry = repeatable(number, at: now) else { return .unknown }
        guard !isTooSoon(entry, at: now) else { return .tooSoon }
        guard retransmissionCredit > 0 else { return .overBudget }
        retransmissionCredit -= 1
        history.markRetransmitted(number, at: now)
        appendRetransmission(entry, extensions: extensions, to: &buffer)
        return .appended
    }

    /// What is remembered of the packet `number` and can be sent again: by the retransmission stream, or as it was.
    private func repeatable(_ number: SequenceNumber, at now: Instant) -> SendHistory.Entry? {
        guard let entry = history.entry(number, at: now), rtx != nil || entry.extensions != nil else { return nil }
        return entry
    }

    private func isTooSoon(_ entry: SendHistory.Entry, at now: Instant) -> Bool {
        let interval = max(minimumInterval, remote.roundTripTime ?? .zero)
        return entry.retransmitted.map { now - $0 < interval } ?? false
    }

    private mutating func appendRetransmission(
        _ entry: SendHistory.Entry, extensions: HeaderExtensionValues, to buffer: inout [UInt8]
    ) {
        let number = entry.sequenceNumber
        let start = buffer.count
        var header = header(number, entry.payload, entry.frame)
        let payload = entry.frame.payloads[entry.payload]
        if let rtx {
            header.ssrc = rtx.ssrc
            header.payloadType = rtx.payloadType
            header.sequenceNumber = nextRetransmissionNumber
            nextRetransmissionNumber = nextRetransmissionNumber + 1
            header.write(to: &buffer, extensions: extensions, map: extensionMap)
            buffer.append(uint16: number.rawValue)  // OSN
        } else {
            header.write(to: &buffer, extensions: entry.extensions ?? HeaderExtensionValues(), map: extensionMap)
            packetCount &+= 1
            octetCount &+= UInt32(truncatingIfNeeded: payload.count)
        }
        count(header: buffer.count - start, payload: payload.count)
        statistics.retransmittedPacketsSent += 1
        statistics.retransmittedBytesSent += UInt64(payload.count)
        buffer.append(contentsOf: entry.frame.storage[payload])
    }

    /// Repeats nothing any more of what has left so far: a key frame has made it useless.
    public mutating func forgetSentPackets() { history.removeAll() }

    /// The payload bytes of the packet `number`, where `retransmission` would append it now; nil where it would not.
    public func retransmissionSize(of number: SequenceNumber, at now: Instant) -> Int? {
        guard let entry = repeatable(number, at: now), retransmissionCredit > 0, !isTooSoon(entry, at: now) else {
            return nil
        }
        return entry.frame.payloads[entry.payload].count
    }

    /// Whether there is something to pad with.
    public var canPad: Bool { rtx != nil && history.count > 0 }

    /// Appends a packet that only takes room, to show what a path carries: the retransmission stream repeats what was
    /// sent last, which is of use where it was lost. `step` counts the packets of padding in a row, so that each repeats
    /// another. False, and nothing appended, where there is no such stream or nothing that young.
    public mutating func writePadding(
        step: Int, extensions: HeaderExtensionValues = HeaderExtensionValues(), at now: Instant,
        to buffer: inout [UInt8]
    ) -> Bool {
        guard rtx != nil, history.count > 0 else { return false }
        let number = nextSequenceNumber + -(1 + step % history.count)
        guard let entry = history.entry(number, at: now) else { return false }
        history.markRetransmitted(number, at: now)
        appendRetransmission(entry, extensions: extensions, to: &buffer)
        return true
    }

    /// The report to send now (RFC 3550 §6.4.1); nil before the first packet, for which a receiver report stands.
    public func senderReport(at now: Instant, reportBlocks: [ReportBlock] = []) -> SenderReport? {
        guard let lastFrame else { return nil }
        let since = RTPTimestamp(.zero + (now - lastFrame.captured), clockRate: clockRate)
        return SenderReport(
            ssrc: ssrc, ntpTime: NTPTime(now), timestamp: lastFrame.timestamp + Int64(since.rawValue),
            packetCount: packetCount, octetCount: octetCount, reportBlocks: reportBlocks)
    }

    /// Takes the other side's report about this stream; one about another stream is ignored.
    public mutating func handle(_ block: ReportBlock, at now: Instant) {
        guard block.ssrc == ssrc else { return }
        remote.handle(block, clockRate: clockRate, first: firstSequenceNumber, at: now)
    }

    private func header(_ number: SequenceNumber, _ index: Int, _ frame: PacketizedFrame) -> RTPHeader {
        RTPHeader(
            marker: index == frame.markedPayload, payloadType: payloadType, sequenceNumber: number,
            timestamp: frame.timestamp + Int64(timestampOffset), ssrc: ssrc)
    }

    private mutating func count(header: Int, payload: Int) {
        statistics.packetsSent += 1
        statistics.bytesSent += UInt64(payload)
        statistics.headerBytesSent += UInt64(header)
    }
}

/// How the other side receives a stream, from its reports; the names are those of W3C's RTCRemoteInboundRtpStreamStats.
public struct RemoteInboundStatistics: Hashable, Sendable {
    /// Packets received since the start, duplicates included: those expected less those lost (RFC 3550 A.3).
    public private(set) var packetsReceived: UInt64 = 0
    /// Packets lost since the start, less duplicates.
    public private(set) var packetsLost: Int32 = 0
    /// Of the packets since the report before, the part that was lost: 0 to 1.
    public private(set) var fractionLost: Double = 0
    /// The interarrival jitter.
    public private(set) var jitter: Duration = .zero
    /// The latest round trip; nil before the first measurement.
    public private(set) var roundTripTime: Duration?
    /// The sum of all round trips measured.
    public private(set) var totalRoundTripTime: Duration = .zero
    /// How many round trips were measured.
    public private(set) var roundTripTimeMeasurements = 0
    /// The highest sequence number received, with its cycles, of the last report; nil before the first report.
    public private(set) var extendedHighestSequenceNumber: UInt32?
    /// When the last report came; nil before the first.
    public private(set) var lastReport: Instant?

    /// No report has come.
    public init() {}

    mutating func handle(_ block: ReportBlock, clockRate: Int, first: SequenceNumber, at now: Instant) {
        lastReport = now
        packetsLost = block.cumulativeLost
        let expected = Int64(block.extendedHighestSequenceNumber) - Int64(first.rawValue) + 1
        packetsReceived = UInt64(max(expected - Int64(block.cumulativeLost), 0))
        fractionLost = Double(block.fractionLost) / 256
        jitter = .nanoseconds(Int64(block.jitter) * 1_000_000_000 / Int64(clockRate))
        extendedHighestSequenceNumber = block.extendedHighestSequenceNumber
        // RFC 3550 §6.4.1: A − LSR − DLSR, in 1/65536 s modulo 2³².
        guard block.lastSenderReport != 0 else { return }
        let units = NTPTime(now).middle &- block.lastSenderReport &- block.delaySinceLastSenderReport
        let signed = Int32(bitPattern: units)
        // Rounding may make a tiny one negative. A long one answers no report of ours: nothing waits for a minute.
        guard signed > -65, signed < 60 * 65536 else { return }
        let measured = Duration(ntpShort: UInt32(max(signed, 1)))
        roundTripTime = measured
        totalRoundTripTime += measured
        roundTripTimeMeasurements += 1
    }
}
