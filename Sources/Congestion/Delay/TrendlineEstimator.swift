import Wire

/// What the delay says of the path (draft-ietf-rmcat-gcc-02 §5.4).
public enum BandwidthUsage: Hashable, Sendable {
    /// The queue does not change.
    case normal
    /// The queue grows: more is sent than the path carries.
    case overusing
    /// The queue drains.
    case underusing
}

/// Whether queues grow: the slope of the one-way delay over the last groups, against a threshold that adapts.
///
/// libwebrtc's filter in place of the draft's Kalman filter (§5.3); the threshold and its adaptation are the draft's
/// (§5.4), and so is what it takes to signal over-use.
struct TrendlineEstimator: Sendable {
    private static let window = 20
    private static let smoothing = 0.9
    /// Scales the slope to the range of the threshold.
    private static let gain = 4.0
    /// The slope counts fully only after so many groups.
    private static let maximumDeltas = 60
    /// draft §5.4, overuse_time_th
    private static let overuseTime = Duration.milliseconds(10)
    /// draft §5.4: "K_u = 0.01, K_d = 0.00018" were measured anew for this filter.
    private static let thresholdGain = (up: 0.0087, down: 0.039)
    /// draft §5.4, del_var_th's range
    private static let thresholds = 6.0...600.0
    /// draft §5.4: no update "if |m(i)| − del_var_th(i) > 15", for a spike says nothing of the noise.
    private static let maximumExcess = 15.0
    private static let maximumThresholdStep = Duration.milliseconds(100)

    /// The delays of the last groups, oldest first from `next` on: arrival time and smoothed delay, both in ms.
    private var samples: [(time: Double, delay: Double)] = []
    private var next = 0
    private var deltas = 0
    private var firstArrival: Duration?
    private var accumulatedDelay = 0.0
    private var smoothedDelay = 0.0
    private var trend = 0.0
    private var threshold = 12.5
    private var lastThresholdUpdate: Duration?
    private var timeOverThreshold: Duration?
    private var timesOverThreshold = 0

    /// What the delay said last.
    private(set) var usage = BandwidthUsage.normal

    init() {
        samples.reserveCapacity(Self.window)
    }

    /// Takes the measurement of one more group.
    mutating func handle(_ delta: GroupDelta) {
        let first = firstArrival ?? delta.arrived
        firstArrival = first
        deltas = min(deltas + 1, Self.maximumDeltas)
        accumulatedDelay += (delta.arrival - delta.departure).milliseconds
        smoothedDelay = Self.smoothing * smoothedDelay + (1 - Self.smoothing) * accumulatedDelay
        let sample = (time: (delta.arrived - first).milliseconds, delay: smoothedDelay)
        if samples.count < Self.window {
            samples.append(sample)
        } else {
            samples[next] = sample
            next = (next + 1) % Self.window
        }
        detect(samples.count == Self.window ? slope() ?? trend : trend, after: delta)
    }

    /// The least-squares slope of the delay.
    private func slope() -> Double? {
        let count = Double(samples.count)
        let (times, delays) = samples.reduce((0, 0)) { ($0.0 + $1.time, $0.1 + $1.delay) }
        let (meanTime, meanDelay) = (times / count, delays / count)
        let (numerator, denominator) = samples.reduce((0, 0)) {
            let time = $1.time - meanTime
            return ($0.0 + time * ($1.delay - meanDelay), $0.1 + time * time)
        }
        return denominator > 0 ? numerator / denominator : nil
    }

    private mutating func detect(_ slope: Double, after delta: GroupDelta) {
        let modified = Double(deltas) * slope * Self.gain
        if deltas < 2 {
            usage = .normal
        } else if modified > threshold {
            // half of it: somewhere in this interval the threshold was crossed
            timeOverThreshold = timeOverThreshold.map { $0 + delta.departure } ?? delta.departure / 2
            timesOverThreshold += 1
            if timeOverThreshold ?? .zero > Self.overuseTime, timesOverThreshold > 1, slope >= trend {
                (timeOverThreshold, timesOverThreshold) = (.zero, 0)
                usage = .overusing
            }
        } else {
            (timeOverThreshold, timesOverThreshold) = (nil, 0)
            usage = modified < -threshold ? .underusing : .normal
        }
        trend = slope
        adaptThreshold(to: abs(modified), at: delta.arrived)
    }

    private mutating func adaptThreshold(to modified: Double, at time: Duration) {
        let elapsed = min(time - (lastThresholdUpdate ?? time), Self.maximumThresholdStep)
        lastThresholdUpdate = time
        guard modified <= threshold + Self.maximumExcess else { return }
        let gain = modified < threshold ? Self.thresholdGain.down : Self.thresholdGain.up
        let moved = threshold + gain * (modified - threshold) * elapsed.milliseconds
        threshold = min(max(moved, Self.thresholds.lowerBound), Self.thresholds.upperBound)
    }
}
