import Congestion
import Wire

/// A viewer: an encoder that follows the estimator, the pacer, and a receiver that sends feedback.
final class SimulatedFlow {
    struct Settings {
        var start = Duration.zero
        var configuration = BandwidthEstimator.Configuration()
        /// The most that the encoder makes, in bit/s.
        var encoderMaximum = 2.5e6
        /// The same where it changes.
        var encoderLimit: ((Instant) -> Double)?
        /// How often the receiver sends feedback.
        var feedbackInterval = Duration.milliseconds(50)
        /// The way of the feedback.
        var feedbackDelay = Duration.milliseconds(25)
        /// When feedback is lost on its way.
        var feedbackLost: ((Instant) -> Bool)?
        /// What feedback is late beyond its way.
        var feedbackLate: ((Instant) -> Duration)?
        var hasFeedback = true
        var canPad = true
        /// The first transport-wide sequence number, and the receiver's clock at the start.
        var firstNumber: UInt16 = 1
        var receiverClock: UInt32 = 77
    }

    /// What was seen in one tenth of a second.
    struct Tenth {
        var target = 0.0
        var sentBytes = 0
        var receivedBytes = 0
        var queueing = Duration.zero
        var loss: Double?
        var usage = BandwidthUsage.normal
    }

    static let packetSize = 1200

    let index: Int
    let settings: Settings
    private(set) var estimator: BandwidthEstimator
    private(set) var pacer: Pacer<Int>
    private(set) var tenths: [Tenth] = []
    private(set) var clusters: [(cluster: ProbeCluster, at: Instant)] = []
    private(set) var departures: [(size: Int, at: Instant, cluster: ProbeCluster.ID?)] = []
    var keepsDepartures = false
    private let random: SeededRandomSource
    private var number: UInt16
    private var nextFrame: Instant
    private var nextAudio: Instant
    private var wantsKeyFrame = true
    private var arrived: [(number: UInt16, at: Instant)] = []
    private var nextFeedback: Instant
    private var reportFrom: UInt16
    private var feedback: [(at: Instant, base: UInt16, count: UInt16, arrivals: [PacketArrival])] = []

    init(_ index: Int, _ settings: Settings, random: SeededRandomSource) {
        (self.index, self.settings, self.random) = (index, settings, random)
        estimator = BandwidthEstimator(configuration: settings.configuration)
        estimator.demand = settings.encoderMaximum * 1.1
        var pacing = PacerConfiguration()
        pacing.maximumPaddingSize = settings.canPad ? 1000 : 0
        pacer = Pacer(bitrate: settings.configuration.startBitrate, configuration: pacing)
        number = settings.firstNumber
        reportFrom = settings.firstNumber
        nextFrame = .zero + settings.start
        nextAudio = nextFrame
        nextFeedback = nextFrame + settings.feedbackInterval
    }

    private func tenth(at now: Instant) -> Int {
        let index = Int((now - .zero) / .milliseconds(100))
        while tenths.count <= index { tenths.append(Tenth(target: estimator.targetBitrate)) }
        return index
    }

    /// What happens until `now`, when the last step ended.
    func step(at now: Instant, _ link: SimulatedLink) {
        guard now - .zero >= settings.start else { return }
        let slot = tenth(at: now)
        receive(at: now)
        if let deadline = estimator.deadline, deadline <= now {
            estimator.timePassed(at: now)
            pacer.follow(estimator, at: now)
        }
        encode(at: now)
        drain(at: now)
        while let departure = pacer.nextDeparture(at: now) {
            let (size, cluster): (Int, ProbeCluster.ID?) =
                switch departure {
                case .packet(let size, let cluster): (size, cluster)
                case .padding(let size, let cluster): (size, cluster)
                }
            if settings.hasFeedback { estimator.packetSent(number: number, size: size, cluster: cluster, at: now) }
            if keepsDepartures { departures.append((size, now, cluster)) }
            tenths[slot].sentBytes += size
            link.send(flow: index, number: number, size: size, at: now)
            number &+= 1
        }
        drain(at: now)
        tenths[slot].target = estimator.targetBitrate
        tenths[slot].loss = estimator.lossFraction
        if estimator.usage != .normal { tenths[slot].usage = estimator.usage }
    }

    private func drain(at now: Instant) {
        while let output = estimator.nextOutput() {
            guard case .probe(let cluster) = output else { continue }
            clusters.append((cluster, now))
            pacer.probe(cluster)
        }
    }

    private func encode(at now: Instant) {
        if nextAudio <= now {
            pacer.enqueueAudio(120, size: 120, at: now)
            nextAudio += .milliseconds(20)
        }
        guard nextFrame <= now else { return }
        nextFrame += .nanoseconds(33_333_333)
        let limit = settings.encoderLimit?(now) ?? settings.encoderMaximum
        let bitrate = min(limit, max(estimator.targetBitrate - 48_000, 50_000))
        var bytes = bitrate / 8 / 30 * (0.8 + Double(random.below(400)) / 1000)
        let isKeyFrame = wantsKeyFrame
        if isKeyFrame { bytes *= 4 }
        wantsKeyFrame = false
        let count = max(Int(bytes) / Self.packetSize + 1, 1)
        let size = max(Int(bytes) / count, 60)
        let outcome = pacer.enqueueFrame(packets: count, isKeyFrame: isKeyFrame, at: now) { _ in (size, size) }
        if outcome == .dropped || isKeyFrame && pacer.isDropping { wantsKeyFrame = pacer.wantsKeyFrame }
        if pacer.wantsKeyFrame { wantsKeyFrame = true }
    }

    // MARK: The receiver

    func deliver(_ delivery: SimulatedLink.Delivery) {
        arrived.append((delivery.number, delivery.arrives))
        let slot = tenth(at: delivery.arrives)
        tenths[slot].receivedBytes += delivery.size
    }

    func noteQueueing(_ delay: Duration, at now: Instant) {
        guard now - .zero >= settings.start else { return }
        let slot = tenth(at: now)
        tenths[slot].queueing = max(tenths[slot].queueing, delay)
    }

    private func receive(at now: Instant) {
        if nextFeedback <= now {
            nextFeedback += settings.feedbackInterval
            sendFeedback(at: now)
        }
        while let first = feedback.first, first.at <= now {
            feedback.removeFirst()
            estimator.handleTransportFeedback(
                base: first.base, count: first.count, arrivals: first.arrivals, at: now)
            pacer.follow(estimator, at: now)
        }
    }

    private func sendFeedback(at now: Instant) {
        let ready = arrived.prefix { $0.at <= now }
        guard settings.hasFeedback, let last = ready.last else { return }
        arrived.removeFirst(ready.count)
        let arrivals = ready.map { packet in
            PacketArrival(
                number: packet.number,
                ticks: settings.receiverClock &+ UInt32((packet.at - .zero) / PacketArrival.tick))
        }
        let base = reportFrom
        reportFrom = last.number &+ 1
        if settings.feedbackLost?(now) ?? false { return }
        let late = settings.feedbackLate?(now) ?? .zero
        feedback.append((now + settings.feedbackDelay + late, base, last.number &- base &+ 1, arrivals))
    }
}

extension SimulatedFlow {
    /// The tenths of a second from `start` to `end`, in seconds.
    func tenths(_ start: Double, _ end: Double) -> ArraySlice<Tenth> {
        tenths[min(Int(start * 10), tenths.count)..<min(Int(end * 10), tenths.count)]
    }

    /// The mean target, in bit/s.
    func target(_ start: Double, _ end: Double) -> Double {
        let part = tenths(start, end)
        return part.map(\.target).reduce(0, +) / Double(part.count)
    }

    func lowestTarget(_ start: Double, _ end: Double) -> Double { tenths(start, end).map(\.target).min() ?? 0 }

    /// What arrived, in bit/s.
    func received(_ start: Double, _ end: Double) -> Double {
        let part = tenths(start, end)
        return Double(part.map(\.receivedBytes).reduce(0, +)) * 80 / Double(part.count)
    }

    /// The mean of the loss that the estimator saw.
    func loss(_ start: Double, _ end: Double) -> Double {
        let losses = tenths(start, end).compactMap(\.loss)
        return losses.reduce(0, +) / Double(losses.count)
    }

    /// The longest wait in the bottleneck.
    func queueing(_ start: Double, _ end: Double) -> Duration {
        tenths(start, end).map(\.queueing).max() ?? .zero
    }
}

/// Flows that share a link, in virtual time.
func simulate(
    _ settings: [SimulatedFlow.Settings], over conditions: SimulatedLink.Conditions, seed: UInt64, for time: Duration
) -> [SimulatedFlow] {
    let random = SeededRandomSource(seed: seed)
    let link = SimulatedLink(conditions, random: random)
    let flows = settings.enumerated().map { SimulatedFlow($0.offset, $0.element, random: random) }
    let step = Duration.milliseconds(1)
    var now = Instant.zero
    while now - .zero < time {
        now += step
        for delivery in link.step(to: now, by: step) { flows[delivery.flow].deliver(delivery) }
        for flow in flows {
            flow.step(at: now, link)
            flow.noteQueueing(link.queueingDelay(at: now), at: now)
        }
    }
    return flows
}
