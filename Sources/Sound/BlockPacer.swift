import Media
import Wire

/// Gives what stands in for a device the pace of one: a block every 20 ms, without drift.
struct BlockPacer {
    /// More than this behind, it does not catch up: the machine slept, or nobody asked.
    private static let patience = Duration.milliseconds(200)

    private var next: Instant?

    /// Waits until the next block is complete, at most `timeout`; returns when that block began, or nil when it is not
    /// complete in time.
    mutating func waitForBlock(timeout: Duration) -> Instant? {
        let now = MonotonicClock.now
        var begin = next ?? now
        if now - begin > AudioFormat.blockDuration + Self.patience { begin = now - AudioFormat.blockDuration }
        next = begin
        let end = begin + AudioFormat.blockDuration
        guard end <= now + timeout else {
            MonotonicClock.sleep(until: now + timeout)
            return nil
        }
        MonotonicClock.sleep(until: end)
        next = end
        return begin
    }
}
