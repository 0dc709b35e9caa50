import Wire

/// The rate that losses allow, by libwebrtc's second loss-based estimator: which link explains the losses of the last
/// seconds best, one that loses a part of everything, or one that loses what is beyond its rate?
///
/// The draft's controller (draft-ietf-rmcat-gcc-02 §6) cannot tell these apart: a radio link that loses 5 % at any rate
/// would never let it increase. Here a link has two parameters, its inherent loss and its bandwidth, and
///
///     P(loss at rate r) = inherent + (1 − inherent) · max(0, r − bandwidth) / r
///
/// Of some candidates for the bandwidth, each with the inherent loss that fits it (one step of Newton's method), that of
/// the greatest likelihood is taken, with a slight preference for the greater.
struct LossBasedBound: Sendable {
    /// What of the losses is heeded.
    enum State: Hashable, Sendable { case delayLimited, increasing, decreasing }

    /// What feedback told of some packets.
    struct Report: Sendable {
        var packets = 0
        /// Of these, the lost; negative where what was taken for lost arrived.
        var lost = 0
        var bytes = 0
        /// When the first and the last of them were sent.
        var sent: ClosedRange<Instant>?
    }

    private struct Observation: Sendable {
        let received: Double
        let lost: Double
        /// bit/s
        let bitrate: Double
    }

    private struct Link: Sendable {
        var bandwidth: Double
        var inherentLoss: Double
    }

    private static let window = 20
    private static let leastObservations = 3
    private static let leastDuration = Duration.milliseconds(250)
    private static let temporalWeight = 0.9
    private static let newtonStep = 0.75
    private static let candidateFactors = [1.02, 1.0, 0.95]
    private static let inherentLosses = 0.001...1.0
    /// draft §6: more than 10 % of losses are congestion. The less the rate, the more is borne.
    private static let bearableLoss = 0.1
    private static let bearableLossBalance = 75_000.0
    /// How much greater bandwidths are preferred, by kbit/s and by its logarithm, while less than this is lost.
    private static let preference = (linear: 0.0002, logarithmic: 0.02, untilLoss: 0.15, smoothing: 0.002)
    /// The increase in one `increaseWindow` after a loss.
    private static let maximumIncrease = 1.3
    private static let increaseWindow = Duration.milliseconds(500)

    /// Newest last; `next` is where the next one goes when there are `window`.
    private var observations: [Observation] = []
    private var next = 0
    private var partial = Report()
    private var link: Link
    private var lastObserved: Instant?
    private var recovering: (since: Instant, limit: Double)?

    private(set) var state = State.delayLimited
    /// The part of the packets that was lost in the last seconds, the latest counting most: 0 to 1.
    private(set) var averageLoss = 0.0

    init(bitrate: Double) {
        link = Link(bandwidth: bitrate, inherentLoss: 0.01)
        observations.reserveCapacity(Self.window)
    }

    /// The most that losses allow, in bit/s; nil while too little is known of them.
    var bitrate: Double? {
        guard observations.count >= Self.leastObservations else { return nil }
        return state == .delayLimited ? instantBound : min(link.bandwidth, instantBound ?? .infinity)
    }

    /// Whether no more is lost than a link may lose of itself.
    var isBearable: Bool { averageLoss <= Self.bearableLoss }

    /// What so much loss allows whatever the model says.
    private var instantBound: Double? {
        averageLoss > Self.bearableLoss ? Self.bearableLossBalance / (averageLoss - Self.bearableLoss) : nil
    }

    /// Takes a rate at which a probe arrived.
    mutating func probed(_ bitrate: Double) {
        link.bandwidth = max(link.bandwidth, bitrate)
        recovering = nil
    }

    /// Takes what feedback told. `delayBased` is what the delay allows, `acknowledged` what arrives; nil for the latter
    /// where it is not known, or was not limited by the network. All in bit/s.
    mutating func handle(_ report: Report, delayBased: Double, acknowledged: Double?) {
        partial.packets += report.packets
        partial.lost += report.lost
        partial.bytes += report.bytes
        guard let sent = report.sent else { return }
        let since = lastObserved ?? sent.lowerBound
        lastObserved = since
        let duration = sent.upperBound - since
        guard duration >= Self.leastDuration, partial.packets > 0 else { return }
        lastObserved = sent.upperBound
        observe(for: duration)
        guard observations.count >= Self.leastObservations else {
            link.bandwidth = delayBased
            return
        }
        choose(delayBased: delayBased, acknowledged: acknowledged, at: sent.upperBound)
    }

    private mutating func observe(for duration: Duration) {
        let lost = Double(min(max(partial.lost, 0), partial.packets))
        let observation = Observation(
            received: Double(partial.packets) - lost, lost: lost,
            bitrate: Double(partial.bytes) * 8 / duration.inSeconds)
        partial = Report()
        if observations.count < Self.window {
            observations.append(observation)
        } else {
            observations[next] = observation
            next = (next + 1) % Self.window
        }
        let (packets, losses) = weighted((0.0, 0.0)) { ($0.0 + $2 * ($1.received + $1.lost), $0.1 + $2 * $1.lost) }
        averageLoss = losses / packets
    }

    /// Goes through the observations, the newest first, which has the weight of 1.
    private func weighted<Sum>(_ initial: Sum, _ add: (Sum, Observation, Double) -> Sum) -> Sum {
        var (sum, weight) = (initial, 1.0)
        for age in 1...observations.count {
            sum = add(sum, observations[(next + observations.count - age) % observations.count], weight)
            weight *= Self.temporalWeight
        }
        return sum
    }

    private mutating func choose(delayBased: Double, acknowledged: Double?, at now: Instant) {
        let isLimited = state != .delayLimited
        let highest = isLimited ? recovering?.limit ?? .infinity : .infinity
        var best: (link: Link, likelihood: Double)?
        func consider(_ bandwidth: Double) {
            var candidate = link
            candidate.bandwidth = min(bandwidth, max(link.bandwidth, highest))
            fit(&candidate)
            let likelihood = likelihood(of: candidate)
            if likelihood > best?.likelihood ?? -.infinity { best = (candidate, likelihood) }
        }
        for factor in Self.candidateFactors { consider(factor * link.bandwidth) }
        if let acknowledged { consider(acknowledged) }
        if delayBased > link.bandwidth { consider(delayBased) }
        guard var chosen = best?.link else { return }

        // what is lost is more than the link loses of itself
        if averageLoss > chosen.inherentLoss { chosen.bandwidth = min(chosen.bandwidth, link.bandwidth) }
        if isLimited, let recovering, now - recovering.since < Self.increaseWindow {
            chosen.bandwidth = min(chosen.bandwidth, max(recovering.limit, link.bandwidth))
        }
        if chosen.bandwidth >= delayBased {
            state = .delayLimited
        } else if chosen.bandwidth > link.bandwidth || chosen.bandwidth == link.bandwidth && state == .increasing {
            state = .increasing
        } else {
            state = .decreasing
        }
        link = chosen
        if state == .delayLimited {
            recovering = nil
        } else if recovering.map({ now - $0.since >= Self.increaseWindow }) ?? true {
            recovering = (now, link.bandwidth * Self.maximumIncrease)
        }
    }

    // MARK: The model

    private func lossProbability(_ link: Link, at bitrate: Double) -> Double {
        let excess = bitrate > link.bandwidth ? (bitrate - link.bandwidth) / bitrate : 0
        return min(max(link.inherentLoss + (1 - link.inherentLoss) * excess, 1e-6), 1 - 1e-6)
    }

    /// Moves the inherent loss towards what fits the observations best.
    private func fit(_ link: inout Link) {
        func feasible(_ loss: Double) -> Double {
            let bound = min(Self.bearableLoss + Self.bearableLossBalance / max(link.bandwidth, 1), 1)
            return min(max(loss, Self.inherentLosses.lowerBound), bound)
        }
        link.inherentLoss = feasible(link.inherentLoss)
        let fitted = link
        let (first, second) = weighted((0.0, 0.0)) {
            let loss = lossProbability(fitted, at: $1.bitrate)
            return (
                $0.0 + $2 * ($1.lost / loss - $1.received / (1 - loss)),
                $0.1 + $2 * ($1.lost / (loss * loss) + $1.received / ((1 - loss) * (1 - loss)))
            )
        }
        if second > 0 { link.inherentLoss = feasible(link.inherentLoss + Self.newtonStep * first / second) }
    }

    private func likelihood(of link: Link) -> Double {
        let kilobits = link.bandwidth / 1000
        let margin = Self.preference.untilLoss - averageLoss
        let sign = margin / (Self.preference.smoothing + abs(margin))
        let bias =
            sign * (Self.preference.linear * kilobits + Self.preference.logarithmic * naturalLogarithm(1 + kilobits))
        return weighted(0.0) {
            let loss = lossProbability(link, at: $1.bitrate)
            let fit = $1.lost * naturalLogarithm(loss) + $1.received * naturalLogarithm(1 - loss)
            return $0 + $2 * (fit + bias * ($1.received + $1.lost))
        }
    }
}
