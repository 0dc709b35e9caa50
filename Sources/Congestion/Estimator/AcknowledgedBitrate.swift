import Wire

/// What arrives, measured over the packets of the last second (draft-ietf-rmcat-gcc-02 §5.5, R_hat; libwebrtc's robust
/// throughput estimator).
///
/// The lesser of the rates of departure and of arrival: what waited together and then arrived as a burst shows no
/// capacity. The longest gap is left out, so that a path that paused for a moment is not taken for a slow one.
struct AcknowledgedBitrate: Sendable {
    /// Times in nanoseconds, for every message looks at hundreds of them.
    private struct Sample: Sendable {
        let sent: Int64
        let arrived: Int64
        let size: Int
    }

    private static let leastPackets = 10
    private static let windowPackets = 20
    private static let maximumPackets = 500
    private static let window = Duration.seconds(1).nanoseconds
    private static let maximumWindow = Duration.seconds(5).nanoseconds
    /// The shortest look: some frames, and packets enough that one more or less is no matter.
    private static let recentWindow = Duration.milliseconds(100).nanoseconds
    private static let recentPackets = 6
    private static let recentBytes = 6000

    /// So many gaps in a row, all wide but the widest, show that a link broke down …
    private static let collapseGaps = 7
    /// … among so many packets, with the small ones between …
    private static let collapsePackets = 24
    /// … when packets arrive so many times slower than they left …
    private static let collapseFactor: Int64 = 2
    /// … and so much later, which jitter does not do to so many.
    private static let collapseDelay = Duration.milliseconds(40).nanoseconds

    /// By arrival.
    private var samples: [Sample] = []
    /// The last departure of those that were dropped.
    private var lastDropped: Int64?

    /// What arrives, in bit/s; nil while too little has.
    private(set) var bitrate: Double?
    /// The same over the last moment, in bit/s, where more left than arrived, so that it shows what the link carries; else
    /// nil.
    private(set) var recentBitrate: Double?
    /// All that arrived by the time it took, whatever the rate at which it left, in bit/s: where a queue stood all the
    /// time this is what the link carries, though the sender paused.
    private var arrivalBitrate: Double?
    /// Whether the last packets arrived at less than half the rate at which they left. The trendline, which is smoothed
    /// so that it heeds a growth of some ms, sees that later, when the queue has grown by as much as was sent since.
    private(set) var isCollapsing = false

    /// What the link carries if its queue grows, in bit/s; nil while too little arrived. The shorter look sees it first.
    var carriedBitrate: Double? {
        arrivalBitrate.map { min($0, recentBitrate ?? $0) }
    }

    /// Whether the last packets arrived slower than they left; true while too few did.
    var arrivesSlower: Bool { recentBitrate != nil || samples.count <= Self.recentPackets }

    /// Takes a packet. They come about in order of arrival.
    mutating func append(sent: Instant, arrived: Duration, size: Int) {
        samples.append(Sample(sent: sent.nanoseconds, arrived: arrived.nanoseconds, size: size))
        var index = samples.count - 1
        while index > 0, samples[index].arrived < samples[index - 1].arrived {
            samples.swapAt(index, index - 1)
            index -= 1
        }
    }

    /// Measures, when all packets of a message were appended.
    mutating func update() {
        let excess = samples.indices.first { !isOutside($0) } ?? samples.count
        for sample in samples[..<excess] { lastDropped = max(lastDropped ?? sample.sent, sample.sent) }
        samples.removeFirst(excess)
        bitrate = measured()
        if let first = samples.first, let last = samples.last, samples.count >= Self.leastPackets {
            let size = samples.reduce(0) { $0 + $1.size } - first.size
            arrivalBitrate = Self.rate(size, in: last.arrived - first.arrived)
        } else {
            arrivalBitrate = nil
        }
        recentBitrate = measuredRecently()
        isCollapsing = collapses()
    }

    /// Whether the window is wider than it should be as long as the sample `index` is its first.
    private func isOutside(_ index: Int) -> Bool {
        let count = samples.count - index
        guard let last = samples.last else { return false }
        let length = last.arrived - samples[index].arrived
        return count > Self.maximumPackets || length > Self.maximumWindow
            || count > Self.windowPackets && length > Self.window
    }

    private func measured() -> Double? {
        guard samples.count >= Self.leastPackets, let first = samples.first, let last = samples.last else { return nil }
        var gaps: (longest: Int64, second: Int64) = (0, 0)
        var (received, before) = (0, first.arrived)
        var departures: (first: Int64, last: Int64, lastSize: Int, size: Int, count: Int)?
        for sample in samples {
            let gap = sample.arrived - before
            if gap > gaps.longest {
                gaps = (gap, gaps.longest)
            } else if gap > gaps.second {
                gaps.second = gap
            }
            before = sample.arrived
            received += sample.size
            // one that was overtaken by those that are dropped would stretch the time of departure
            if let lastDropped, sample.sent < lastDropped { continue }
            guard var sum = departures else {
                departures = (sample.sent, sample.sent, sample.size, sample.size, 1)
                continue
            }
            if sample.sent >= sum.last { (sum.last, sum.lastSize) = (sample.sent, sample.size) }
            sum.first = min(sum.first, sample.sent)
            sum.size += sample.size
            sum.count += 1
            departures = sum
        }
        let arrivalTime = last.arrived - first.arrived - gaps.longest + gaps.second
        let arrivalRate = Self.rate(received - first.size, in: arrivalTime)
        guard let departures, departures.count >= Self.leastPackets else { return arrivalRate }
        let departureRate = Self.rate(departures.size - departures.lastSize, in: departures.last - departures.first)
        return min(arrivalRate, departureRate)
    }

    private func measuredRecently() -> Double? {
        guard samples.count > Self.recentPackets, let last = samples.last else { return nil }
        var (index, size) = (samples.count - 1, 0)
        while index > 0,
            samples.count - index <= Self.recentPackets || size < Self.recentBytes
                || last.arrived - samples[index].arrived < Self.recentWindow
        {
            size += samples[index].size
            index -= 1
        }
        let arrival = last.arrived - samples[index].arrived
        return last.sent - samples[index].sent < arrival ? Self.rate(size, in: arrival) : nil
    }

    /// Without the widest gap: after a pause of the path what waited arrives at once. And without small packets, those of
    /// sound: they are spread over the time of departure, and between large ones take the path next to none.
    private func collapses() -> Bool {
        let recent = samples.suffix(Self.collapsePackets)
        let largest = recent.lazy.map(\.size).max() ?? 0
        var (packets, widest): (Int, Int64) = (0, 0)
        var (earliest, latest): (Sample?, Sample?)
        for sample in recent.reversed() where 2 * sample.size > largest {
            widest = max(widest, (earliest?.arrived ?? sample.arrived) - sample.arrived)
            earliest = sample
            latest = latest ?? sample
            packets += 1
            if packets > Self.collapseGaps { break }
        }
        guard packets > Self.collapseGaps, let first = earliest, let last = latest else { return false }
        let arrival = last.arrived - first.arrived - widest
        let departure = max(last.sent - first.sent, 0)
        return arrival > departure * Self.collapseFactor && arrival - departure > Self.collapseDelay
    }

    private static func rate(_ bytes: Int, in nanoseconds: Int64) -> Double {
        Double(bytes) * 8e9 / Double(max(nanoseconds, 1_000_000))
    }
}
