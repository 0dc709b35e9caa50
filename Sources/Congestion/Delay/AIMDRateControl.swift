import Wire

/// The rate that the delay allows: additive or multiplicative increase, multiplicative decrease
/// (draft-ietf-rmcat-gcc-02 §5.5).
///
/// ```
///               overusing      normal      underusing
///   Hold        Decrease       Increase    Hold
///   Increase    Decrease       Increase    Hold
///   Decrease    Decrease       Hold        Hold
/// ```
struct AIMDRateControl: Sendable {
    enum State: Hashable, Sendable { case hold, increase, decrease }

    /// draft §5.5, eta: 8 % a second
    private static let increaseFactor = 1.08
    /// draft §5.5, beta. There it is 0.85, of a rate measured in half a second in which the link was full. Here the rate is
    /// that of the moment when the queue began to grow, some 8 % less than the link carries: 0.95 of that is what drains the
    /// queue, and less would leave a seventh of the link unused half of the time. A longer queue is drained by the estimator.
    private static let decreaseFactor = 0.95
    /// … and of what arrives while the queue grows, which is what the link carries. An encoder that made little for a while
    /// and then a large picture shows a link that is slow over a second, and is not.
    private static let fullFactor = 0.85
    /// draft §5.5: "A_hat(i) < 1.5 * R_hat(i)"; more was never tried.
    private static let throughputFactor = 1.5
    private static let throughputMargin = 10_000.0
    /// draft §5.5: what the detector needs beyond the round trip.
    private static let responseTime = Duration.milliseconds(100)
    private static let decreaseIntervals = Duration.milliseconds(10)...Duration.milliseconds(200)
    private static let leastIncrease = 4000.0

    private(set) var state = State.hold
    /// bit/s
    private(set) var bitrate: Double
    private(set) var capacity = LinkCapacity()
    private var lastChange: Instant?
    private var lastDecrease: Instant?

    init(bitrate: Double) {
        self.bitrate = bitrate
    }

    /// Takes the detector's word. `acknowledged` is what arrives, in bit/s, nil where that is not known yet; `carried` what
    /// the link carries if its queue grows, and `full` what it did in the last moment, where its queue grew.
    mutating func update(
        _ usage: BandwidthUsage, acknowledged: Double?, carried: Double?, full: Double?, roundTripTime: Duration,
        at now: Instant
    ) {
        switch (usage, state) {
        case (.overusing, _): state = .decrease
        case (.underusing, _), (.normal, .decrease): state = .hold
        case (.normal, _): state = .increase
        }
        switch state {
        case .hold: lastChange = now
        case .increase: increase(acknowledged, roundTripTime, at: now)
        case .decrease: decrease(carried, full, roundTripTime, at: now)
        }
    }

    /// Takes a rate that was measured, or given up.
    mutating func set(_ bitrate: Double, at now: Instant) {
        self.bitrate = bitrate
        lastChange = now
    }

    /// Takes the outcome of a probe.
    mutating func probed(_ probed: Double, at now: Instant) {
        // the link is not what it was
        if let bounds = capacity.bounds, probed > bounds.upperBound { capacity.forget() }
        if capacity.estimate != nil { capacity.probed(probed) }
        set(probed, at: now)
    }

    private mutating func increase(_ acknowledged: Double?, _ roundTripTime: Duration, at now: Instant) {
        defer { lastChange = now }
        guard let acknowledged, let lastChange else { return }
        if let bounds = capacity.bounds, acknowledged > bounds.upperBound { capacity.forget() }
        let elapsed = min((now - lastChange).inSeconds, 1)
        guard elapsed > 0 else { return }
        let increased: Double
        if capacity.estimate != nil {
            // draft §5.5: "at most half a packet per response_time interval"; libwebrtc takes a whole one of the frame's
            let frame = bitrate / 30
            let packet = frame / max((frame / (8 * 1200)).rounded(.up), 1)
            let perSecond = packet / (roundTripTime + Self.responseTime).inSeconds
            increased = bitrate + max(perSecond, Self.leastIncrease) * elapsed
        } else {
            increased = bitrate * Self.power(Self.increaseFactor, elapsed)
        }
        bitrate = max(bitrate, min(increased, Self.throughputFactor * acknowledged + Self.throughputMargin))
    }

    private mutating func decrease(_ carried: Double?, _ full: Double?, _ roundTripTime: Duration, at now: Instant) {
        guard let measured = carried else {
            // nothing was measured yet: what was begun with is too much
            guard mayDecrease(roundTripTime, at: now) else { return }
            lastDecrease = now
            return set(bitrate / 2, at: now)
        }
        guard mayDecrease(roundTripTime, at: now) || measured < bitrate / 2 else { return }
        var decreased = max(Self.decreaseFactor * measured, Self.fullFactor * (full ?? 0))
        if decreased > bitrate, let estimate = capacity.estimate { decreased = Self.decreaseFactor * estimate }
        if let bounds = capacity.bounds, measured < bounds.lowerBound { capacity.forget() }
        capacity.overuseDetected(acknowledged: measured)
        lastDecrease = now
        set(min(bitrate, decreased), at: now)
    }

    /// Once in a round trip: what is measured before is an effect of the rate before.
    private func mayDecrease(_ roundTripTime: Duration, at now: Instant) -> Bool {
        guard let lastDecrease else { return true }
        let interval = min(
            max(roundTripTime, Self.decreaseIntervals.lowerBound), Self.decreaseIntervals.upperBound)
        return now - lastDecrease >= interval
    }

    /// `base` to the power of an exponent between 0 and 1, by four terms of its binomial series (exact to 10⁻⁶ for bases
    /// near 1).
    private static func power(_ base: Double, _ exponent: Double) -> Double {
        let x = base - 1
        let second = exponent * (exponent - 1) / 2
        let third = second * (exponent - 2) / 3
        return 1 + exponent * x + second * x * x + third * x * x * x
    }
}
