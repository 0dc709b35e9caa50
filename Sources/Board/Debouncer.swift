import Wire

/// Tells a press from a contact's bouncing: a new level counts once the line has kept it for `period`, which also keeps
/// a spark's spike from ringing.
///
/// ```
///            new level                    period over
///  steady ───────────────► changing ───────────────────► steady (at the new level)
///     ▲                       │
///     └────── old level ──────┘
/// ```
public struct Debouncer: Sendable {
    /// How long a level must be kept.
    public let period: Duration
    /// The level that counts now.
    public private(set) var level: Bool
    /// Since when the line has had the other level; nil while it is steady.
    private var changingSince: Instant?

    /// A line that is steady at `level`.
    public init(period: Duration, level: Bool) {
        self.period = period
        self.level = level
    }

    /// When `timePassed` must be called if no level comes before; nil while the line is steady.
    public var deadline: Instant? { changingSince.map { $0 + period } }

    /// Takes note that the line had `newLevel` at `time`. Returns the level that counts from then on where it changed.
    public mutating func levelChanged(to newLevel: Bool, at time: Instant) -> Bool? {
        // What was kept long enough until now counts, even though it is over.
        let settled = timePassed(to: time)
        if newLevel == level {
            changingSince = nil
        } else if changingSince == nil {
            changingSince = time
        }
        return timePassed(to: time) ?? settled
    }

    /// Takes note that it is `time` and the line has not changed. Returns the level that counts from then on where it
    /// changed.
    public mutating func timePassed(to time: Instant) -> Bool? {
        guard let deadline, time >= deadline else { return nil }
        level.toggle()
        changingSince = nil
        return level
    }
}
