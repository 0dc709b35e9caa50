public import Wire

/// How long a receiver should hold pictures back, so that what the path loses of itself is there again before it is
/// missed.
///
/// A browser's jitter buffer learns from packets that are late, not from those that come a second time: on a path that
/// loses a twentieth it shows each picture about 60 ms after it was sent, and stands still whenever a repetition, or the
/// request for one, is lost as well. Held back for the time of some repairs, it does not.
///
/// Feed it with what the `BandwidthEstimator` knows, some times a second.
public struct RepairAllowance: Hashable, Sendable {
    /// What to ask the receiver for; nil to leave it to him.
    public private(set) var delay: Duration?

    private var enoughSince: Instant?

    /// What is lost beyond this part is worth the delay.
    private static let noticeableLoss = 0.02
    /// With more than this one repetition often is not enough: with a twentieth lost both ways a tenth of the repairs fail.
    private static let heavyLoss = 0.035
    /// What is lost below it is not, once it was.
    private static let bearableLoss = 0.01
    /// A loss is noticed with the next picture's packets, and a repair that does not come is asked for again after 100 ms
    /// (libwebrtc, while it knows no round trip).
    private static let notice = Duration.milliseconds(33)
    private static let repetition = Duration.milliseconds(100)
    /// A talk bears no more than this.
    private static let most = Duration.milliseconds(400)
    /// How much less must do before it is asked for.
    private static let tolerance = Duration.milliseconds(50)
    /// For how long less must have been enough.
    private static let patience = Duration.seconds(20)

    /// A path of which nothing is known.
    public init() {}

    /// Takes the part of the packets that was lost lately (0 to 1; nil while nothing is known) and the least round trip.
    public mutating func handle(lossFraction: Double?, roundTripTime: Duration?, at now: Instant) {
        guard let lossFraction, let roundTripTime else { return }
        let isLossy = lossFraction > (delay == nil ? Self.noticeableLoss : Self.bearableLoss)
        let repetitions = lossFraction > Self.heavyLoss ? 2 : 1
        let wanted = isLossy ? Self.delay(for: roundTripTime, repetitions: repetitions) : nil
        if let wanted, wanted > (delay ?? .zero) {
            delay = wanted
            enoughSince = nil
        } else if let current = delay, (wanted ?? .zero) < current - Self.tolerance {
            if now - (enoughSince ?? now) >= Self.patience {
                delay = wanted
                enoughSince = nil
            } else {
                enoughSince = enoughSince ?? now
            }
        } else {
            enoughSince = nil
        }
    }

    /// In steps of 10 ms, for a round trip is never the same twice.
    private static func delay(for roundTripTime: Duration, repetitions: Int) -> Duration {
        let time = notice + repetition * repetitions + roundTripTime
        return min(.milliseconds(time.nanoseconds / 10_000_000 * 10 + 10), most)
    }
}
