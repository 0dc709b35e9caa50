import Wire

/// A request that waits for its response, and when it is sent again (RFC 8489 §6.2.1):
///
///     sent ─ RTO ─ sent ─ 2 RTO ─ sent ─ 4 RTO ─ … ─ sent (the Rc-th) ─ Rm RTO ─ timed out
struct STUNTransaction {
    /// What the request was sent for.
    enum Purpose: Equatable {
        /// A connectivity check of a pair of the check list (RFC 8445 §7.2).
        case check(pair: Int, role: ICERole, nominates: Bool)
        /// A consent check of the selected pair (RFC 7675 §5.1).
        case consent(role: ICERole)
        /// A Binding request to a STUN server (RFC 8445 §5.1.1.2), by its index among the gatherer's bindings.
        case gathering(binding: Int)
    }

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
    }

    let id: STUNMessage.TransactionID
    let purpose: Purpose
    let datagram: [UInt8]
    let path: Path
    /// The key of the response; nil where servers answer without integrity.
    let key: STUNKey?
    let sentAt: Instant
    private let schedule: Schedule
    private(set) var transmissions = 1
    private(set) var deadline: Instant
    /// Whether a newer check has taken its place (RFC 8445 §7.3.1.4): it is not sent again and its silence means
    /// nothing, but a response that still comes counts.
    private(set) var isCancelled = false

    init(
        id: STUNMessage.TransactionID, purpose: Purpose, datagram: [UInt8], path: Path,
        key: STUNKey?, schedule: Schedule, at now: Instant
    ) {
        self.id = id
        self.purpose = purpose
        self.datagram = datagram
        self.path = path
        self.key = key
        self.schedule = schedule
        sentAt = now
        deadline = now
        deadline += wait
    }

    private var wait: Duration {
        transmissions < schedule.maximumTransmissions
            ? schedule.rto * (1 << (transmissions - 1)) : schedule.rto * schedule.finalWait
    }

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
