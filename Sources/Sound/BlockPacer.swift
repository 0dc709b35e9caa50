import Glibc
import Media
import Wire

/// The machine's monotonic clock.
func monotonicNow() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// Gives what stands in for a device the pace of one: a block every 20 ms, without drift.
struct BlockPacer {
    /// More than this behind, it does not catch up: the machine slept, or nobody asked.
    private static let patience = Duration.milliseconds(200)

    private var next: Instant?

    /// Waits until the next block is complete, at most `timeout`; returns when that block began, or nil when it is not
    /// complete in time.
    mutating func waitForBlock(timeout: Duration) -> Instant? {
        let now = monotonicNow()
        var begin = next ?? now
        if now - begin > AudioFormat.blockDuration + Self.patience { begin = now - AudioFormat.blockDuration }
        next = begin
        let end = begin + AudioFormat.blockDuration
        guard end <= now + timeout else {
            sleep(until: now + timeout)
            return nil
        }
        sleep(until: end)
        next = end
        return begin
    }

    private func sleep(until time: Instant) {
        var until = timespec()
        until.tv_sec = Int(time.nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(time.nanoseconds % 1_000_000_000)
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nil) == EINTR {}
    }
}
