public import Wire

/// What the board can do.
public struct EncoderLimit: Hashable, Sendable {
    /// Whether the encoder is to do the least work that it can.
    public var leastEffort: Bool
    /// The largest pictures.
    public var scale: PictureScale
    /// One picture of so many at most.
    public var frameDivisor: Int

    /// By default everything.
    public init(leastEffort: Bool = false, scale: PictureScale = .full, frameDivisor: Int = 1) {
        self.leastEffort = leastEffort
        self.scale = scale
        self.frameDivisor = frameDivisor
    }
}

/// What an encoder did in some time.
public struct EncoderLoad: Hashable, Sendable {
    /// Pictures encoded.
    public var encoded: Int
    /// Pictures that it had no time for.
    public var dropped: Int
    /// The time that it was busy, by the clock on the wall.
    public var busy: Duration

    /// Nothing yet, or what was counted.
    public init(encoded: Int = 0, dropped: Int = 0, busy: Duration = .zero) {
        self.encoded = encoded
        self.dropped = dropped
        self.busy = busy
    }
}

/// Steps down when the board cannot encode all pictures in time, and up again when there is room: less effort for each
/// picture, then smaller ones, then fewer.
///
/// It waits before it steps up, longer each time that the step before did not last, so that a board that is a little too
/// slow settles.
public struct LoadGovernor: Sendable {
    /// The part of the time between two pictures that encoding one may take; above, a board that does anything else falls
    /// behind.
    private static let tooMuch = 0.85
    /// The part that a step up may lead to by what it is known to cost.
    private static let enough = 0.6
    /// The part of the pictures that may be dropped.
    private static let droppedShare = 0.1
    /// So many readings in turn, each of a second, must agree.
    private static let (readingsDown, readingsUp) = (2, 3)
    private static let (shortestHold, longestHold) = (Duration.seconds(10), Duration.seconds(600))
    private static let lasting = Duration.seconds(60)

    private static let steps = [
        EncoderLimit(), EncoderLimit(leastEffort: true), EncoderLimit(leastEffort: true, scale: .threeQuarters),
        EncoderLimit(leastEffort: true, scale: .half), EncoderLimit(leastEffort: true, scale: .half, frameDivisor: 2),
        EncoderLimit(leastEffort: true, scale: .quarter, frameDivisor: 2),
    ]
    /// How many times the work of the step below each takes: of x264's presets superfast and ultrafast, then of the pixels
    /// of a second.
    private static let costs = [1.7, 1.8, 2.25, 2, 4]

    /// What the board can do, by what is known.
    public var limit: EncoderLimit { Self.steps[step] }

    private let first: Int
    private let last: Int
    private var step: Int
    private var streak = 0
    private var changedAt: Instant?
    private var roseAt: Instant?
    private var hold = shortestHold

    /// A governor that begins with all that is configured. `hasLeastEffort` tells that the encoder does no less work than
    /// configured; `source`'s pictures bound how far it can go.
    public init(hasLeastEffort: Bool, source: PictureSource) {
        first = hasLeastEffort ? 1 : 0
        let formats = PictureFormat.all(of: source)
        last =
            Self.steps.lastIndex { limit in
                formats.contains { $0.scale == limit.scale && $0.frameDivisor == limit.frameDivisor }
            } ?? first
        step = first
    }

    /// Takes what the main encoder did in the last `period`, about a second. Returns whether `limit` has changed.
    public mutating func update(_ load: EncoderLoad, in period: Duration, at now: Instant) -> Bool {
        let offered = load.encoded + load.dropped
        guard offered > 0, period > .zero else { return false }
        let share = load.busy.inSeconds / period.inSeconds
        if share > Self.tooMuch || Double(load.dropped) > Self.droppedShare * Double(offered) {
            streak = max(streak, 0) + 1
            guard streak >= Self.readingsDown, step < last else { return false }
            if let roseAt {
                hold = now - roseAt < Self.lasting ? min(hold * 2, Self.longestHold) : Self.shortestHold
            }
            roseAt = nil
            move(to: step + 1, at: now)
            return true
        }
        guard step > first, load.dropped == 0, share * Self.costs[step - 1] < Self.enough else {
            streak = 0
            return false
        }
        streak = min(streak, 0) - 1
        guard -streak >= Self.readingsUp, now - (changedAt ?? now) >= hold else { return false }
        move(to: step - 1, at: now)
        roseAt = now
        return true
    }

    private mutating func move(to step: Int, at now: Instant) {
        self.step = step
        streak = 0
        changedAt = now
    }
}
