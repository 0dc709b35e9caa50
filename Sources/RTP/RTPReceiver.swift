import Wire

/// One stream that arrives: validates its sequence numbers, tells duplicates, and keeps the accounts of its reports
/// (RFC 3550 appendix A).
public struct RTPReceiver: Sendable {
    /// What a packet is to the stream.
    public enum Arrival: Hashable, Sendable {
        /// It is new; its sequence number, unwrapped.
        case accepted(sequence: Int64)
        /// The stream began anew at this packet: what was known of sequence and timestamps is void.
        case restarted(sequence: Int64)
        /// It came before, or is too old to tell.
        case duplicate
        /// It waits for more of its like (A.1: probation, or a great jump that may be a stray packet).
        case unproven
    }

    /// What has been received; the names and meanings are those of W3C's RTCInboundRtpStreamStats.
    public struct Statistics: Hashable, Sendable {
        /// Packets accepted, retransmissions included.
        public var packetsReceived: UInt64 = 0
        /// Payload bytes accepted.
        public var bytesReceived: UInt64 = 0
        /// Header, extension and padding bytes of the packets accepted.
        public var headerBytesReceived: UInt64 = 0
        /// Packets that came over the retransmission stream.
        public var retransmittedPacketsReceived: UInt64 = 0
        /// Payload bytes that came over the retransmission stream.
        public var retransmittedBytesReceived: UInt64 = 0
        /// Packets that came twice or were too old to tell.
        public var packetsDuplicated: UInt64 = 0
        /// Packets expected less packets received; may be negative with duplicates (RFC 3550 A.3).
        public var packetsLost: Int64 = 0
        /// Interarrival jitter.
        public var jitter: Duration = .zero
        /// When the last packet was accepted.
        public var lastPacketReceived: Instant?
    }

    /// The stream's source.
    public let ssrc: SSRC
    /// Ticks of its timestamps in a second.
    public let clockRate: Int
    /// The last sender report and when it came, from which lip sync follows.
    public private(set) var lastSenderReport: (report: SenderReport, received: Instant)?
    /// Sender reports that came.
    public private(set) var senderReportsReceived: UInt64 = 0

    // A.1's limits: a jump forward below the one is loss, backwards below the other reordering.
    private static let maximumDropout = 3000
    private static let maximumMisorder = 100

    private let probation: Int
    private var provenInRow = 0
    /// Unwrapped from 2¹⁶ on, so that packets before the first are not negative.
    private var base: Int64?
    private var highest: Int64 = 0
    private var recent = RecentSet()
    private var received: Int64 = 0
    private var suspect: SequenceNumber?
    private var expectedAtLastReport: Int64 = 0
    private var receivedAtLastReport: Int64 = 0
    private var jitter = InterarrivalJitter()
    private var accounts = Statistics()

    /// A stream of which nothing has come. `probation` is how many packets in sequence it takes to be believed (A.1's
    /// MIN_SEQUENTIAL): 0 under SRTP, whose authentication proves more.
    public init(ssrc: SSRC, clockRate: Int, probation: Int = 0) {
        precondition(clockRate > 0, "a clock ticks")
        self.ssrc = ssrc
        self.clockRate = clockRate
        self.probation = probation
    }

    /// What has been received so far.
    public var statistics: Statistics {
        var statistics = accounts
        statistics.packetsLost = base == nil ? 0 : expected - received
        statistics.jitter = .nanoseconds(Int64(jitter.ticks) * 1_000_000_000 / Int64(clockRate))
        return statistics
    }

    private var expected: Int64 { base.map { highest - $0 + 1 } ?? 0 }

    /// Takes one packet; `isRetransmission` as below.
    public mutating func handle(_ packet: RTPPacket, isRetransmission: Bool = false, at now: Instant) -> Arrival {
        let before = accounts.packetsReceived
        defer {
            if accounts.packetsReceived != before { accounts.headerBytesReceived += UInt64(packet.headerBytes) }
        }
        return handle(
            packet.header, payloadBytes: packet.payload.count, isRetransmission: isRetransmission, at: now)
    }

    /// Takes one packet's header. `isRetransmission` for one unwrapped from the retransmission stream: it fills its
    /// place but says nothing of loss and jitter (RFC 4588 §6.3: those are the original stream's).
    public mutating func handle(
        _ header: RTPHeader, payloadBytes: Int, isRetransmission: Bool = false, at now: Instant
    ) -> Arrival {
        guard let base else {
            guard !isRetransmission, prove(header.sequenceNumber) else { return .unproven }
            start(at: header.sequenceNumber)
            return accept(highest, header, payloadBytes, false, now, as: Arrival.accepted)
        }
        let distance = SequenceNumber(truncating: highest).distance(to: header.sequenceNumber)
        let sequence = highest + Int64(distance)
        if distance >= Self.maximumDropout || distance < -Self.maximumMisorder {
            if isRetransmission { return countDuplicate() }
            // A.1: two packets in sequence make it a restart.
            guard suspect == header.sequenceNumber else {
                suspect = header.sequenceNumber + 1
                return .unproven
            }
            start(at: header.sequenceNumber)
            jitter = InterarrivalJitter()
            return accept(highest, header, payloadBytes, false, now, as: Arrival.restarted)
        }
        suspect = nil
        guard sequence >= 0, recent.insert(sequence) else { return countDuplicate() }
        highest = max(highest, sequence)
        // A packet that was reordered before the first.
        if sequence < base { self.base = sequence }
        return accept(sequence, header, payloadBytes, isRetransmission, now, as: Arrival.accepted)
    }

    /// Takes the sender's report on this stream; another's is ignored.
    public mutating func handle(_ report: SenderReport, at now: Instant) {
        guard report.ssrc == ssrc else { return }
        lastSenderReport = (report, now)
        senderReportsReceived += 1
    }

    /// The block to report now, which starts the next interval; nil before the first packet.
    public mutating func reportBlock(at now: Instant) -> ReportBlock? {
        guard base != nil else { return nil }
        // A.3
        let expectedInterval = expected - expectedAtLastReport
        let lostInterval = expectedInterval - (received - receivedAtLastReport)
        expectedAtLastReport = expected
        receivedAtLastReport = received
        let fraction = expectedInterval > 0 && lostInterval > 0 ? min(255, lostInterval * 256 / expectedInterval) : 0
        return ReportBlock(
            ssrc: ssrc, fractionLost: UInt8(fraction), cumulativeLost: Int32(clamping: expected - received),
            extendedHighestSequenceNumber: UInt32(truncatingIfNeeded: highest),
            jitter: jitter.ticks, lastSenderReport: lastSenderReport?.report.ntpTime.middle ?? 0,
            delaySinceLastSenderReport: lastSenderReport.map { (now - $0.received).ntpShort } ?? 0)
    }

    /// Whether `number` ends the probation.
    private mutating func prove(_ number: SequenceNumber) -> Bool {
        guard probation > 1 else { return true }
        provenInRow = suspect == number ? provenInRow + 1 : 1
        suspect = number + 1
        return provenInRow >= probation
    }

    private mutating func start(at number: SequenceNumber) {
        highest = Int64(number.rawValue)
        base = highest
        suspect = nil
        recent = RecentSet()
        _ = recent.insert(highest)
        received = 0
        expectedAtLastReport = 0
        receivedAtLastReport = 0
    }

    private mutating func accept(
        _ sequence: Int64, _ header: RTPHeader, _ payloadBytes: Int, _ isRetransmission: Bool, _ now: Instant,
        as arrival: (Int64) -> Arrival
    ) -> Arrival {
        accounts.packetsReceived += 1
        accounts.bytesReceived += UInt64(payloadBytes)
        accounts.lastPacketReceived = now
        if isRetransmission {
            accounts.retransmittedPacketsReceived += 1
            accounts.retransmittedBytesReceived += UInt64(payloadBytes)
        } else {
            received += 1
            jitter.handle(timestamp: header.timestamp, arrival: RTPTimestamp(now, clockRate: clockRate))
        }
        return arrival(sequence)
    }

    private mutating func countDuplicate() -> Arrival {
        accounts.packetsDuplicated += 1
        return .duplicate
    }
}

/// The mean deviation of the spacing between packets at the receiver from that at the sender (RFC 3550 §6.4.1, A.8).
struct InterarrivalJitter: Sendable {
    /// 16 times the jitter, so that whole numbers do.
    private var scaled: Int64 = 0
    private var transit: UInt32?
    private var last: RTPTimestamp?

    /// The jitter in the stream's clock.
    var ticks: UInt32 { UInt32(clamping: scaled >> 4) }

    mutating func handle(timestamp: RTPTimestamp, arrival: RTPTimestamp) {
        // Packets of one frame share a timestamp but are paced: the first of them stands for it (RFC 3550 §6.4.1).
        guard timestamp != last else { return }
        last = timestamp
        let now = arrival.rawValue &- timestamp.rawValue
        defer { transit = now }
        guard let transit else { return }
        let deviation = abs(Int64(Int32(bitPattern: now &- transit)))
        scaled += deviation - ((scaled + 8) >> 4)
    }
}

/// Which of the last 1024 sequence numbers came.
struct RecentSet: Sendable {
    private static let words = 16
    private var bits = [UInt64](repeating: 0, count: words)
    private var highest: Int64?

    /// Notes `sequence` (not negative); false when it was noted before or lies too far back to tell.
    mutating func insert(_ sequence: Int64) -> Bool {
        let size = Int64(Self.words * 64)
        if let highest {
            guard sequence > highest - size else { return false }
            if sequence - highest >= size {
                for index in bits.indices { bits[index] = 0 }
            } else if sequence > highest {
                for skipped in (highest + 1)...sequence { clear(skipped) }
            }
        }
        highest = max(highest ?? sequence, sequence)
        let word = Int(sequence / 64) % Self.words
        let bit = UInt64(1) << UInt64(sequence % 64)
        guard bits[word] & bit == 0 else { return false }
        bits[word] |= bit
        return true
    }

    private mutating func clear(_ sequence: Int64) {
        bits[Int(sequence / 64) % Self.words] &= ~(UInt64(1) << UInt64(sequence % 64))
    }
}

/// Retransmission packets (RFC 4588 §4).
public enum RetransmissionPayload {
    /// The packet of the stream `ssrc` that the retransmission `packet` carries; nil where it carries none (padding
    /// that probes for bandwidth).
    public static func unwrap(_ packet: RTPPacket, ssrc: SSRC, payloadType: PayloadType) -> RTPPacket? {
        var reader = ByteReader(packet.payload)
        guard let original = try? reader.uint16() else { return nil }
        var header = packet.header
        header.ssrc = ssrc
        header.payloadType = payloadType
        header.sequenceNumber = SequenceNumber(original)
        return RTPPacket(header: header, payload: reader.rest(), headerBytes: packet.headerBytes + 2)
    }
}
