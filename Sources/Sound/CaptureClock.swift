import Media
import Wire

/// Tells when blocks of captured sound began.
///
/// How far a device has got is known only from one of its reports (an interrupt, a USB transfer) to the next, so each
/// measurement is off by up to a period; but sound comes steadily. The estimate goes on by 20 ms a block and leans a
/// sixteenth of the way to each measurement, which keeps up with a crystal's drift (100 ppm is 2 µs a block).
struct CaptureClock {
    private var next: Instant?

    /// When the block began whose last sample was taken `samplesBehind` samples, its own among them, before `now`.
    mutating func captured(now: Instant, samplesBehind: Int) -> Instant {
        let behind = Duration.nanoseconds(Int64(samplesBehind) * 1_000_000_000 / Int64(AudioFormat.sampleRate))
        let measured = now - behind
        var estimate = measured
        if let next {
            let deviation = measured - next
            // Off by two blocks it is no jitter: sound was lost on the way.
            if deviation.magnitude < AudioFormat.blockDuration * 2 { estimate = next + deviation / 16 }
        }
        next = estimate + AudioFormat.blockDuration
        return estimate
    }
}

extension Duration {
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
