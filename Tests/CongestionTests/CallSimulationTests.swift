import Congestion
import Testing
import Wire

/// Viewers on simulated networks, in virtual time.
@Suite struct CallSimulationTests {
    private static func link(_ bitrate: Double, queue: Duration = .milliseconds(1000)) -> SimulatedLink.Conditions {
        var conditions = SimulatedLink.Conditions()
        conditions.rates = [(.zero, bitrate)]
        conditions.queue = queue
        return conditions
    }

    /// 3 Mbit/s that fall to 600 kbit/s for 20 s, with a round trip of 50 ms.
    private static func fallingLink(queue: Duration) -> SimulatedLink.Conditions {
        var conditions = link(3e6, queue: queue)
        conditions.rates = [(.zero, 3e6), (.seconds(20), 6e5), (.seconds(40), 3e6)]
        return conditions
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a link that falls to a fifth is followed in three seconds, and in ten when it is back`(seed: UInt64) {
        let flow = simulate(
            [.init()], over: Self.fallingLink(queue: .milliseconds(1000)), seed: seed, for: .seconds(60))[0]
        #expect(flow.lowestTarget(10, 20) > 0.85 * 3e6)
        // What was sent before feedback of the fall could be here fills the queue; it is gone a second later.
        #expect(flow.queueing(20, 21) < .milliseconds(800))
        #expect(flow.queueing(21, 40) < .milliseconds(250))
        #expect(flow.queueing(0, 20) < .milliseconds(100))
        #expect(flow.received(23, 25) > 0.85 * 6e5)
        #expect(flow.target(23, 25) < 1.1 * 6e5)
        #expect(flow.received(23, 40) > 0.85 * 6e5)
        #expect(flow.lowestTarget(50, 60) > 0.85 * 3e6)
        #expect(flow.received(50, 60) > 2.4e6)
        #expect(flow.queueing(40, 60) < .milliseconds(100))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a short queue never waits longer than it holds, and what it drops holds nothing back for long`(seed: UInt64) {
        let flow = simulate(
            [.init()], over: Self.fallingLink(queue: .milliseconds(200)), seed: seed, for: .seconds(60))[0]
        #expect(flow.queueing(0, 60) < .milliseconds(250))
        #expect(flow.received(23, 40) > 0.85 * 6e5)
        #expect(flow.lowestTarget(50, 60) > 0.85 * 3e6)
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `an encoder that would take the whole link gets 85 % of it with a short queue`(seed: UInt64) {
        var settings = SimulatedFlow.Settings()
        settings.encoderMaximum = 8e6
        let flow = simulate(
            [settings], over: Self.fallingLink(queue: .milliseconds(1000)), seed: seed, for: .seconds(60))[0]
        #expect(flow.received(10, 20) > 0.85 * 3e6)
        #expect(flow.received(23, 25) > 0.85 * 6e5)
        #expect(flow.received(50, 60) > 0.85 * 3e6)
        #expect(flow.queueing(5, 20) < .milliseconds(150))
        #expect(flow.queueing(22, 40) < .milliseconds(250))
        #expect(flow.queueing(42, 60) < .milliseconds(250))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `random loss of a twentieth leaves the application its rate`(seed: UInt64) {
        var conditions = Self.link(1e7)
        conditions.loss = 0.05
        let flow = simulate([.init()], over: conditions, seed: seed, for: .seconds(60))[0]
        #expect(flow.lowestTarget(8, 60) > 2.5e6)
        #expect((0.04...0.06).contains(flow.loss(10, 60)))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a source that sends little is taken for no sign of a slow link, and may send more at once`(seed: UInt64) {
        var settings = SimulatedFlow.Settings()
        settings.encoderLimit = { $0 < .zero + .seconds(30) ? 2e5 : 2.5e6 }
        let flow = simulate([settings], over: Self.link(4e6), seed: seed, for: .seconds(40))[0]
        #expect(flow.lowestTarget(20, 40) > 2.5e6)
        #expect(flow.received(1, 30) < 4e5)
        #expect(flow.received(31, 40) > 2.4e6)
        #expect(flow.queueing(0, 40) < .milliseconds(150))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a link that fell while little was sent is noticed when more is`(seed: UInt64) {
        var settings = SimulatedFlow.Settings()
        settings.encoderLimit = { $0 < .zero + .seconds(30) ? 2e5 : 2.5e6 }
        var conditions = Self.link(4e6)
        conditions.rates.append((from: .seconds(20), bitrate: 1e6))
        let flow = simulate([settings], over: conditions, seed: seed, for: .seconds(45))[0]
        #expect(flow.target(33, 45) < 1.1e6)
        #expect(flow.received(33, 45) > 0.8e6)
        #expect(flow.queueing(32, 45) < .milliseconds(250))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `two that share a link share it, and use it`(seed: UInt64) {
        var (first, second) = (SimulatedFlow.Settings(), SimulatedFlow.Settings())
        (first.encoderMaximum, second.encoderMaximum) = (1e7, 1e7)
        second.start = .seconds(10)
        let flows = simulate([first, second], over: Self.link(4e6), seed: seed, for: .seconds(120))
        let rates = flows.map { $0.received(40, 120) }
        #expect(rates.reduce(0, +) > 0.7 * 4e6)
        #expect(rates.min() ?? 0 > 0.15 * 4e6, "\(rates)")
        #expect(flows[0].queueing(15, 120) < .milliseconds(400))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `jitter is no congestion`(seed: UInt64) {
        var conditions = Self.link(5e6)
        conditions.jitter = .milliseconds(20)
        let flow = simulate([.init()], over: conditions, seed: seed, for: .seconds(60))[0]
        #expect(flow.received(5, 60) > 0.85 * 2.5e6)
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `others who come and go are made room for, and what they leave is used`(seed: UInt64) {
        var conditions = Self.link(3e6, queue: .milliseconds(400))
        conditions.crossTraffic = (bitrate: 1.5e6, on: .seconds(10), off: .seconds(10))
        let flow = simulate([.init()], over: conditions, seed: seed, for: .seconds(80))[0]
        #expect(flow.received(25, 30) > 0.7 * 1.5e6)
        #expect(flow.received(36, 40) > 0.85 * 2.5e6)
        #expect(flow.received(45, 50) > 0.7 * 1.5e6)
        #expect(flow.queueing(22, 30) < .milliseconds(250))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `without feedback the rate falls to the least, and is back soon after it`(seed: UInt64) {
        var settings = SimulatedFlow.Settings()
        settings.feedbackLost = { ($0 - .zero) / .seconds(1) > 20 && ($0 - .zero) / .seconds(1) < 30 }
        let flow = simulate([settings], over: Self.link(4e6), seed: seed, for: .seconds(45))[0]
        #expect(flow.target(23, 30) < 0.2 * 2.5e6)
        #expect(flow.lowestTarget(29, 30) == settings.configuration.minimumBitrate)
        #expect(flow.lowestTarget(40, 45) > 2.5e6)
        #expect(flow.estimator.statistics.feedbackTimeouts >= 5)
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a third of the feedback lost costs a little`(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var settings = SimulatedFlow.Settings()
        settings.feedbackLost = { _ in random.below(3) == 0 }
        let flow = simulate([settings], over: Self.link(4e6), seed: seed, for: .seconds(40))[0]
        // the first probes may be among those that nothing is heard of
        #expect(flow.received(15, 40) > 0.85 * 2.5e6)
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `feedback that is late by two seconds lets the rate fall and no further, and is no trap`(seed: UInt64) {
        var settings = SimulatedFlow.Settings()
        settings.feedbackLate = {
            let time = ($0 - .zero) / .seconds(1)
            return time > 20 && time < 25 ? .seconds(2) : .zero
        }
        let flow = simulate([settings], over: Self.link(4e6), seed: seed, for: .seconds(45))[0]
        #expect(flow.lowestTarget(20, 26) < 2e6)
        #expect(flow.lowestTarget(38, 45) > 2.5e6)
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a link that stands still for five seconds holds little, and goes on when it does`(seed: UInt64) {
        var conditions = Self.link(4e6, queue: .seconds(1_000_000))
        conditions.rates = [(.zero, 4e6), (.seconds(20), 1000), (.seconds(25), 4e6)]
        let flow = simulate([.init()], over: conditions, seed: seed, for: .seconds(40))[0]
        // 2.5 Mbit/s for five seconds are 1.5 MB
        let sent = flow.tenths(20, 25).map(\.sentBytes).reduce(0, +)
        #expect(sent < 300_000)
        #expect(flow.queueing(26, 40) < .milliseconds(250))
        #expect(flow.lowestTarget(35, 40) > 2.5e6)
        #expect(flow.received(35, 40) > 2.4e6)
    }

    @Test func `numbers and clocks that wrap change nothing`() {
        var settings = SimulatedFlow.Settings()
        let plain = simulate(
            [settings], over: Self.fallingLink(queue: .milliseconds(1000)), seed: 3, for: .seconds(50))[0]
        settings.firstNumber = 65_000
        settings.receiverClock = .max - 4000
        let wrapped = simulate(
            [settings], over: Self.fallingLink(queue: .milliseconds(1000)), seed: 3, for: .seconds(50))[0]
        #expect(plain.tenths.map(\.target) == wrapped.tenths.map(\.target))
        #expect(plain.estimator.statistics == wrapped.estimator.statistics)
        #expect(plain.estimator.statistics.packetsAcknowledged > 10_000)
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `the start reaches the application's rate in two seconds`(seed: UInt64) {
        let flow = simulate([.init()], over: Self.link(4e6), seed: seed, for: .seconds(5))[0]
        #expect(flow.lowestTarget(2, 5) > 2.5e6)
        #expect(flow.queueing(0, 5) < .milliseconds(150))
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `without padding the media itself probes`(seed: UInt64) {
        var settings = SimulatedFlow.Settings()
        settings.canPad = false
        let flow = simulate([settings], over: Self.link(4e6), seed: seed, for: .seconds(30))[0]
        #expect(flow.pacer.statistics.padding.packets == 0)
        #expect(flow.received(20, 30) > 0.85 * 2.5e6)
    }
}
