import Wire

/// Round trips as feedback shows them: smoothed, and the least of the last while, which is the path without a queue.
struct RoundTrips: Sendable {
    private static let window = Duration.seconds(5)

    /// Smoothed as in RFC 6298 §2; nil before the first.
    private(set) var smoothed: Duration?
    /// The last one; nil before the first.
    private(set) var last: Duration?
    /// The least in this window and in the one before.
    private var least: (current: Duration, before: Duration, since: Instant)?

    /// The least of the last 5 to 10 s; nil before the first.
    var minimum: Duration? { least.map { min($0.current, $0.before) } }

    /// What the last one shows to wait in queues.
    var queueing: Duration { (last ?? .zero) - (minimum ?? .zero) }

    mutating func append(_ measured: Duration, at now: Instant) {
        last = measured
        smoothed = smoothed.map { $0 + (measured - $0) / 8 } ?? measured
        guard let old = least else {
            least = (measured, measured, now)
            return
        }
        if now - old.since >= Self.window {
            least = (measured, old.current, now)
        } else {
            least?.current = min(old.current, measured)
        }
    }
}
