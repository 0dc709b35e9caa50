// The kernel's headers bring the C library's time types with them, so that either module may be the one that defines
// them.
import CV4L2
import Glibc
import Wire

/// The machine's clocks.
enum SystemClock {
    /// `CLOCK_MONOTONIC`, which is also the clock of V4L2's timestamps.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Sleeps until `instant`; not at all where it has passed.
    static func sleep(until instant: Instant) {
        var time = timespec(
            tv_sec: Int(instant.nanoseconds / 1_000_000_000), tv_nsec: Int(instant.nanoseconds % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    /// Milliseconds since midnight in the machine's time zone.
    static var localMillisecondsOfDay: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var local = tm()
        localtime_r(&time.tv_sec, &local)
        // A leap second is shown as the second before it.
        let seconds = Int(local.tm_hour) * 3_600 + Int(local.tm_min) * 60 + min(Int(local.tm_sec), 59)
        return seconds * 1_000 + time.tv_nsec / 1_000_000
    }
}
