import Wire

/// The receiving end of one H.264 stream: puts packets in order, waits for what a retransmission may bring, puts access
/// units together, and says when only a key frame helps.
///
/// ```
///  packets ──► reorderer ──► depacketizer ──► access units
///                 │ waits `patience`   │ loss, or no key frame yet
///                 └────────────────────┴──► awaitsKeyFrame
/// ```
public struct AccessUnitAssembler: Sendable {
    /// What has been received; the names and meanings are those of W3C's RTCInboundRtpStreamStats.
    public struct Statistics: Hashable, Sendable {
        /// Whole access units.
        public var framesReceived: UInt32 = 0
        /// Of these, those that a decoder can start at.
        public var keyFramesReceived: UInt32 = 0
        /// Access units dropped: parts of them were lost, or what they refer to was.
        public var framesDropped: UInt32 = 0
        /// Packets that came too late to be of use.
        public var packetsDiscarded: UInt64 = 0
        /// The sum over `jitterBufferEmittedCount` access units of the time from the first packet to the whole.
        public var jitterBufferDelay: Duration = .zero
        /// Access units handed out.
        public var jitterBufferEmittedCount: UInt64 = 0
    }

    /// What has been received.
    public private(set) var statistics = Statistics()

    private var reorderer: PacketReorderer
    private var depacketizer = H264Depacketizer()
    /// When the first packet of the frame under way came.
    private var frameBegan: (timestamp: RTPTimestamp, arrived: Instant)?
    private var ready: [H264Depacketizer.Frame] = []
    private var nextReady = 0

    /// The wait for a packet that is only late, and the longest wait for one that is sent again.
    private static let reordering = Duration.milliseconds(50)
    private static let shortestPatience = Duration.milliseconds(200)
    private static let longestPatience = Duration.milliseconds(500)

    private let isRepaired: Bool

    /// An assembler that awaits a key frame. `isRepaired` says whether what is missing is sent again when asked for.
    public init(isRepaired: Bool) {
        self.isRepaired = isRepaired
        reorderer = PacketReorderer(patience: isRepaired ? Self.shortestPatience : Self.reordering)
    }

    /// The round trip, as soon as it is known: two of them, and the spread of the arrivals, let a second request for a
    /// packet be answered. A short one may have been measured before the path became slow, and to wait costs little beside
    /// a key frame.
    public var roundTripTime: Duration? {
        didSet {
            guard isRepaired, let roundTripTime else { return }
            let patience = max(roundTripTime * 2 + Self.reordering, Self.shortestPatience)
            reorderer.patience = min(patience, Self.longestPatience)
        }
    }

    /// When `timePassed` gives up on a gap; nil while there is none.
    public var deadline: Instant? { reorderer.deadline }

    /// Whether nothing can be decoded until a key frame comes.
    public var awaitsKeyFrame: Bool { depacketizer.awaitsKeyFrame }

    /// Takes a packet with its unwrapped sequence number.
    public mutating func handle(_ packet: RTPPacket, sequence: Int64, at now: Instant) {
        if !reorderer.handle(packet, sequence: sequence, at: now) { statistics.packetsDiscarded += 1 }
        assemble(at: now)
    }

    /// Goes on without what did not come in time.
    public mutating func timePassed(at now: Instant) {
        assemble(at: now)
    }

    /// The stream began anew.
    public mutating func restart() {
        reorderer.restart()
        depacketizer.restart()
    }

    /// The next whole access unit, in the order in which they were sent; drain after every `handle` and `timePassed`.
    public mutating func nextAccessUnit() -> H264Depacketizer.Frame? {
        guard nextReady < ready.count else {
            ready.removeAll(keepingCapacity: true)
            nextReady = 0
            return nil
        }
        defer { nextReady += 1 }
        return ready[nextReady]
    }

    private mutating func assemble(at now: Instant) {
        while let (sequence, packet, arrived) = reorderer.nextPacket(at: now) {
            let timestamp = packet.header.timestamp
            let before = frameBegan
            if frameBegan?.timestamp != timestamp { frameBegan = (timestamp, arrived) }
            depacketizer.handle(packet, sequence: sequence)
            while let output = depacketizer.nextOutput() {
                switch output {
                case .frame(let frame):
                    let began = frame.timestamp == timestamp ? frameBegan : before
                    emit(frame, began: began?.arrived ?? now, at: now)
                case .frameLost, .frameSkipped: statistics.framesDropped += 1
                case .discarded: break
                }
            }
        }
    }

    private mutating func emit(_ frame: H264Depacketizer.Frame, began: Instant, at now: Instant) {
        statistics.framesReceived += 1
        if frame.isKeyFrame { statistics.keyFramesReceived += 1 }
        statistics.jitterBufferDelay += now - began
        statistics.jitterBufferEmittedCount += 1
        ready.append(frame)
    }
}
