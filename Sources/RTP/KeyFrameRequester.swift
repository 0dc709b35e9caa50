import Wire

/// Asks for a key frame of a stream that cannot be decoded, again and again until one comes: at once, then after
/// intervals that double, for the request may be lost as well as the answer. A sender that sends nothing is asked once.
public struct KeyFrameRequester: Sendable {
    /// The least interval, and the greatest that doubling leads to.
    public static let intervals = Duration.milliseconds(300)...Duration.milliseconds(2400)

    private var wanted: Instant?
    private var asked: Instant?
    private var interval = Self.intervals.lowerBound
    /// Whether what was asked for has not come yet.
    private var isRepeating = false
    /// Whether the sender has been heard since it was asked.
    private var isHeard = false

    /// Nothing is wanted.
    public init() {}

    /// When to ask (`shouldAsk`); nil while there is nothing to ask for, or nobody to answer.
    public var deadline: Instant? {
        guard let wanted, isHeard || !isRepeating else { return nil }
        return max(wanted, asked.map { $0 + interval } ?? wanted)
    }

    /// The stream cannot be decoded from here on.
    public mutating func want(at now: Instant) {
        if wanted == nil { wanted = now }
    }

    /// A packet of the stream came.
    public mutating func packetArrived() {
        isHeard = true
    }

    /// A key frame came.
    public mutating func keyFrameArrived() {
        wanted = nil
        isRepeating = false
        interval = Self.intervals.lowerBound
    }

    /// Whether to ask now. No answer can come within the round trip, and none is asked for twice within two.
    public mutating func shouldAsk(roundTripTime: Duration?, at now: Instant) -> Bool {
        guard let deadline, deadline <= now else { return false }
        let greatest = Self.intervals.upperBound
        if isRepeating { interval = min(interval * 2, greatest) }
        interval = max(interval, min((roundTripTime ?? .zero) * 2, greatest))
        asked = now
        isRepeating = true
        isHeard = false
        return true
    }
}
