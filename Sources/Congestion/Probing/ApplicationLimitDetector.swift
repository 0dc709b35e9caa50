import Wire

/// Whether the application sends much less than it may, so that nothing is learned of the network: libwebrtc's
/// application-limited region.
///
/// A budget of half a second that fills at a part of the target rate, and that each packet takes from.
struct ApplicationLimitDetector: Sendable {
    private static let usage = 0.65
    /// Seconds.
    private static let window = 0.5
    private static let (begins, ends) = (0.8, 0.5)

    /// Bytes left.
    private var budget = 0.0
    private var last: Instant?
    /// Since when it is so; nil while it is not.
    private(set) var limitedSince: Instant?

    mutating func packetSent(_ size: Int, target bitrate: Double, at now: Instant) {
        let fill = Self.usage * bitrate / 8
        let capacity = fill * Self.window
        let elapsed = last.map { max(now.seconds(since: $0), 0) } ?? 0
        last = now
        let filled = min(budget + fill * elapsed, capacity)
        budget = max(filled - Double(size), -capacity)
        if budget > Self.begins * capacity {
            limitedSince = limitedSince ?? now
        } else if budget < Self.ends * capacity {
            limitedSince = nil
        }
    }
}
