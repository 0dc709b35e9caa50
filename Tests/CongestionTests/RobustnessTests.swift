import Congestion
import Testing
import Wire

/// Whatever a peer says and however time passes: no trap, nothing beyond its bounds, and all of it is accounted for.
@Suite struct RobustnessTests {
    @Test(arguments: 0..<12 as Range<UInt64>)
    func `random feedback neither traps nor leads out of the bounds`(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var configuration = BandwidthEstimator.Configuration()
        configuration.maximumBitrate = 5e6
        var estimator = BandwidthEstimator(configuration: configuration)
        var pacing = PacerConfiguration()
        pacing.maximumPaddingSize = 255
        var pacer = Pacer<Int>(bitrate: configuration.startBitrate, configuration: pacing)
        var (now, number) = (Instant.zero + .seconds(1), UInt16(truncatingIfNeeded: seed &* 9973))
        var (told, queued, left, clock) = (0, 0, 0, random.uint32())
        for _ in 0..<3000 {
            now += .microseconds(random.below(40_000))
            if random.below(500) == 0 { now += .seconds(random.below(20)) }
            clock = clock &+ UInt32(random.below(300))
            switch random.below(8) {
            case 0: pacer.enqueueAudio(120, size: 120, at: now)
            case 1: pacer.enqueueRetransmission(900, size: 900, at: now)
            case 2, 3:
                let size = 1 + random.below(1500)
                let outcome = pacer.enqueueFrame(
                    packets: random.below(30), isKeyFrame: random.below(10) == 0, at: now
                ) { _ in (size, size) }
                queued += outcome == .queued ? 1 : 0
            case 4: estimator.handleREMB(Double(bitPattern: random.next()), at: now)
            case 5:
                estimator.handleReceiverReport(
                    fractionLost: Double(bitPattern: random.next()),
                    roundTripTime: .nanoseconds(Int64(bitPattern: random.next())), at: now)
            default:
                let isWild = random.below(4) == 0
                let base = isWild ? random.uint16() : number &- UInt16(random.below(60))
                let arrivals = (0..<random.below(40)).map { index in
                    PacketArrival(
                        number: random.below(10) == 0 ? random.uint16() : base &+ UInt16(index),
                        ticks: random.below(10) == 0 ? random.uint32() : clock &+ UInt32(random.below(1000)))
                }
                told += arrivals.count
                estimator.handleTransportFeedback(
                    base: base, count: random.below(5) == 0 ? .max : UInt16(arrivals.count), arrivals: arrivals,
                    at: now)
            }
            if let deadline = estimator.deadline, deadline <= now { estimator.timePassed(at: now) }
            while let output = estimator.nextOutput() {
                if case .probe(let cluster) = output {
                    #expect(cluster.bitrate > 0 && cluster.bitrate <= configuration.maximumBitrate)
                    pacer.probe(cluster)
                }
            }
            pacer.follow(estimator, at: now)
            while let departure = pacer.nextDeparture(at: now) {
                let (size, cluster): (Int, ProbeCluster.ID?) =
                    switch departure {
                    case .packet(let size, let cluster): (size, cluster)
                    case .padding(let size, let cluster): (size, cluster)
                    }
                estimator.packetSent(number: number, size: size, cluster: cluster, at: now)
                number &+= UInt16(1 + random.below(2))
                left += 1
            }
            #expect((configuration.minimumBitrate...configuration.maximumBitrate).contains(estimator.targetBitrate))
            #expect((0...1).contains(estimator.lossFraction ?? 0))
            #expect(estimator.roundTripTime ?? .zero >= .zero)
            #expect(estimator.bytesInFlight >= 0)
            #expect(estimator.congestionWindow > 0)
        }
        let counts = estimator.statistics
        #expect(
            UInt64(told) == counts.packetsAcknowledged + counts.unknownArrivals + counts.repeatedArrivals
                + counts.implausibleArrivals)
        #expect(counts.packetsAcknowledged > 100)
        #expect(counts.unknownArrivals > 100)
        #expect(counts.repeatedArrivals > 100)
        #expect(counts.implausibleArrivals > 10)
        #expect(left > 500)
        #expect(queued > 100)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a call whose feedback is garbled now and then is a call`(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var estimator = BandwidthEstimator()
        var number: UInt16 = 0
        for message in 0..<600 {
            let base = number
            var arrivals: [PacketArrival] = []
            let packets = Int(min(estimator.targetBitrate, 2.5e6) / 8 / 20 / 1200) + 2
            for index in 0..<packets {
                let time = message * 50_000 + index * 50_000 / packets
                estimator.packetSent(number: number, size: 1200, at: .zero + .microseconds(time))
                arrivals.append(PacketArrival(number: number, ticks: UInt32(time / 250 + 100)))
                number &+= 1
            }
            let now = Instant.zero + .milliseconds(message * 50 + 100)
            if random.below(5) == 0 {
                // one that another peer's message could be, or an attacker's
                let wild = arrivals.map {
                    PacketArrival(number: $0.number &+ 3000 &+ random.uint16() % 20_000, ticks: random.uint32())
                }
                estimator.handleTransportFeedback(base: random.uint16(), count: .max, arrivals: wild, at: now)
            }
            estimator.handleTransportFeedback(base: base, count: UInt16(packets), arrivals: arrivals, at: now)
        }
        #expect(estimator.targetBitrate > 2e6)
        #expect(estimator.statistics.unknownArrivals > 100)
    }
}
