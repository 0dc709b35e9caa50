import Congestion
import Testing
import Wire

/// What the estimator makes of single messages, true ones and others.
@Suite struct FeedbackTests {
    /// An estimator that has sent `count` packets, one each 10 ms, numbered from `first` on.
    private static func estimator(sent count: Int, from first: UInt16 = 100, size: Int = 1000) -> BandwidthEstimator {
        var estimator = BandwidthEstimator()
        for index in 0..<count {
            estimator.packetSent(number: first &+ UInt16(index), size: size, at: at(index * 10))
        }
        return estimator
    }

    private static func at(_ milliseconds: Int) -> Instant { .zero + .seconds(1000) + .milliseconds(milliseconds) }

    /// Arrivals 25 ms after each packet left.
    private static func arrivals(_ indices: Range<Int>, from first: UInt16 = 100, ticks: UInt32 = 0) -> [PacketArrival]
    {
        indices.map { PacketArrival(number: first &+ UInt16($0), ticks: ticks &+ UInt32($0 * 40 + 100)) }
    }

    @Test func `what arrived is no longer in flight, and the round trip is without the receiver's wait`() {
        var estimator = Self.estimator(sent: 10)
        #expect(estimator.bytesInFlight == 10_000)
        #expect(estimator.roundTripTime == nil)
        #expect(estimator.congestionWindow == .max)
        // the last left at 90 ms and arrived at 115; feedback is here at 140
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<10), at: Self.at(140))
        #expect(estimator.bytesInFlight == 0)
        #expect(estimator.roundTripTime == .milliseconds(50))
        #expect(estimator.minimumRoundTripTime == .milliseconds(50))
        #expect(estimator.statistics.packetsAcknowledged == 10)
        #expect(estimator.lossFraction == 0)
    }

    @Test func `what a message covers and does not name was lost, and may arrive after all`() {
        var estimator = Self.estimator(sent: 10)
        var arrivals = Self.arrivals(0..<10)
        let late = arrivals.remove(at: 4)
        arrivals.remove(at: 6)
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: arrivals, at: Self.at(140))
        #expect(estimator.statistics.packetsLost == 2)
        estimator.handleTransportFeedback(base: 104, count: 1, arrivals: [late], at: Self.at(150))
        #expect(estimator.statistics.packetsRecovered == 1)
        #expect(estimator.statistics.packetsAcknowledged == 9)
    }

    @Test func `what lies behind the last arrival is not lost yet`() {
        var estimator = Self.estimator(sent: 10)
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<5), at: Self.at(140))
        #expect(estimator.statistics.packetsLost == 0)
        #expect(estimator.bytesInFlight == 5000)
    }

    @Test func `numbers that were never sent are discarded and counted`() {
        var estimator = Self.estimator(sent: 10)
        let before = estimator.targetBitrate
        estimator.handleTransportFeedback(
            base: 5000, count: 20, arrivals: Self.arrivals(0..<20, from: 5000), at: Self.at(140))
        #expect(estimator.statistics.unknownArrivals == 20)
        #expect(estimator.statistics.feedbackMessages == 0)
        #expect(estimator.bytesInFlight == 10_000)
        #expect(estimator.targetBitrate == before)
    }

    @Test func `feedback before anything was sent is discarded`() {
        var estimator = BandwidthEstimator()
        estimator.handleTransportFeedback(base: 0, count: 3, arrivals: Self.arrivals(0..<3), at: Self.at(0))
        #expect(estimator.statistics.unknownArrivals == 3)
        #expect(estimator.deadline == nil)
    }

    @Test func `an arrival that was told is no news`() {
        var estimator = Self.estimator(sent: 10)
        for time in [140, 150] {
            estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<10), at: Self.at(time))
        }
        #expect(estimator.statistics.repeatedArrivals == 10)
        #expect(estimator.statistics.packetsAcknowledged == 10)
        #expect(estimator.statistics.feedbackMessages == 1)
    }

    @Test func `arrivals long before the last ones or in the future are discarded`() {
        var estimator = Self.estimator(sent: 40)
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<10), at: Self.at(140))
        var arrivals = Self.arrivals(10..<20)
        arrivals[3] = PacketArrival(number: 113, ticks: 0 &- 60_000)  // 15 s back
        arrivals[5] = PacketArrival(number: 115, ticks: 40_000)  // 10 s ahead
        estimator.handleTransportFeedback(base: 110, count: 10, arrivals: arrivals, at: Self.at(240))
        #expect(estimator.statistics.implausibleArrivals == 2)
        #expect(estimator.statistics.packetsAcknowledged == 18)
        #expect(estimator.statistics.clockJumps == 0)
    }

    @Test func `a receiver whose clock was set is followed from the next message on`() {
        var estimator = Self.estimator(sent: 40)
        let jump: UInt32 = 4_000_000
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<10), at: Self.at(140))
        for (message, time) in [(1, 240), (2, 340), (3, 440)] {
            let indices = message * 10..<(message + 1) * 10
            estimator.handleTransportFeedback(
                base: 100 + UInt16(indices.lowerBound), count: 10, arrivals: Self.arrivals(indices, ticks: jump),
                at: Self.at(time))
        }
        #expect(estimator.statistics.clockJumps == 1)
        #expect(estimator.statistics.implausibleArrivals == 10)
        #expect(estimator.statistics.packetsAcknowledged == 30)
    }

    @Test func `a message that claims everything costs no more than what was sent`() {
        var estimator = Self.estimator(sent: 10)
        let arrival = PacketArrival(number: 109, ticks: 460)
        estimator.handleTransportFeedback(base: 110, count: .max, arrivals: [arrival], at: Self.at(140))
        #expect(estimator.statistics.packetsLost == 9)
        #expect(estimator.bytesInFlight == 0)
    }

    @Test func `losses alone lower the rate, when they are many`() {
        var configuration = BandwidthEstimator.Configuration()
        configuration.startBitrate = 1e6
        var estimator = BandwidthEstimator(configuration: configuration)
        let random = SeededRandomSource(seed: 1)
        var number: UInt16 = 0
        var (lowest, before) = (Double.infinity, 0.0)
        for message in 0..<200 {
            if message == 100 { before = estimator.targetBitrate }
            let base = number
            var arrivals: [PacketArrival] = []
            for index in 0..<10 {
                let time = message * 100 + index * 10
                estimator.packetSent(number: number, size: 1200, at: Self.at(time))
                if message < 100 || random.below(2) == 0 {
                    arrivals.append(PacketArrival(number: number, ticks: UInt32(time * 4 + 100)))
                }
                number += 1
            }
            estimator.handleTransportFeedback(
                base: base, count: 10, arrivals: arrivals, at: Self.at(message * 100 + 140))
            if message > 150 { lowest = min(lowest, estimator.targetBitrate) }
        }
        #expect(before >= 1e6)
        #expect(lowest < before / 2)
        #expect(estimator.limitation == .loss)
        #expect(estimator.lossFraction ?? 0 > 0.4)
    }

    // MARK: Outputs and time

    @Test func `the first packet starts probes of three and six times the start rate`() {
        var estimator = Self.estimator(sent: 1)
        var rates: [Double] = []
        while let output = estimator.nextOutput() {
            if case .probe(let cluster) = output { rates.append(cluster.bitrate) }
        }
        #expect(rates == [9e5, 1.8e6])
        #expect(estimator.nextOutput() == nil)
    }

    @Test func `no probe exceeds twice the demand or the maximum`() {
        var configuration = BandwidthEstimator.Configuration()
        configuration.maximumBitrate = 1e6
        var estimator = BandwidthEstimator(configuration: configuration)
        estimator.demand = 4e5
        estimator.packetSent(number: 1, size: 1000, at: Self.at(0))
        var rates: [Double] = []
        while let output = estimator.nextOutput() {
            if case .probe(let cluster) = output { rates.append(cluster.bitrate) }
        }
        #expect(rates == [8e5])
    }

    @Test func `what sends nothing wants no look`() {
        var estimator = Self.estimator(sent: 10)
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<10), at: Self.at(140))
        var looks = 0
        while let deadline = estimator.deadline, looks < 100 {
            estimator.timePassed(at: deadline)
            looks += 1
        }
        #expect((5...15).contains(looks))
        estimator.packetSent(number: 110, size: 1000, at: Self.at(60_000))
        #expect(estimator.deadline != nil)
        #expect(estimator.statistics.feedbackTimeouts == 0)
    }

    // MARK: Peers without transport-wide feedback

    @Test func `the receiver's estimate is taken where there is nothing better`() {
        var estimator = BandwidthEstimator()
        estimator.handleREMB(2e6, at: Self.at(0))
        #expect(estimator.targetBitrate == 2e6)
        estimator.handleREMB(4e5, at: Self.at(1000))
        #expect(estimator.targetBitrate == 4e5)
        #expect(estimator.limitation == .receiver)
        estimator.handleREMB(.infinity, at: Self.at(1100))
        estimator.handleREMB(.nan, at: Self.at(1100))
        #expect(estimator.targetBitrate == 4e5)
        estimator.handleREMB(0, at: Self.at(1200))
        #expect(estimator.targetBitrate == estimator.configuration.minimumBitrate)
        estimator.handleREMB(1e18, at: Self.at(1300))
        #expect(estimator.targetBitrate == estimator.configuration.maximumBitrate)
    }

    @Test func `transport feedback outdoes the receiver's estimate`() {
        var estimator = Self.estimator(sent: 10)
        estimator.handleREMB(1e5, at: Self.at(100))
        #expect(estimator.targetBitrate == 1e5)
        estimator.handleTransportFeedback(base: 100, count: 10, arrivals: Self.arrivals(0..<10), at: Self.at(140))
        #expect(estimator.targetBitrate == 3e5)
    }

    @Test func `reports raise the rate below 2 % of loss, leave it up to 10 %, and lower it beyond`() {
        var estimator = BandwidthEstimator()
        func report(_ loss: Double, seconds: Int) -> Double {
            estimator.handleReceiverReport(
                fractionLost: loss, roundTripTime: .milliseconds(80), at: Self.at(seconds * 1000))
            return estimator.targetBitrate
        }
        #expect(report(0, seconds: 1) == 3e5 * 1.05)
        #expect(report(0.05, seconds: 2) == 3e5 * 1.05)
        #expect(report(0.5, seconds: 3) == 3e5 * 1.05 * 0.75)
        #expect(estimator.roundTripTime == .milliseconds(80))
        #expect(estimator.lossFraction == 0.5)
        _ = report(.nan, seconds: 4)
        #expect(estimator.lossFraction == 0.5)
    }
}
