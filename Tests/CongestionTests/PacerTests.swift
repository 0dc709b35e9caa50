import Congestion
import Testing
import Wire

@Suite struct PacerTests {
    private static let start = Instant.zero + .seconds(50)

    private struct Sent: Equatable {
        let name: String
        let at: Instant
    }

    /// Drives the pacer by its own deadlines.
    private static func drain(
        _ pacer: inout Pacer<String>, from start: Instant = start, for time: Duration = .seconds(10)
    ) -> [Sent] {
        var sent: [Sent] = []
        var now = start
        while true {
            while let departure = pacer.nextDeparture(at: now) {
                switch departure {
                case .packet(let name, _): sent.append(Sent(name: name, at: now))
                case .padding: sent.append(Sent(name: "padding", at: now))
                }
            }
            guard let deadline = pacer.deadline, deadline - start < time else { return sent }
            #expect(deadline > now, "it wants to be called again at once")
            now = max(deadline, now + .nanoseconds(1))
        }
    }

    @discardableResult
    private static func frame(
        _ name: String, _ count: Int, isKeyFrame: Bool = false, isFirst: Bool = true, size: Int = 1000,
        to pacer: inout Pacer<String>, at now: Instant = start
    ) -> FrameOutcome {
        pacer.enqueueFrame(packets: count, isKeyFrame: isKeyFrame, isFirst: isFirst, at: now) { _ in (name, size) }
    }

    /// An estimator with this many bytes in flight, and a round trip of 50 ms.
    private static func estimator(inFlight bytes: Int, at now: Instant = start) -> BandwidthEstimator {
        var estimator = BandwidthEstimator()
        estimator.packetSent(number: 1, size: 100, at: now - .milliseconds(50))
        estimator.handleTransportFeedback(
            base: 1, count: 1, arrivals: [PacketArrival(number: 1, ticks: 0)], at: now)
        if bytes > 0 { estimator.packetSent(number: 2, size: bytes, at: now) }
        return estimator
    }

    @Test func `a frame leaves at two and a half times the target`() throws {
        var pacer = Pacer<String>(bitrate: 1e6)
        Self.frame("v", 50, to: &pacer)
        let sent = Self.drain(&pacer)
        #expect(sent.count == 50)
        // 49 kB at 2.5 Mbit/s
        let time = try #require(sent.last).at - Self.start
        #expect(time > .milliseconds(140) && time < .milliseconds(158))
    }

    @Test func `packets of fifteen milliseconds leave together, and then none until their time is over`() {
        var pacer = Pacer<String>(bitrate: 4e6)
        Self.frame("v", 60, to: &pacer)
        var bursts: [Int] = []
        var last: Instant?
        for packet in Self.drain(&pacer) {
            if packet.at == last { bursts[bursts.count - 1] += 1 } else { bursts.append(1) }
            last = packet.at
        }
        // 10 Mbit/s in 15 ms: 18.75 packets
        #expect(bursts.count > 2 && bursts.dropLast().allSatisfy { $0 == 19 })
    }

    @Test func `sound goes before retransmissions, and these before video`() {
        var pacer = Pacer<String>(bitrate: 1e6)
        Self.frame("v", 2, to: &pacer)
        pacer.enqueueRetransmission("r", size: 1000, at: Self.start)
        pacer.enqueueAudio("a", size: 100, at: Self.start)
        #expect(Self.drain(&pacer).map(\.name) == ["a", "r", "v", "v"])
        #expect(pacer.statistics.audio.packets == 1)
        #expect(pacer.statistics.retransmissions.bytes == 1000)
        #expect(pacer.statistics.video.packets == 2)
    }

    @Test func `sound never waits, and video waits for it`() throws {
        var pacer = Pacer<String>(bitrate: 100_000)
        Self.frame("v", 30, to: &pacer)
        var now = Self.start
        var heard = 0
        while let deadline = pacer.deadline {
            now = max(now, deadline)
            if heard < 20 {
                pacer.enqueueAudio("a", size: 200, at: now)
                heard += 1
                guard case .packet("a", _)? = pacer.nextDeparture(at: now) else {
                    Issue.record("sound waited")
                    return
                }
            }
            while pacer.nextDeparture(at: now) != nil {}
        }
        #expect(pacer.queuedPackets == 0)
        // 34 kB, less the last packet
        #expect(now - Self.start > .milliseconds(240))
    }

    @Test func `what would wait for more than a quarter of a second leaves faster`() throws {
        var pacer = Pacer<String>(bitrate: 3e5)
        // 0.75 Mbit/s would take 1.07 s
        Self.frame("k", 100, isKeyFrame: true, to: &pacer)
        let last = try #require(Self.drain(&pacer).last).at - Self.start
        #expect(last < .milliseconds(260) && last > .milliseconds(200))
    }

    @Test func `while too much is in flight only sound leaves`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        Self.frame("v", 3, to: &pacer)
        pacer.enqueueRetransmission("r", size: 1000, at: Self.start)
        pacer.enqueueAudio("a", size: 100, at: Self.start)
        #expect(pacer.isCongested)
        #expect(Self.drain(&pacer).map(\.name) == ["a"])
        #expect(pacer.deadline == nil)
        pacer.follow(Self.estimator(inFlight: 0), at: Self.start + .milliseconds(100))
        #expect(Self.drain(&pacer, from: Self.start + .milliseconds(100)).map(\.name) == ["r", "v", "v", "v"])
    }

    @Test func `no more leaves than the congestion window has room for`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        let estimator = Self.estimator(inFlight: 0)
        pacer.follow(estimator, at: Self.start)
        Self.frame("v", 100, to: &pacer)
        let sent = Self.drain(&pacer).count * 1000
        #expect(sent >= estimator.congestionWindow && sent < estimator.congestionWindow + 1000)
    }

    @Test func `frames that would be a second late are dropped whole until a key frame, but one that began is ended`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 0), at: Self.start)
        var (outcomes, now) = ([FrameOutcome](), Self.start)
        for index in 0..<11 {
            outcomes.append(Self.frame("f\(index)", 10, to: &pacer, at: now))
            _ = Self.drain(&pacer, from: now, for: now - Self.start + .milliseconds(119))
            now += .milliseconds(120)
        }
        // the window lets 12 packets go, and the next has waited since 120 ms
        #expect(pacer.statistics.video.packets == 12)
        #expect(outcomes.dropLast() == Array(repeating: .queued, count: 10)[...])
        #expect(outcomes.last == .dropped)
        #expect(pacer.isDropping)
        #expect(!pacer.wantsKeyFrame)
        #expect(Self.frame("k", 10, isKeyFrame: true, to: &pacer, at: now) == .dropped)
        #expect(pacer.statistics.framesDropped == 10)

        pacer.follow(Self.estimator(inFlight: 0, at: now), at: now)
        let rest = Self.drain(&pacer, from: now).map(\.name)
        #expect(Set(rest) == ["f1"])
        #expect(pacer.statistics.video.packets == 20)
        #expect(pacer.wantsKeyFrame)
        #expect(Self.frame("p", 1, to: &pacer, at: now + .seconds(1)) == .dropped)
        #expect(Self.frame("k", 2, isKeyFrame: true, to: &pacer, at: now + .seconds(1)) == .queuedAnew)
        #expect(!pacer.isDropping)
        #expect(Self.frame("p", 1, to: &pacer, at: now + .seconds(1)) == .queued)
    }

    @Test func `a key frame makes late frames before it needless`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        Self.frame("p", 5, to: &pacer)
        let now = Self.start + .milliseconds(300)
        #expect(Self.frame("k", 5, isKeyFrame: true, to: &pacer, at: now) == .queuedAnew)
        #expect(pacer.queuedPackets == 5)
        #expect(pacer.statistics.framesDropped == 1)
        pacer.follow(Self.estimator(inFlight: 0, at: now), at: now)
        #expect(Set(Self.drain(&pacer, from: now).map(\.name)) == ["k"])
    }

    @Test func `a key frame makes frames before it needless that would take long to leave`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        for name in ["p1", "p2", "p3", "p4"] { Self.frame(name, 2, to: &pacer) }
        #expect(Self.frame("k1", 2, isKeyFrame: true, to: &pacer) == .queued)
        #expect(pacer.queuedPackets == 10)
        #expect(Self.frame("k2", 2, isKeyFrame: true, to: &pacer) == .queuedAnew)
        #expect(pacer.queuedPackets == 2)
        #expect(pacer.statistics.framesDropped == 5)
    }

    @Test func `what takes longer to repair than a key frame does is not repaired`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        Self.frame("p", 2, to: &pacer)
        // 300 ms of 300 kbit/s are 11,250 bytes
        for _ in 0..<11 { pacer.enqueueRetransmission("r", size: 1000, at: Self.start) }
        #expect(!pacer.isDropping && pacer.queuedPackets == 13)
        pacer.enqueueRetransmission("r", size: 1000, at: Self.start)
        #expect(pacer.isDropping && pacer.queuedPackets == 0)
        #expect(pacer.statistics.packetsDropped == 12 && pacer.statistics.framesDropped == 1)
        pacer.enqueueRetransmission("r", size: 1000, at: Self.start)
        #expect(pacer.queuedPackets == 0)

        let now = Self.start + .milliseconds(100)
        pacer.follow(Self.estimator(inFlight: 0, at: now), at: now)
        #expect(pacer.wantsKeyFrame)
        #expect(Self.frame("k", 2, isKeyFrame: true, to: &pacer, at: now) == .queuedAnew)
        pacer.enqueueRetransmission("r", size: 1000, at: now)
        #expect(pacer.queuedPackets == 3)
    }

    @Test func `the parts of a frame share its fate`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        Self.frame("p", 5, to: &pacer)
        // a key frame makes it needless, and its own second part does not make the first one so
        let late = Self.start + .milliseconds(300)
        #expect(Self.frame("k", 5, isKeyFrame: true, to: &pacer, at: late) == .queuedAnew)
        let later = late + .milliseconds(300)
        #expect(Self.frame("k", 3, isKeyFrame: true, isFirst: false, to: &pacer, at: later) == .queued)
        #expect(pacer.queuedPackets == 8)
        #expect(pacer.statistics.framesDropped == 1)

        // one that would be too late is dropped with all of its parts
        let end = late + .seconds(2)
        #expect(Self.frame("k", 1, isKeyFrame: true, to: &pacer, at: end) == .queuedAnew)
        #expect(Self.frame("p", 1, to: &pacer, at: end + .seconds(3)) == .dropped)
        #expect(Self.frame("p", 1, isFirst: false, to: &pacer, at: end + .seconds(3)) == .dropped)
        pacer.follow(Self.estimator(inFlight: 0, at: end + .seconds(3)), at: end + .seconds(3))
        #expect(Self.frame("k", 1, isKeyFrame: true, isFirst: false, to: &pacer, at: end + .seconds(3)) == .dropped)
        #expect(Self.frame("k", 1, isKeyFrame: true, to: &pacer, at: end + .seconds(3)) == .queuedAnew)
    }

    @Test func `queues are bounded`() {
        var configuration = PacerConfiguration()
        configuration.maximumQueuePackets = 8
        configuration.maximumQueueBytes = 20_000
        configuration.maximumRepairTime = .seconds(10)
        var pacer = Pacer<String>(bitrate: 3e5, configuration: configuration)
        for index in 0..<20 {
            pacer.enqueueAudio("a\(index)", size: 100, at: Self.start)
            pacer.enqueueRetransmission("r\(index)", size: 100, at: Self.start)
        }
        for _ in 0..<20 { Self.frame("v", 10, to: &pacer) }
        #expect(pacer.queuedPackets == 8 + 8)
        #expect(pacer.statistics.packetsDropped == 24)
        #expect(pacer.statistics.framesDropped == 20)
        // of sound the newest are kept, of retransmissions the first
        let names = Self.drain(&pacer).map(\.name)
        #expect(names.first == "a12")
        #expect(names.last == "r7")
    }

    @Test func `a retransmission that waited for a second is no use`() {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        pacer.enqueueRetransmission("old", size: 100, at: Self.start)
        let now = Self.start + .milliseconds(1100)
        pacer.enqueueRetransmission("new", size: 100, at: now)
        pacer.follow(Self.estimator(inFlight: 0, at: now), at: now)
        #expect(Self.drain(&pacer, from: now).map(\.name) == ["new"])
    }

    // MARK: Probes

    private static func cluster(_ start: Double) -> ProbeCluster? {
        var configuration = BandwidthEstimator.Configuration()
        configuration.startBitrate = start
        var estimator = BandwidthEstimator(configuration: configuration)
        estimator.packetSent(number: 1, size: 100, at: .zero)
        guard case .probe(let cluster)? = estimator.nextOutput() else { return nil }
        return cluster
    }

    @Test(arguments: [1e5, 3e5, 1e6, 5e6])
    func `a cluster leaves at its rate, with padding where there is no media`(start: Double) throws {
        var configuration = PacerConfiguration()
        configuration.maximumPaddingSize = 240
        var pacer = Pacer<String>(bitrate: start, configuration: configuration)
        let cluster = try #require(Self.cluster(start))
        #expect(cluster.bitrate == 3 * start)
        Self.frame("v", 2, to: &pacer)
        pacer.probe(cluster)
        let sent = Self.drain(&pacer)
        #expect(sent.prefix(2).map(\.name) == ["v", "v"])
        #expect(sent.count >= 5)
        let last = try #require(sent.last).at
        let bytes = pacer.statistics.video.bytes + pacer.statistics.padding.bytes
        #expect(bytes >= UInt64(cluster.minimumBytes) && bytes < UInt64(cluster.minimumBytes) + 3000)
        // from the first to the last, whose own bytes take no part, within the timer's 2 ms
        let rate = Double(bytes - 240) * 8 / (last - Self.start).inSeconds
        #expect(rate > 0.9 * cluster.bitrate && rate < 1.4 * cluster.bitrate)
        #expect(pacer.statistics.clustersSent == 1)
        #expect(pacer.deadline == nil)
    }

    @Test func `a cluster without media or padding waits for media, and is given up when that runs out`() throws {
        var pacer = Pacer<String>(bitrate: 3e5)
        pacer.probe(try #require(Self.cluster(3e5)))
        #expect(pacer.deadline == nil)
        #expect(pacer.nextDeparture(at: Self.start) == nil)
        Self.frame("v", 2, to: &pacer, at: Self.start + .seconds(5))
        #expect(Self.drain(&pacer, from: Self.start + .seconds(5)).count == 2)
        Self.frame("v", 2, to: &pacer, at: Self.start + .seconds(6))
        #expect(Self.drain(&pacer, from: Self.start + .seconds(6)).count == 2)
        #expect(pacer.statistics.clustersGivenUp == 1)
        #expect(pacer.statistics.clustersSent == 0)
    }

    @Test func `a congested path is not probed`() throws {
        var configuration = PacerConfiguration()
        configuration.maximumPaddingSize = 240
        var pacer = Pacer<String>(bitrate: 3e5, configuration: configuration)
        pacer.follow(Self.estimator(inFlight: 100_000), at: Self.start)
        pacer.probe(try #require(Self.cluster(3e5)))
        #expect(pacer.nextDeparture(at: Self.start) == nil)
        #expect(pacer.statistics.clustersGivenUp == 1)
    }
}
