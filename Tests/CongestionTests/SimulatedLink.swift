import Wire

/// A bottleneck: a queue of a bounded length that drains at a rate, then a delay, jitter and loss.
final class SimulatedLink {
    /// What arrives at the far end.
    struct Delivery {
        let flow: Int
        let number: UInt16
        let size: Int
        let sent: Instant
        let arrives: Instant
    }

    struct Conditions {
        /// bit/s from the start of the simulation on: the rate holds until the next entry's time.
        var rates: [(from: Duration, bitrate: Double)] = [(.zero, 3e6)]
        /// What the queue holds, by the time that it takes to drain.
        var queue = Duration.milliseconds(1000)
        /// One way.
        var delay = Duration.milliseconds(25)
        /// The part of the packets that is lost at random behind the queue.
        var loss = 0.0
        /// The most that a packet is late, evenly distributed; order is kept.
        var jitter = Duration.zero
        /// Others' packets: bit/s while they are on, and for how long they are on and off.
        var crossTraffic: (bitrate: Double, on: Duration, off: Duration)?
    }

    let conditions: Conditions
    private let random: SeededRandomSource
    private var waiting: [(flow: Int, number: UInt16, size: Int, queued: Instant)] = []
    private var head = 0
    private var waitingBytes = 0
    private var free = Instant.zero
    /// Bits of the first packet that have left.
    private var served = 0.0
    private var lastArrival = Instant.zero
    private var crossBytes = 0.0
    private(set) var dropped = 0

    init(_ conditions: Conditions, random: SeededRandomSource) {
        self.conditions = conditions
        self.random = random
    }

    func bitrate(at now: Instant) -> Double {
        conditions.rates.last { now - Instant.zero >= $0.from }?.bitrate ?? 1
    }

    /// How long a packet that comes now waits.
    func queueingDelay(at now: Instant) -> Duration {
        .nanoseconds(Int64(Double(waitingBytes) * 8e9 / bitrate(at: now)))
    }

    func send(flow: Int, number: UInt16, size: Int, at now: Instant) {
        guard queueingDelay(at: now) < conditions.queue else {
            dropped += 1
            return
        }
        waiting.append((flow, number, size, now))
        waitingBytes += size
    }

    /// Moves on by one step; returns what leaves the queue and is not lost, with the time it arrives.
    func step(to end: Instant, by step: Duration) -> [Delivery] {
        addCrossTraffic(at: end, step)
        var deliveries: [Delivery] = []
        while head < waiting.count {
            let packet = waiting[head]
            let start = max(free, packet.queued)
            let bitrate = bitrate(at: end)
            let finish = start + .nanoseconds(Int64((Double(packet.size) * 8 - served) * 1e9 / bitrate))
            guard finish <= end else {
                served += max((end - start).inSeconds, 0) * bitrate
                free = max(end, free)
                break
            }
            (free, served) = (finish, 0)
            head += 1
            waitingBytes -= packet.size
            guard packet.flow >= 0, Double(random.below(1_000_000)) >= conditions.loss * 1e6 else { continue }
            let late = conditions.jitter.nanoseconds
            let jitter = late > 0 ? Duration.nanoseconds(Int64(random.below(Int(late)))) : .zero
            lastArrival = max(lastArrival, finish + conditions.delay + jitter)
            deliveries.append(
                Delivery(
                    flow: packet.flow, number: packet.number, size: packet.size, sent: packet.queued,
                    arrives: lastArrival))
        }
        if head > 4096 {
            waiting.removeFirst(head)
            head = 0
        }
        return deliveries
    }

    private func addCrossTraffic(at now: Instant, _ step: Duration) {
        guard let cross = conditions.crossTraffic else { return }
        let phase = (now - Instant.zero).nanoseconds % (cross.on + cross.off).nanoseconds
        guard phase < cross.on.nanoseconds else { return }
        crossBytes += cross.bitrate / 8 * step.inSeconds
        while crossBytes >= 1200 {
            crossBytes -= 1200
            send(flow: -1, number: 0, size: 1200, at: now)
        }
    }
}
