import Wire

/// A request that waits for its response.
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

    let id: STUNMessage.TransactionID
    let purpose: Purpose
    let datagram: [UInt8]
    let path: Path
    /// The key of the response; nil where servers answer without integrity.
    let key: STUNKey?
    private var timer: RequestTimer

    init(
        id: STUNMessage.TransactionID, purpose: Purpose, datagram: [UInt8], path: Path, key: STUNKey?,
        schedule: RequestTimer.Schedule, at now: Instant
    ) {
        self.id = id
        self.purpose = purpose
        self.datagram = datagram
        self.path = path
        self.key = key
        timer = RequestTimer(schedule, at: now)
    }

    var deadline: Instant { timer.deadline }

    /// Whether a newer check has taken its place (RFC 8445 §7.3.1.4): it is not sent again and its silence means
    /// nothing, but a response that still comes counts.
    var isCancelled: Bool { timer.isCancelled }

    mutating func cancel(at now: Instant) { timer.cancel(at: now) }

    mutating func step(at now: Instant) -> RequestTimer.Step { timer.step(at: now) }

    func roundTrip(at now: Instant) -> Duration? { timer.roundTrip(at: now) }
}
