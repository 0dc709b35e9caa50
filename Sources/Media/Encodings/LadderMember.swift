import Wire

/// One viewer on the ladder: what he bears, and how long he has borne too little or enough.
struct LadderMember: Sendable {
    /// The part of the best viewer's rate below which a viewer leaves the main encode, and the part of the main encode's
    /// rate above which he comes back.
    static let (leaves, returns) = (0.8, 0.92)
    /// How long a viewer's first estimates are not believed to be his network's: they start low, and are probed up. Until
    /// then he counts for `firstBitrate` at least.
    private static let settling = Duration.seconds(1)
    private static let firstBitrate = 1_000_000
    /// How long a viewer must bear too little before he leaves; one who bears less than half leaves at once.
    private static let patience = Duration.milliseconds(300)
    private static let farTooLow = 0.5
    /// How long a viewer must bear the main encode's rate; doubled, up to the longest, each time that it did not last.
    private static let (shortestHold, longestHold) = (Duration.seconds(3), Duration.seconds(60))
    private static let lasting = Duration.seconds(30)

    private(set) var encoding = Encoding.main
    /// What he bears, within the bounds of an encode.
    private(set) var capacity = 0
    /// Whether that is what his network bears, and not only the start of a measurement.
    private(set) var isSettled = false

    private let joined: Instant
    private var unfitSince: Instant?
    private var fitSince: Instant?
    private var returned: Instant?
    private var hold = shortestHold

    /// One who joins at `now`.
    init(at now: Instant) {
        joined = now
    }

    /// Takes what his network is said to bear.
    mutating func take(_ available: Int?, within bounds: ClosedRange<Int>, at now: Instant) {
        isSettled = now - joined >= Self.settling
        let believed = available.map { isSettled ? $0 : max($0, Self.firstBitrate) } ?? bounds.upperBound
        capacity = min(max(believed, bounds.lowerBound), bounds.upperBound)
    }

    /// Leaves the main encode, where he has borne much less than `best` for long enough.
    mutating func considerLeaving(best: Int, at now: Instant) {
        let part = Double(capacity) / Double(best)
        guard isSettled, part < Self.leaves else {
            unfitSince = nil
            return
        }
        let since = unfitSince ?? now
        unfitSince = since
        guard part < Self.farTooLow || now - since >= Self.patience else { return }
        if let returned {
            hold = now - returned < Self.lasting ? min(hold * 2, Self.longestHold) : Self.shortestHold
        }
        encoding = .low
        (unfitSince, fitSince, returned) = (nil, nil, nil)
    }

    /// Comes back to the main encode, where he has borne its `bitrate` for long enough.
    mutating func considerReturning(to bitrate: Int, at now: Instant) {
        guard Double(capacity) >= Self.returns * Double(bitrate) else {
            fitSince = nil
            return
        }
        let since = fitSince ?? now
        fitSince = since
        guard now - since >= hold else { return }
        moveToMain()
        returned = now
    }

    /// Takes the main encode.
    mutating func moveToMain() {
        encoding = .main
        (unfitSince, fitSince, returned) = (nil, nil, nil)
    }
}
