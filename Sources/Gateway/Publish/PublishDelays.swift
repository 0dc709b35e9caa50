import Wire

/// How long a publisher waits before it tries again: twice as long each time, at most a minute, so that neither a server
/// that is gone nor one that starts again is asked too often; and at least as long as the server says.
struct PublishDelays {
    private var failures = 0

    private static let first = Duration.seconds(1)
    private static let longest = Duration.seconds(60)
    /// A server that says a day is not believed.
    private static let longestAsked = Duration.seconds(3600)

    /// It went well: the next failure is the first again.
    mutating func succeeded() {
        failures = 0
    }

    /// It failed; how long to wait, where the server said to wait for `asked`. A part is by chance, so that the doors of
    /// one server do not all come back at once.
    mutating func failed(asked: Duration? = nil, random: any RandomSource) -> Duration {
        let doubled = min(Self.first * (1 << min(failures, 16)), Self.longest)
        failures += 1
        let base = max(doubled, min(asked ?? .zero, Self.longestAsked))
        return base + doubled * Double(random.below(256)) / 1024
    }
}
