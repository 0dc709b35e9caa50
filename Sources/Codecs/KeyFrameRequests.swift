import Wire

/// Merges the key-frame requests of all viewers: at most one key frame in every `interval`. A request that comes too
/// early is kept and served when the interval is over, for the viewer who made it cannot see anything until then.
public struct KeyFrameRequests: Sendable {
    /// The least time between two key frames.
    public let interval: Duration
    private var isRequested = false
    private var lastKeyFrame: Instant?

    /// Requests that are served once in `interval` at most.
    public init(interval: Duration = .milliseconds(500)) {
        self.interval = interval
    }

    /// A viewer asked for a key frame.
    public mutating func request() {
        isRequested = true
    }

    /// Whether the picture to be encoded at `now` shall be a key frame; the requests made so far are then served.
    public mutating func takeKeyFrame(at now: Instant) -> Bool {
        guard isRequested else { return false }
        if let lastKeyFrame, now - lastKeyFrame < interval { return false }
        keyFrameWasEncoded(at: now)
        return true
    }

    /// The encoder made a key frame at `now`, by itself or because it was told to: it answers every request made
    /// before.
    public mutating func keyFrameWasEncoded(at now: Instant) {
        isRequested = false
        lastKeyFrame = now
    }
}
