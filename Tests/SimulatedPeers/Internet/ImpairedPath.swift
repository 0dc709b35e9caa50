import Glibc
package import Wire

/// How a simulated path treats datagrams.
package struct PathConditions: Sendable {
    /// Moments at which everything stops, as a radio link does, and is delivered late.
    package struct Spikes: Sendable {
        /// The mean time between two.
        package var interval: Duration
        /// How long one lasts.
        package var length: ClosedRange<Duration>

        package init(interval: Duration, length: ClosedRange<Duration>) {
            self.interval = interval
            self.length = length
        }
    }

    /// A bottleneck: datagrams wait in a queue, and what finds it full is dropped.
    package struct Rate: Sendable {
        package var bitsPerSecond: Int
        package var queueBytes: Int

        package init(bitsPerSecond: Int, queueBytes: Int) {
            self.bitsPerSecond = bitsPerSecond
            self.queueBytes = queueBytes
        }
    }

    /// The part that is lost, 0 to 1.
    package var loss: Double
    /// For how long everything is lost at a time, on average; nil where each datagram is lost by itself.
    package var lossBurst: Duration?
    /// The part that arrives twice, 0 to 1.
    package var duplication: Double
    /// The one-way delay; each datagram draws its own, so that a wide range reorders.
    package var delay: ClosedRange<Duration>
    package var spikes: Spikes?
    package var rate: Rate?
    /// The largest IP packet that passes, in bytes. Nobody is told of larger ones: they vanish.
    package var maximumTransmissionUnit: Int?

    package init(
        loss: Double = 0, duplication: Double = 0,
        delay: ClosedRange<Duration> = .milliseconds(5) ... .milliseconds(5)
    ) {
        self.loss = loss
        self.duplication = duplication
        self.delay = delay
    }

    package static let perfect = PathConditions()
    package static let hostile = PathConditions(
        loss: 0.2, duplication: 0.1, delay: .milliseconds(5) ... .milliseconds(60))
    /// Nothing happens on it, and it takes no time.
    package static let none = PathConditions(delay: .zero ... .zero)
}

/// One direction of a path, and what its past makes of the next datagram.
package struct ImpairedPath {
    package var conditions: PathConditions {
        didSet {
            nextSpike = nil
            lossChanges = nil
        }
    }
    private let random: any RandomSource
    private var isInLossBurst = false
    /// When a burst of losses begins or ends next.
    private var lossChanges: Instant?
    /// Until when the bottleneck is busy with what it has taken.
    private var busyUntil = Instant.zero
    private var nextSpike: Instant?
    private var spikeEnds = Instant.zero

    package init(_ conditions: PathConditions, random: any RandomSource) {
        self.conditions = conditions
        self.random = random
    }

    /// When a UDP datagram of `size` bytes that enters at `now` comes out: once, twice, or never.
    package mutating func arrivals(of size: Int, isIPv6: Bool = false, at now: Instant) -> [Instant] {
        let packet = size + 8 + (isIPv6 ? 40 : 20)
        if let limit = conditions.maximumTransmissionUnit, packet > limit { return [] }
        guard !isLost(at: now) else { return [] }
        var leaves = now
        if let rate = conditions.rate {
            let waiting = max(busyUntil - now, .zero)
            let backlog = Int(waiting.inSeconds * Double(rate.bitsPerSecond) / 8)
            guard backlog + packet <= rate.queueBytes else { return [] }
            let time = Duration.nanoseconds(Int64(packet) * 8_000_000_000 / Int64(rate.bitsPerSecond))
            busyUntil = max(busyUntil, now) + time
            leaves = busyUntil
        }
        leaves = max(leaves, stallEnd(at: leaves))
        let count = happens(conditions.duplication) ? 2 : 1
        return (0..<count).map { _ in leaves + delay() }
    }

    private mutating func isLost(at now: Instant) -> Bool {
        guard conditions.loss > 0 else { return false }
        guard let burst = conditions.lossBurst else { return happens(conditions.loss) }
        // Gilbert's two states, in time: how long each lasts is distributed exponentially
        let gap = Duration.nanoseconds(
            Int64(Double(burst.nanoseconds) * (1 - conditions.loss) / conditions.loss))
        var changes = lossChanges ?? now + exponential(mean: gap)
        while changes <= now {
            isInLossBurst.toggle()
            changes += exponential(mean: isInLossBurst ? burst : gap)
        }
        lossChanges = changes
        return isInLossBurst
    }

    private func exponential(mean: Duration) -> Duration {
        let part = Double(random.below(1 << 30) + 1) / Double(1 << 30)
        return .nanoseconds(Int64(-log(part) * Double(mean.nanoseconds)) + 1)
    }

    /// The end of the stall that `instant` falls into; `instant` where there is none.
    private mutating func stallEnd(at instant: Instant) -> Instant {
        guard let spikes = conditions.spikes else { return instant }
        var next = nextSpike ?? instant + spikes.interval * (random.below(1000) + 1) / 1000
        while next <= instant {
            spikeEnds = next + drawn(from: spikes.length)
            next = spikeEnds + spikes.interval * (random.below(1000) + 500) / 1000
        }
        nextSpike = next
        return max(instant, spikeEnds)
    }

    private func delay() -> Duration { drawn(from: conditions.delay) }

    private func drawn(from range: ClosedRange<Duration>) -> Duration {
        let spread = (range.upperBound - range.lowerBound).nanoseconds
        return range.lowerBound + .nanoseconds(spread == 0 ? 0 : Int64(random.below(Int(spread))))
    }

    private func happens(_ part: Double) -> Bool {
        part > 0 && Double(random.below(1_000_000)) < part * 1_000_000
    }
}
