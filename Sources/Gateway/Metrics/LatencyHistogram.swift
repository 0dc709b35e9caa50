import Wire

/// How long things took, counted in fixed buckets: to count one allocates nothing.
struct LatencyHistogram: Sendable {
    /// The upper bounds of the buckets in milliseconds; what took longer is in one more. A frame's way through this
    /// daemon takes 5 to 20 ms.
    static let bounds: [Double] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 250, 500, 1000]

    /// How many fell into each bucket.
    private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// How many there were.
    private(set) var count: UInt64 = 0
    /// What they took together.
    private(set) var sum = Duration.zero
    /// What the longest took.
    private(set) var longest = Duration.zero

    /// Counts what took `latency`; a clock that ran ahead makes it nothing.
    mutating func record(_ latency: Duration) {
        let latency = max(latency, .zero)
        let milliseconds = latency.milliseconds
        var bucket = 0
        while bucket < Self.bounds.count, milliseconds > Self.bounds[bucket] { bucket += 1 }
        counts[bucket] += 1
        count += 1
        sum += latency
        longest = max(longest, latency)
    }

    /// What `fraction` (0 to 1) of them took at most, in milliseconds, to within the width of a bucket; nil while there
    /// were none.
    func quantile(_ fraction: Double) -> Double? {
        guard count > 0 else { return nil }
        let wanted = fraction * Double(count)
        var below = 0.0
        for (bucket, number) in counts.enumerated() where number > 0 {
            let inside = Double(number)
            guard below + inside >= wanted else {
                below += inside
                continue
            }
            let lower = bucket == 0 ? 0 : Self.bounds[bucket - 1]
            let upper = bucket < Self.bounds.count ? Self.bounds[bucket] : longest.milliseconds
            let value = lower + (min(upper, longest.milliseconds) - lower) * (wanted - below) / inside
            return max(value, lower)
        }
        return longest.milliseconds
    }
}

/// How old pictures were when they left, for every viewer: from the camera's time stamp to the moment at which the
/// kernel had the packet.
struct DepartureLatency: Sendable {
    /// Of each frame's first packet.
    var first = LatencyHistogram()
    /// Of each frame's last packet.
    var last = LatencyHistogram()
}
