public import Wire

/// How much a path carries, as its sender sees it: Google congestion control (draft-ietf-rmcat-gcc-02), as libwebrtc has
/// it today.
///
/// ```
///  packetSent ─► history ─┐
///                         ├─► groups ─► trendline ─► AIMD rate control ─┐
///  transport feedback ────┼─► acknowledged bitrate ─┘                   │
///                         ├─► losses ─► loss-based bound ───────────────┼─► least of all ─► targetBitrate
///                         └─► probe clusters' rates ─► rate control     │
///  REMB ──────────────────────────────────────────────► a bound ────────┤
///  receiver reports (without transport feedback) ─────► draft §6 ───────┘
/// ```
///
/// One for each transport. Call `packetSent` for each packet that bears a transport-wide sequence number, hand in what
/// comes back, call `timePassed` when `deadline` has come, and drain `nextOutput` after each; then let the `Pacer`
/// `follow` it. A peer that sends no transport-wide feedback is estimated by its REMB and its receiver reports.
public struct BandwidthEstimator: Sendable {
    /// The bounds of the rate.
    public let configuration: Configuration
    /// What may be sent in all, headers and retransmissions included, in bit/s.
    public private(set) var targetBitrate: Double
    /// What holds it where it is.
    public private(set) var limitation = Limitation.delay
    /// What the delay says.
    public var usage: BandwidthUsage { throughput.isCollapsing ? .overusing : trendline.usage }
    /// What was taken and what was not.
    public internal(set) var statistics = Statistics()

    /// What is of use to the application at most, in bit/s: more is not probed for, but for some headroom.
    public var demand: Double {
        didSet { demand = min(max(demand, configuration.minimumBitrate), configuration.maximumBitrate) }
    }

    var history = SentPacketHistory()
    var clock = ReceiverTimeline()
    var groups = InterGroupDelays()
    var trendline = TrendlineEstimator()
    var rateControl: AIMDRateControl
    var throughput = AcknowledgedBitrate()
    var lossBound: LossBasedBound
    var reportBound: ReportBasedBound
    var probes = ProbeBitrateEstimator()
    var plan = ProbePlan()
    var applicationLimit = ApplicationLimitDetector()
    var roundTrips = RoundTrips()
    /// By RTCP or ICE, for peers without feedback.
    var reportedRoundTrip: Duration?
    var reportedLoss: Double?
    var receiverEstimate: (bitrate: Double, at: Instant)?
    var lastFeedback: Instant?
    /// When feedback last told of a probe's packets.
    var lastProbeArrival: Instant?
    var feedbackInterval = Duration.milliseconds(100)
    /// Whether no probe has shown its rate yet.
    var isFirstProbe = true
    /// Since when feedback is waited for; nil while none is due.
    var awaitingSince: Instant?
    var lastTimeout: Instant?
    var results: [PacketResult] = []
    private var firstSent: Instant?
    private var lastSent: Instant?
    /// Whether feedback is not waited for any more, for none ever came.
    private var givesUpOnFeedback = false
    private var nextTick: Instant?
    private var outputs: [Output] = []
    private var nextOutputIndex = 0

    /// How often it looks after what no event tells.
    private static let tick = Duration.milliseconds(200)
    /// What sent nothing for so long needs no look.
    private static let idleTime = Duration.seconds(2)
    private static let firstFeedbackTimeout = Duration.seconds(1)
    /// The round trip that is taken for true before one was measured.
    static let initialRoundTrip = Duration.milliseconds(200)
    /// What may wait in the network beyond the round trip: the receiver's jitter buffer bears it, and it is room enough
    /// for the detector to see a queue grow.
    private static let acceptedQueue = Duration.milliseconds(150)
    /// What may wait without being drained: less than this the detector must see to notice anything.
    private static let bearableQueue = Duration.milliseconds(50)
    /// The time in which to drain what is more, and the part of the rate that is left for that.
    private static let drainTime = Duration.seconds(1)
    private static let leastDrainFactor = 0.5
    private static let leastWindow = 6 * 1200
    /// Transport-wide feedback comes many times a second; when it stayed out for so long, REMB counts again.
    private static let feedbackLapse = Duration.seconds(5)

    /// An estimator of a path of which nothing is known.
    public init(configuration: Configuration = Configuration()) {
        precondition(
            0 < configuration.minimumBitrate && configuration.minimumBitrate <= configuration.startBitrate
                && configuration.startBitrate <= configuration.maximumBitrate && configuration.maximumBitrate < 1e12,
            "bitrates are positive and in order")
        self.configuration = configuration
        targetBitrate = configuration.startBitrate
        demand = configuration.maximumBitrate
        rateControl = AIMDRateControl(bitrate: configuration.startBitrate)
        lossBound = LossBasedBound(bitrate: configuration.startBitrate)
        reportBound = ReportBasedBound(bitrate: configuration.startBitrate)
    }

    // MARK: What is known

    /// Whether anything was heard of the path: before, the target is a guess.
    public var isInformed: Bool { statistics.feedbackMessages > 0 || receiverEstimate != nil || reportedLoss != nil }

    /// The part of the packets of the last seconds that was lost, 0 to 1; nil before anything is known.
    public var lossFraction: Double? {
        statistics.feedbackMessages > 0 ? lossBound.averageLoss : reportedLoss
    }

    /// The smoothed round trip, with what waits in queues and without what the receiver waits to send feedback; nil
    /// before the first.
    public var roundTripTime: Duration? { roundTrips.smoothed ?? reportedRoundTrip }

    /// The least round trip of the last 5 to 10 s; nil before the first.
    public var minimumRoundTripTime: Duration? { roundTrips.minimum ?? reportedRoundTrip }

    /// Whether the application sends much less than it may.
    public var isApplicationLimited: Bool { applicationLimit.limitedSince != nil }

    /// Bytes that were sent and not spoken of since.
    public var bytesInFlight: Int { history.bytesInFlight }

    /// The bytes that may be in flight: what the target rate fills the round trip, the time to the next feedback and an
    /// acceptable queue with. When a link breaks down, this stops what no rate can take back. libwebrtc's congestion
    /// window.
    public var congestionWindow: Int {
        guard let minimum = roundTrips.minimum else {
            return lastFeedback == nil && !givesUpOnFeedback ? configuration.initialWindow ?? .max : .max
        }
        let time = minimum + feedbackInterval + Self.acceptedQueue
        return max(Int(targetBitrate / 8 * time.inSeconds), Self.leastWindow)
    }

    /// Whether more is in flight than should be: video is to wait.
    public var isCongested: Bool { bytesInFlight > congestionWindow }

    /// When to call `timePassed`; nil while nothing is sent.
    public var deadline: Instant? { nextTick }

    // MARK: What happens

    /// Notes that a packet left, at the very moment. `number` is its transport-wide sequence number, `size` its bytes on
    /// the wire, `cluster` what the pacer said that it belongs to. Numbers must rise; some may be left out.
    public mutating func packetSent(number: UInt16, size: Int, cluster: ProbeCluster.ID? = nil, at now: Instant) {
        if firstSent == nil {
            firstSent = now
            // the first packet belongs to no cluster that it asks for; it left before
            let clusters = plan.start(
                at: targetBitrate, ceiling: ceiling, firstProbe: configuration.firstProbeBitrate, at: now)
            for cluster in clusters { ask(for: cluster) }
        }
        lastSent = now
        history.append(number, size: size, cluster: cluster, at: now)
        if cluster == nil { applicationLimit.packetSent(size, target: targetBitrate, at: now) }
        awaitingSince = awaitingSince ?? now
        nextTick = nextTick ?? Self.tick(after: now)
    }

    /// Does what is due.
    public mutating func timePassed(at now: Instant) {
        guard let tick = nextTick, tick <= now else { return }
        if lastFeedback == nil, let firstSent, now - firstSent >= Self.firstFeedbackTimeout { givesUpOnFeedback = true }
        let isIdle = lastSent.map { now - $0 > Self.idleTime } ?? true
        nextTick = isIdle ? nil : Self.tick(after: now)
        if isIdle { awaitingSince = nil }
        checkForTimeout(at: now)
        probeIfDue(at: now)
        update(at: now)
    }

    /// The ticks of all estimators fall together, so that a program of many wakes for all of them at once.
    private static func tick(after now: Instant) -> Instant {
        let (period, time) = (tick.nanoseconds, now.nanoseconds)
        return now + .nanoseconds(period - (time % period + period) % period)
    }

    /// Whether there is something to do or to know: a stored property, which can be read without copying the rest.
    public private(set) var hasOutput = false

    /// The next thing to do or to know; nil when there is no more for now.
    public mutating func nextOutput() -> Output? {
        guard nextOutputIndex < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            nextOutputIndex = 0
            hasOutput = false
            return nil
        }
        defer { nextOutputIndex += 1 }
        return outputs[nextOutputIndex]
    }

    // MARK: Together

    /// More is not tried, in bit/s.
    var ceiling: Double { min(configuration.maximumBitrate, 2 * demand) }

    var situation: ProbePlan.Situation {
        ProbePlan.Situation(
            target: targetBitrate, demand: demand, ceiling: ceiling, isApplicationLimited: isApplicationLimited,
            isQuiet: usage == .normal && rateControl.state != .decrease && hearsFeedback
                && !isCongested && throughput.bitrate != nil && lossBound.isBearable)
    }

    private var hearsFeedback: Bool { lastTimeout == nil }

    mutating func probeIfDue(at now: Instant) {
        if let cluster = plan.timePassed(situation, at: now) { ask(for: cluster) }
    }

    mutating func ask(for cluster: ProbeCluster) {
        statistics.probesSent += 1
        probes.expect(cluster)
        emit(.probe(cluster))
    }

    mutating func emit(_ output: Output) {
        outputs.append(output)
        hasOutput = true
    }

    /// A queue that stands shows no slope, so that the detector never drains it: the part of the rate that does.
    private var drainFactor: Double {
        let excess = max(roundTrips.queueing - Self.bearableQueue, .zero)
        return max(1 - excess.inSeconds / Self.drainTime.inSeconds, Self.leastDrainFactor)
    }

    /// Takes the least of all bounds.
    mutating func update(at now: Instant) {
        let hasFeedback = lastFeedback.map { now - $0 < Self.feedbackLapse } ?? false
        var (bitrate, limitation) = (configuration.maximumBitrate, Limitation.configuration)
        func bound(_ bound: Double?, _ reason: Limitation) {
            if let bound, bound < bitrate { (bitrate, limitation) = (bound, reason) }
        }
        if statistics.feedbackMessages > 0 {
            bound(rateControl.bitrate * drainFactor, .delay)
            bound(lossBound.bitrate, .loss)
        } else {
            bound(reportBound.bitrate, .loss)
        }
        if !hasFeedback { bound(receiverEstimate?.bitrate, .receiver) }
        if bitrate < configuration.minimumBitrate {
            (bitrate, limitation) = (configuration.minimumBitrate, .configuration)
        }
        self.limitation = limitation
        plan.follow(bitrate / drainFactor, at: now)
        guard bitrate != targetBitrate else { return }
        targetBitrate = bitrate
        emit(.targetBitrateChanged(bitrate))
    }
}
