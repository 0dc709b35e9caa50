import Wire

/// When to probe, and at which rate (libwebrtc's probe controller).
struct ProbePlan: Sendable {
    /// What decides on probes.
    struct Situation {
        /// bit/s
        let target: Double
        /// What is of use to the application, in bit/s.
        let demand: Double
        /// More is never tried, in bit/s.
        let ceiling: Double
        let isApplicationLimited: Bool
        /// Whether the queue rests and losses hold nothing back.
        let isQuiet: Bool
    }

    /// The first probes, times the start rate.
    private static let initialFactors = [3.0, 6.0]
    private static let factor = 2.0
    /// A probe that shows this part of its rate is followed by a greater one.
    private static let success = 0.7
    /// What does not answer in this time is not waited for.
    private static let patience = Duration.seconds(1)
    /// Between probes while the application sends less than it may, and after a drop, which may pass: a path that falls to a
    /// fifth is then used again within ten seconds of being back, which with libwebrtc's five seconds it is not always …
    private static let interval = Duration.seconds(3)
    /// … for this time; a link that stayed slow for so long is one.
    private static let hope = Duration.seconds(60)
    private static let longInterval = Duration.seconds(15)
    /// Probes of which nothing was heard, or feedback of them was lost, are repeated sooner, so often at most.
    private static let retries = 3
    private static let retryInterval = Duration.seconds(2)
    /// When a path is back that was gone, it is most likely what it was: this part of its rate is tried.
    private static let returnFactor = 0.5
    /// draft §5.5's decrease is 0.85; this is more than that twice.
    private static let largeDrop = 0.66
    /// More than the demand is of no use, but for its peaks.
    private static let headroom = 1.2

    private var nextID: Int32 = 0
    private var lastProbe: Instant?
    /// The greatest rate of which the outcome is waited for, in bit/s.
    private var awaited: Double?
    private var isAnswered = false
    /// Probes in a row of which nothing was heard.
    private var unanswered = 0
    private var lastDrop: Instant?
    /// The greatest rate since it fell, in bit/s.
    private var highest = 0.0
    /// The greatest rate before the falls that there is hope after, in bit/s.
    private var highestBefore = 0.0
    /// Whether the path was gone and is back.
    private var hasReturned = false

    /// The probes at the start.
    mutating func start(
        at bitrate: Double, ceiling: Double, firstProbe: Double?, at now: Instant
    ) -> [ProbeCluster] {
        lastDrop = now
        lastProbe = now
        if let firstProbe { return [cluster(firstProbe, at: now)] }
        var clusters: [ProbeCluster] = []
        for factor in Self.initialFactors where bitrate * factor <= ceiling || clusters.last?.bitrate != ceiling {
            guard bitrate < ceiling else { break }
            clusters.append(cluster(min(bitrate * factor, ceiling), at: now))
        }
        return clusters
    }

    /// Takes the outcome of a probe, in bit/s. Returns the next one, where it is worth a try.
    mutating func probed(_ bitrate: Double, _ situation: Situation, at now: Instant) -> ProbeCluster? {
        (isAnswered, unanswered) = (true, 0)
        guard let awaited, bitrate >= Self.success * awaited else { return nil }
        let next = min(Self.factor * bitrate, situation.ceiling)
        guard bitrate < Self.headroom * situation.demand, next > awaited else {
            self.awaited = nil
            return nil
        }
        return cluster(next, at: now)
    }

    /// Follows the target, in bit/s, so that a drop is seen.
    mutating func follow(_ target: Double, at now: Instant) {
        if target < Self.largeDrop * highest {
            let hopes = lastDrop.map { now - $0 < Self.hope } ?? false
            highestBefore = hopes ? max(highestBefore, highest) : highest
            lastDrop = now
            highest = target
        }
        highest = max(highest, target)
    }

    /// The probe that is due, if there is one.
    mutating func timePassed(_ situation: Situation, at now: Instant) -> ProbeCluster? {
        guard let lastProbe else { return nil }
        if now - lastProbe >= Self.patience, awaited != nil {
            awaited = nil
            if !isAnswered { unanswered += 1 }
        }
        guard awaited == nil, situation.isQuiet, situation.target < Self.headroom * situation.demand,
            situation.target < situation.ceiling, now - lastProbe >= interval(situation, at: now)
        else { return nil }
        let before = hasReturned ? Self.returnFactor * highestBefore : 0
        hasReturned = false
        return cluster(min(max(Self.factor * situation.target, before), situation.ceiling), at: now)
    }

    /// Wants the next one soon, for the path is back.
    mutating func hasten(at now: Instant) {
        lastDrop = now
        lastProbe = now - Self.interval
        awaited = nil
        hasReturned = true
    }

    private func interval(_ situation: Situation, at now: Instant) -> Duration {
        if unanswered > 0, unanswered <= Self.retries { return Self.retryInterval }
        let hopes = situation.isApplicationLimited || lastDrop.map { now - $0 < Self.hope } ?? false
        return hopes ? Self.interval : Self.longInterval
    }

    private mutating func cluster(_ bitrate: Double, at now: Instant) -> ProbeCluster {
        nextID &+= 1
        lastProbe = now
        isAnswered = false
        awaited = max(awaited ?? 0, bitrate)
        return ProbeCluster(id: ProbeCluster.ID(rawValue: nextID), bitrate: bitrate)
    }
}
