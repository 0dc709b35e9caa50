import Wire

/// A call between two viewers, from the ring on. Their pages' peers talk to one another; the door's has no part in it.
///
/// ```
///  ringing ── call-accept, or both call each other ──► accepted
///     │                                                   │
///     ▼  declined, unanswered, given up                   ▼  hung up, too long, lost for good
///    over                                                over
/// ```
struct DirectCall {
    /// One of the two.
    struct Side {
        /// Who; another once he came back.
        var viewer: ParticipantID
        /// His name, for as long as he is away.
        var name: String
        /// What he has the call back with.
        var resumption: ResumptionSecret
        /// Until when the call waits for him while he is away; nil while he is there.
        var awayUntil: Instant?

        var party: Party { Party(id: viewer, name: name) }
        var member: Member { Member(id: viewer, name: name, isAway: awayUntil != nil) }
    }

    enum State {
        /// The callee's page rings until then.
        case ringing(since: Instant, until: Instant)
        /// The two talk, since then.
        case accepted(at: Instant)
    }

    var caller: Side
    var callee: Side
    var state: State

    var sides: [Side] { [caller, callee] }

    /// The one whom `viewer` talks to.
    func other(than viewer: ParticipantID) -> Side { caller.viewer == viewer ? callee : caller }

    /// Changes the side that `viewer` is.
    mutating func update(_ viewer: ParticipantID, _ change: (inout Side) -> Void) {
        if caller.viewer == viewer { change(&caller) } else { change(&callee) }
    }

    /// When the call ends by itself, why, and whose doing that is; a call may last as long as `longest`.
    func limit(_ longest: Duration?) -> (at: Instant, reason: EndReason, by: Party?)? {
        switch state {
        case .ringing(_, let until): return (until, .unanswered, nil)
        case .accepted(let began):
            let lost = sides.compactMap { side in
                side.awayUntil.map { (at: $0, reason: EndReason.connectionLost, by: side.party) }
            }
            let limits: [(at: Instant, reason: EndReason, by: Party?)] =
                lost.map { ($0.at, $0.reason, $0.by) } + (longest.map { [(began + $0, .maxDuration, nil)] } ?? [])
            return limits.min { $0.at < $1.at }
        }
    }
}
