import Wire

/// The rate at which a probe cluster arrived.
struct ProbeBitrateEstimator: Sendable {
    private struct Progress: Sendable {
        let cluster: ProbeCluster
        var packets = 0
        var bytes = 0
        var sent: (first: Instant, last: Instant, lastSize: Int)?
        var arrived: (first: Duration, last: Duration, firstSize: Int)?
    }

    private static let maximumClusters = 8
    /// The part of a cluster that must have arrived.
    private static let leastPart = 0.8
    private static let maximumDuration = Duration.seconds(1)
    /// What arrives so much faster than it left was held up together, and shows nothing.
    private static let maximumRatio = 2.0
    /// A cluster that arrives slower than this part of its rate filled the link …
    private static let saturated = 0.9
    /// … of which so much is used, so that the queue that it left drains.
    private static let utilization = 0.95

    private var clusters: [Progress] = []

    /// Expects packets of `cluster`.
    mutating func expect(_ cluster: ProbeCluster) {
        if clusters.count == Self.maximumClusters { clusters.removeFirst() }
        clusters.append(Progress(cluster: cluster))
    }

    /// Takes a packet that arrived. Returns the rate as far as its cluster shows it, in bit/s; nil while it does not.
    mutating func handle(_ id: ProbeCluster.ID, sent: Instant, arrived: Duration, size: Int) -> Double? {
        guard let index = clusters.firstIndex(where: { $0.cluster.id == id }) else { return nil }
        var progress = clusters[index]
        progress.packets += 1
        progress.bytes += size
        if let before = progress.sent {
            let isLast = sent >= before.last
            progress.sent = (min(before.first, sent), max(before.last, sent), isLast ? size : before.lastSize)
        } else {
            progress.sent = (sent, sent, size)
        }
        if let before = progress.arrived {
            let isFirst = arrived < before.first
            progress.arrived = (
                min(before.first, arrived), max(before.last, arrived), isFirst ? size : before.firstSize
            )
        } else {
            progress.arrived = (arrived, arrived, size)
        }
        clusters[index] = progress
        return Self.bitrate(of: progress)
    }

    private static func bitrate(of progress: Progress) -> Double? {
        let cluster = progress.cluster
        guard Double(progress.packets) >= leastPart * Double(cluster.minimumPackets),
            Double(progress.bytes) >= leastPart * Double(cluster.minimumBytes),
            let sent = progress.sent, let arrived = progress.arrived
        else { return nil }
        let (departure, arrival) = (sent.last - sent.first, arrived.last - arrived.first)
        guard departure > .zero, departure <= maximumDuration, arrival > .zero, arrival <= maximumDuration else {
            return nil
        }
        // the last to leave takes no part of the time of departure, the first to arrive none of the arrival's
        let departureRate = Double(progress.bytes - sent.lastSize) * 8 / departure.inSeconds
        let arrivalRate = Double(progress.bytes - arrived.firstSize) * 8 / arrival.inSeconds
        guard departureRate > 0, arrivalRate > 0, arrivalRate <= maximumRatio * departureRate else { return nil }
        return arrivalRate < saturated * departureRate ? utilization * arrivalRate : min(departureRate, arrivalRate)
    }
}
