/// A bucket that fills steadily and is drawn from by messages.
public struct TokenBucket: Sendable {
    private var tokens: Double
    private var filled: Instant
    private let rate: Double
    private let capacity: Double

    /// A full bucket of `capacity`, which gains `rate` tokens a second.
    public init(rate: Int, capacity: Int, at now: Instant) {
        self.rate = Double(rate)
        self.capacity = Double(capacity)
        tokens = Double(capacity)
        filled = now
    }

    /// Takes one token; false where there is none.
    public mutating func take(at now: Instant) -> Bool {
        tokens = min(capacity, tokens + (now - filled).inSeconds * rate)
        filled = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
