import Wire

/// Merges the key frames that the receivers of a stream ask for, so that a flood of picture loss indications (RFC 4585
/// §6.3.1) and full intra requests (RFC 5104 §4.3.1) costs one key frame an interval, and no request is forgotten.
///
/// ```
///   request ──► key frame asked of the encoder ──► it leaves ──► a round trip ──► requests count again
///                  further ones wait for the interval's end      older ones are answered already
/// ```
public struct KeyFrameDemand: Sendable {
    /// The least time between two key frames that are asked of the encoder.
    public let interval: Duration

    private var asked: Instant?
    private var left: Instant?
    private var isWaiting = false

    /// Nothing was asked for. A key frame is ten times a picture's size: at most three a second leave room for the
    /// others.
    public init(interval: Duration = .milliseconds(300)) {
        self.interval = interval
    }

    /// When a request that waits is due (`timePassed`); nil while none does.
    public var deadline: Instant? { isWaiting ? asked.map { $0 + interval } : nil }

    /// Takes a receiver's request; true where the encoder is to be asked now. `roundTripTime` as far as it is known.
    public mutating func request(roundTripTime: Duration?, at now: Instant) -> Bool {
        // who asks within a round trip of a key frame's leaving has not seen it yet
        if let left, let roundTripTime, now < left + roundTripTime { return false }
        guard let asked, now < asked + interval else {
            ask(at: now)
            return true
        }
        isWaiting = true
        return false
    }

    /// Whether the encoder is to be asked now for what was put off.
    public mutating func timePassed(at now: Instant) -> Bool {
        guard let deadline, deadline <= now else { return false }
        ask(at: now)
        return true
    }

    /// A key frame left: whatever was asked for until now is answered.
    public mutating func keyFrameLeft(at now: Instant) {
        left = now
        isWaiting = false
    }

    private mutating func ask(at now: Instant) {
        asked = now
        isWaiting = false
    }
}
