import Wire

/// What to play next.
public enum Playout: Hashable, Sendable {
    /// Decode this packet: `samples` samples.
    case packet([UInt8], samples: Int)
    /// The delay has grown too long: decode both packets in order, each `samples` long, and play one fading into the
    /// other, `samples` in all.
    case merged([UInt8], [UInt8], samples: Int)
    /// Nothing has come for the next `samples` samples: decode them from the in-band forward error correction of `fec`,
    /// the packet after the gap (which comes again as `packet`), else have the decoder conceal them.
    case lost(fec: [UInt8]?, samples: Int)
    /// Nobody speaks, or nothing has come yet: play `samples` samples of silence.
    case silence(samples: Int)

    /// How many samples at 48 kHz this plays.
    public var samples: Int {
        switch self {
        case .packet(_, let samples), .merged(_, _, let samples), .lost(_, let samples), .silence(let samples): samples
        }
    }
}

/// Puts one talker's Opus packets back into the rhythm they were spoken in.
///
/// Pull model: the player calls `next(at:)` whenever it has fewer than 20 ms of decoded sound left: once a block with
/// packets of 20 ms, twice with 10 ms, every third block with 60 ms. The device's clock thereby sets the pace, and the
/// buffer sees its drift against the talker's as a delay that creeps, and corrects it like any other.
///
/// ```
///            a packet has waited for the target delay
///  buffering ────────────────────────────────────────► playing ──┐ packet, gap, short underrun: concealed
///      ▲                                                 │ ▲     │
///      └── nothing came for 100 ms, or the talker paused ┘ └─────┘
/// ```
///
/// The delay wanted is what 98 % of the packets stay below. The delay had is measured against the quickest packets;
/// where it is too long two packets are merged (in quiet moments sooner), where it is too short a block is concealed in
/// between. An empty buffer does not move the playhead: a late packet is played late, not lost.
public struct JitterBuffer: Sendable {
    /// Bounds of the delay and of the memory.
    public struct Configuration: Hashable, Sendable {
        /// The least delay aimed at.
        public var minimumDelay = Duration.milliseconds(20)
        /// The greatest delay aimed at.
        public var maximumDelay = Duration.milliseconds(200)
        /// The delay aimed at until enough packets came to know better.
        public var initialDelay = Duration.milliseconds(60)
        /// Packets held at most: 2.5 s of 20 ms.
        public var capacity = 128

        /// The defaults, to be changed by assignment.
        public init() {}
    }

    /// What became of a packet that was pushed.
    public enum PushOutcome: Hashable, Sendable {
        /// It will be played.
        case queued
        /// It will not.
        case discarded(DiscardReason)
    }

    /// Why a packet is not played.
    public enum DiscardReason: Hashable, Sendable {
        /// It is no Opus packet.
        case malformed
        /// What it holds has been played or concealed.
        case late
        /// It came before.
        case duplicate
        /// Its timestamp contradicts its sequence number.
        case inconsistent
        /// It lies far from all before it; a second one like it restarts the stream.
        case unproven
    }

    /// Counts since the start; the names are those of W3C's RTCInboundRtpStreamStats where it has them.
    public struct Statistics: Hashable, Sendable {
        /// Packets pushed.
        public var packetsReceived = 0
        /// Packets that came after their time.
        public var packetsLate = 0
        /// Packets not played: late ones, and those dropped because the delay had grown beyond all use.
        public var packetsDiscarded = 0
        /// Packets that came more than once.
        public var packetsDuplicated = 0
        /// Samples handed out.
        public var emittedSamples = 0
        /// Of these, samples of which nothing had come; insertions count here too.
        public var concealedSamples = 0
        /// Of the concealed, those for which the next packet may hold a copy.
        public var samplesOfferedForCorrection = 0
        /// Runs of concealed samples.
        public var concealmentEvents = 0
        /// Concealed samples inserted to lengthen the delay.
        public var insertedSamplesForDeceleration = 0
        /// Samples left out to shorten the delay.
        public var removedSamplesForAcceleration = 0
        /// How often the stream began anew.
        public var restarts = 0
        /// The sum over all packets' samples of the time they were held: divided by `playedSamples`, the mean.
        public var totalDelay = Duration.zero
        /// Samples of packets handed out.
        public var playedSamples = 0
        /// The delay aimed at now.
        public var targetDelay = Duration.zero
        /// The delay had now: from the quickest packet's arrival to its playing.
        public var currentDelay = Duration.zero
        /// How much sound is buffered now.
        public var bufferedDuration = Duration.zero
    }

    struct Packet: Sendable {
        let sequence: Int64
        let timestamp: Int64
        let samples: Int64
        let payload: [UInt8]
        let isQuiet: Bool
        let arrived: Instant

        var end: Int64 { timestamp + samples }
    }

    enum Mode {
        /// Packets collect until the first has waited long enough.
        case buffering
        /// `held` samples were concealed while nothing had come, without moving the playhead.
        case playing(held: Int64)
    }

    let minimumDelay: Int64
    let maximumDelay: Int64
    let initialDelay: Int64
    let capacity: Int
    /// By rising sequence number and timestamp, all at or after the playhead.
    var packets: [Packet] = []
    var mode = Mode.buffering
    /// The timestamp of the next sample to play; nil before the first.
    var playhead: Int64?
    /// The last packet handed out.
    var lastPlayed: (sequence: Int64, samples: Int64)?
    var delays = ArrivalDelays()
    var pulls = PullWindow()
    /// Pulls since the delay was last corrected.
    var sinceCorrection = 0
    var isConcealing = false
    var counts = Statistics()

    private var sequences = Unwrapper<UInt16>()
    private var timestamps = Unwrapper<UInt32>()
    private var lastArrival: Instant?
    private var suspect: SequenceNumber?
    private var lateInRow = 0

    /// The length of a block of silence or inserted concealment: 20 ms.
    static let block: Int64 = 960
    /// A jump beyond these is no loss or reordering but another stream (RFC 3550 A.1).
    private static let maximumDropout = 3000
    private static let maximumMisorder = -100
    /// A timestamp that runs ahead of real time by 2 s, or lags by 10 s, belongs to another clock.
    private static let plausibleDelay: ClosedRange<Int64> = -96_000...480_000
    /// So many late packets without one in time: our idea of the time is wrong, not theirs.
    private static let maximumLateInRow = 25
    /// After so long a pause old delays say nothing: the clocks have drifted, or the sender's stood still.
    private static let memory = Duration.seconds(1)

    /// An empty buffer.
    public init(configuration: Configuration = Configuration()) {
        precondition(configuration.capacity >= 8, "a jitter buffer holds several packets")
        precondition(configuration.minimumDelay <= configuration.maximumDelay, "the least delay is not the longer one")
        minimumDelay = configuration.minimumDelay.samples
        maximumDelay = configuration.maximumDelay.samples
        initialDelay = configuration.initialDelay.samples
        capacity = configuration.capacity
    }

    /// Takes the payload of one RTP packet. `level` (RFC 6464), where the packet has it, tells quiet moments.
    @discardableResult
    public mutating func push(
        _ payload: ArraySlice<UInt8>, sequence: SequenceNumber, timestamp: RTPTimestamp, level: AudioLevel? = nil,
        at now: Instant
    ) -> PushOutcome {
        counts.packetsReceived += 1
        guard let samples = OpusPacket.sampleCount(payload) else { return .discarded(.malformed) }
        if let lastArrival, now - lastArrival >= Self.memory { delays = ArrivalDelays() }
        if !isPlausible(sequence, timestamp, at: now) {
            guard suspect == sequence else {
                suspect = sequence + 1
                return .discarded(.unproven)
            }
            restart()
        }
        suspect = nil
        lastArrival = now
        let packet = Packet(
            sequence: unwrap(sequence), timestamp: unwrap(timestamp), samples: Int64(samples), payload: Array(payload),
            isQuiet: OpusPacket.isDiscontinuous(payload) || (level?.decibelsBelowOverload ?? 0) >= 60, arrived: now)

        let index = packets.lastIndex { $0.sequence <= packet.sequence }.map { $0 + 1 } ?? 0
        if (index > 0 && packets[index - 1].sequence == packet.sequence) || packet.sequence == lastPlayed?.sequence {
            counts.packetsDuplicated += 1
            return .discarded(.duplicate)
        }
        delays.insert(now.samples - packet.timestamp, duration: packet.samples)
        if let playhead, packet.timestamp < playhead { return discardLate(packet) }
        guard index == 0 || packets[index - 1].timestamp < packet.timestamp,
            index == packets.count || packet.timestamp < packets[index].timestamp
        else {
            counts.packetsDiscarded += 1
            return .discarded(.inconsistent)
        }
        lateInRow = 0
        packets.insert(packet, at: index)
        if packets.count > capacity { dropFirst() }
        return .queued
    }

    /// Forgets the stream: the next packet begins another (a new SSRC).
    public mutating func restart() {
        if lastArrival != nil { counts.restarts += 1 }
        counts.packetsDiscarded += packets.count
        packets.removeAll(keepingCapacity: true)
        mode = .buffering
        playhead = nil
        lastPlayed = nil
        delays = ArrivalDelays()
        pulls = PullWindow()
        sequences = Unwrapper()
        timestamps = Unwrapper()
        lastArrival = nil
        suspect = nil
        lateInRow = 0
    }

    /// What has happened so far.
    public var statistics: Statistics {
        var statistics = counts
        statistics.targetDelay = Duration(samples: target)
        statistics.currentDelay = Duration(samples: currentDelay ?? 0)
        statistics.bufferedDuration = Duration(samples: buffered)
        return statistics
    }

    /// The delay wanted, in samples.
    var target: Int64 {
        // 5 ms over the measured lateness, for the pulls' own unsteadiness.
        let wanted = delays.lateness.map { $0 + 240 } ?? initialDelay
        return min(max(wanted, minimumDelay), maximumDelay)
    }

    /// The delay had, in samples: the least over the last half second, which decides what comes too late; nil unless
    /// playing.
    var currentDelay: Int64? { pulls.least.map { $0 - delays.base } }

    /// From the playhead, or the first packet, to the end of the last.
    var buffered: Int64 {
        guard let first = packets.first, let last = packets.last else { return 0 }
        if case .playing = mode, let playhead { return last.end - playhead }
        return last.end - first.timestamp
    }

    /// Removes the first packet unplayed.
    mutating func dropFirst() {
        let first = packets.removeFirst()
        counts.packetsDiscarded += 1
        guard case .playing = mode, let playhead else { return }
        movePlayhead(by: first.end - playhead)
    }

    /// Moves the playhead without anything being played.
    mutating func movePlayhead(by samples: Int64) {
        guard let playhead else { return }
        self.playhead = playhead + samples
        pulls.shift(by: -samples)
        counts.removedSamplesForAcceleration += Int(samples)
    }

    private mutating func discardLate(_ packet: Packet) -> PushOutcome {
        counts.packetsDiscarded += 1
        counts.packetsLate += 1
        lateInRow += 1
        if lateInRow >= Self.maximumLateInRow { restart() }
        return .discarded(.late)
    }

    private func isPlausible(_ sequence: SequenceNumber, _ timestamp: RTPTimestamp, at now: Instant) -> Bool {
        guard let last = sequences.last else { return true }
        let distance = SequenceNumber(truncating: last).distance(to: sequence)
        guard (Self.maximumMisorder...Self.maximumDropout).contains(distance) else { return false }
        let delay = now.samples - timestamps.peek(timestamp.rawValue)
        return delays.isEmpty || Self.plausibleDelay.contains(delay - delays.base)
    }

    /// Unwraps next to the highest number seen, which a late packet must not pull back.
    private mutating func unwrap(_ number: SequenceNumber) -> Int64 {
        let value = sequences.peek(number.rawValue)
        return value > sequences.last ?? .min ? sequences.unwrap(number.rawValue) : value
    }

    private mutating func unwrap(_ timestamp: RTPTimestamp) -> Int64 {
        let value = timestamps.peek(timestamp.rawValue)
        return value > timestamps.last ?? .min ? timestamps.unwrap(timestamp.rawValue) : value
    }
}

extension Instant {
    /// The samples of 48 kHz since the epoch.
    var samples: Int64 {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: 125_000)
        return quotient * 6 + rest * 6 / 125_000
    }
}

extension Duration {
    /// The duration of `samples` at 48 kHz.
    init(samples: Int64) {
        self = .nanoseconds(samples * 125_000 / 6)
    }

    /// The samples of 48 kHz in this duration.
    var samples: Int64 { (Instant.zero + self).samples }
}
