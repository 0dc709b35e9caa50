import Wire

/// Merges the key-frame requests of all viewers: at most one key frame in every `interval`. A request that comes too
/// early is kept and served when the interval is over, for the viewer who made it cannot see anything until then.
///
/// A newcomer, who has seen nothing yet, need not wait, as long as few come: three at once, and again one in every four
/// intervals.
public struct KeyFrameRequests: Sendable {
    /// The least time between two key frames.
    public let interval: Duration
    /// How many key frames newcomers may have sooner.
    private static let newcomers = 3
    private var isRequested = false
    private var isNewcomer = false
    private var lastKeyFrame: Instant?
    /// When newcomers may have that many again.
    private var allowance: Instant?

    /// Requests that are served once in `interval` at most.
    public init(interval: Duration = .milliseconds(500)) {
        self.interval = interval
    }

    /// A viewer asked for a key frame, or a newcomer needs one.
    public mutating func request(isNewcomer: Bool = false) {
        isRequested = true
        if isNewcomer { self.isNewcomer = true }
    }

    /// Whether the picture to be encoded at `now` shall be a key frame; the requests made so far are then served.
    public mutating func takeKeyFrame(at now: Instant) -> Bool {
        guard isRequested else { return false }
        if let lastKeyFrame, now - lastKeyFrame < interval {
            let used = max(allowance ?? now, now)
            guard isNewcomer, used - now <= interval * (4 * (Self.newcomers - 1)) else { return false }
            allowance = used + interval * 4
        }
        keyFrameWasEncoded(at: now)
        return true
    }

    /// The encoder made a key frame at `now`, by itself or because it was told to: it answers every request made
    /// before.
    public mutating func keyFrameWasEncoded(at now: Instant) {
        (isRequested, isNewcomer) = (false, false)
        lastKeyFrame = now
    }
}
