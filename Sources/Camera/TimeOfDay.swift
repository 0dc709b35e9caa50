// The kernel's headers bring the C library's time types with them, so that either module may be the one that defines
// them.
import CV4L2
import Glibc
import Wire

/// The time of day, for the test card.
enum TimeOfDay {
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
