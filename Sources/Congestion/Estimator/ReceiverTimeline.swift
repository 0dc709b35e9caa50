import Wire

/// Turns a receiver's arrival times, which wrap and whose clock is his own, into a line of time that does not.
struct ReceiverTimeline: Sendable {
    /// Nanoseconds.
    private static let tick = PacketArrival.tick.nanoseconds
    /// A receiver's clock that runs ahead of ours by more since the last feedback has jumped, or is a lie.
    private static let maximumAhead = Duration.seconds(3)
    /// Feedback may have waited for long, but not for longer.
    private static let maximumBehind = Duration.seconds(10)

    /// What the clock showed when feedback came.
    private var reference: (ticks: UInt32, time: Duration, at: Instant)?

    /// The arrival time since the receiver's first; nil where it cannot be true. `ticks` are of `PacketArrival.tick`.
    mutating func time(of ticks: UInt32, at now: Instant) -> Duration? {
        guard let reference else {
            reference = (ticks, .zero, now)
            return .zero
        }
        let step = Duration.nanoseconds(Int64(Int32(bitPattern: ticks &- reference.ticks)) * Self.tick)
        let drift = step - (now - reference.at)
        guard drift <= Self.maximumAhead, drift >= .zero - Self.maximumBehind else { return nil }
        return reference.time + step
    }

    /// Takes the last arrival of a message as the point that the next one is measured from.
    mutating func advance(to ticks: UInt32, at now: Instant) {
        guard let time = time(of: ticks, at: now) else { return }
        // a message that was overtaken sets no clock back
        if let reference, time < reference.time { return }
        reference = (ticks, time, now)
    }

    /// Begins anew after a jump: time goes on, and only the distance over the jump is unknown.
    mutating func jump(to ticks: UInt32, at now: Instant) {
        guard let old = reference else { return advance(to: ticks, at: now) }
        reference = (ticks, old.time + max(now - old.at, .zero), now)
    }
}
