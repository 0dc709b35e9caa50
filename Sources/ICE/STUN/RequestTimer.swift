import Wire

/// When a request is sent again, and when it is given up (RFC 8489 §6.2.1):
///
///     sent ─ RTO ─ sent ─ 2 RTO ─ sent ─ 4 RTO ─ … ─ sent (the Rc-th) ─ Rm RTO ─ timed out
struct RequestTimer {
    /// What a passed deadline asks for.
    enum Step {
        case nothing
        case retransmit
        case timeOut
    }

    /// How often and how long a request is tried.
    struct Schedule {
        var rto: Duration
        var maximumTransmissions: Int
        var finalWait: Int
        /// What the doubling ends at; nil where it goes on.
        var longestWait: Duration?

        /// Over TCP and TLS nothing is retransmitted: Ti is "39.5 seconds" (RFC 8489 §6.2.2).
        static let reliable = Schedule(rto: .milliseconds(39_500), maximumTransmissions: 1, finalWait: 1)
    }

    private let sentAt: Instant
    private let schedule: Schedule
    private var transmissions = 1
    private(set) var deadline: Instant
    private(set) var isCancelled = false

    init(_ schedule: Schedule, at now: Instant) {
        self.schedule = schedule
        sentAt = now
        deadline = now
        deadline += wait
    }

    private var wait: Duration {
        guard transmissions < schedule.maximumTransmissions else { return schedule.rto * schedule.finalWait }
        let doubled = schedule.rto * (1 << min(transmissions - 1, 16))
        return schedule.longestWait.map { min(doubled, max($0, schedule.rto)) } ?? doubled
    }

    /// Nothing is sent again, and the answer is waited for as long as after a last transmission.
    mutating func cancel(at now: Instant) {
        isCancelled = true
        deadline = now + schedule.rto * schedule.finalWait
    }

    mutating func step(at now: Instant) -> Step {
        guard now >= deadline else { return .nothing }
        guard !isCancelled, transmissions < schedule.maximumTransmissions else { return .timeOut }
        transmissions += 1
        deadline = now + wait
        return .retransmit
    }

    /// The round trip that a response now measures; nil after a retransmission, when it is unknown which of the
    /// requests it answers (Karn's algorithm, RFC 6298 §3).
    func roundTrip(at now: Instant) -> Duration? {
        transmissions == 1 ? now - sentAt : nil
    }
}
