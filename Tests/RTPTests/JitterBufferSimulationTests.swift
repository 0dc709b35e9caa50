import RTP
import Testing
import Wire

/// A talker, a network and a speaker with clocks of their own.
private struct Call {
    var seconds = 60
    /// The least time a packet takes, in milliseconds.
    var latency = 30.0
    /// How much more it takes at most, in milliseconds, evenly distributed; by time, for networks that change.
    var jitter: (Double) -> Double = { _ in 0 }
    /// Of a thousand packets so many are lost.
    var lossPerMille = 0
    /// How much faster than ours the talker's clock is, in parts per million.
    var senderDrift = 0.0
    /// How much faster than our clock the speaker takes sound, in parts per million.
    var speakerDrift = 0.0
    /// Whether packets may overtake each other.
    var mayReorder = true
    /// How many blocks the speaker takes at once.
    var blocksAtOnce = 1
    /// Counts begin after so many seconds.
    var warmUp = 5.0

    struct Result {
        var played = 0
        var concealed = 0
        var silent = 0
        var merged = 0
        /// Milliseconds from being spoken to being played, less the least latency, at each pull of the last quarter.
        var delays: [Double] = []
        var statistics = JitterBuffer().statistics

        var meanDelay: Double { delays.isEmpty ? 0 : delays.reduce(0, +) / Double(delays.count) }
    }

    func run(seed: UInt64) -> Result {
        let random = SeededRandomSource(seed: seed)
        let uniform = { Double(random.below(1_000_000)) / 1_000_000 }
        let origin = Instant(nanoseconds: 1_000_000_000_000)
        let firstSequence = random.uint16()
        let firstTimestamp = random.uint32()
        var arrivals: [(time: Double, index: Int)] = []
        var lastArrival = 0.0
        for index in 0..<(seconds * 50) {
            let spoken = Double(index) * 20 / (1 + senderDrift / 1e6)
            var arrival = spoken + latency + uniform() * jitter(spoken / 1000)
            if !mayReorder { arrival = max(arrival, lastArrival) }
            lastArrival = arrival
            if random.below(1000) >= lossPerMille { arrivals.append((arrival, index)) }
        }
        arrivals.sort { $0.time < $1.time }

        var buffer = JitterBuffer()
        var result = Result()
        var next = 0
        var pull = 0
        let phase = uniform() * 20
        while true {
            let time = phase + Double(pull) * 20 * Double(blocksAtOnce) / (1 + speakerDrift / 1e6)
            guard time < Double(seconds) * 1000 - 2000 else { break }  // the talker's clock may end earlier
            pull += 1
            while next < arrivals.count, arrivals[next].time <= time {
                let index = arrivals[next].index
                let tag = [0x78] + withBytes(of: index)
                buffer.push(
                    tag[...], sequence: SequenceNumber(firstSequence) + index,
                    timestamp: RTPTimestamp(firstTimestamp) + Int64(index) * 960,
                    at: origin + .microseconds(Int(arrivals[next].time * 1000)))
                next += 1
            }
            for _ in 0..<blocksAtOnce {
                let playout = buffer.next(at: origin + .microseconds(Int(time * 1000)))
                guard time / 1000 >= warmUp else { continue }
                switch playout {
                case .packet(let payload, _):
                    result.played += 1
                    if time > Double(seconds) * 750 {
                        let spoken = Double(index(of: payload)) * 20 / (1 + senderDrift / 1e6)
                        result.delays.append(time - spoken - latency)
                    }
                case .merged: result.merged += 1
                case .lost: result.concealed += 1
                case .silence: result.silent += 1
                }
            }
        }
        result.statistics = buffer.statistics
        return result
    }

    private func withBytes(of index: Int) -> [UInt8] {
        [9, UInt8(index >> 16 & 0xFF), UInt8(index >> 8 & 0xFF), UInt8(index & 0xFF)]
    }

    private func index(of payload: [UInt8]) -> Int {
        Int(payload[2]) << 16 | Int(payload[3]) << 8 | Int(payload[4])
    }
}

@Suite("Jitter buffer over simulated networks")
struct JitterBufferSimulationTests {
    @Test(
        "Without jitter the delay falls to a block or two and nothing is concealed", arguments: 0..<10 as Range<UInt64>)
    func quietNetwork(seed: UInt64) {
        let result = Call().run(seed: seed)
        #expect(result.concealed + result.silent == 0)
        #expect(result.meanDelay < 52)
    }

    @Test("At 20 ms of jitter the delay converges and fewer than 1 % are concealed", arguments: 0..<30 as Range<UInt64>)
    func ordinaryJitter(seed: UInt64) {
        let result = Call(jitter: { _ in 20 }).run(seed: seed)
        #expect(result.concealed <= 27)
        #expect(result.silent == 0)
        #expect((15...70).contains(result.meanDelay))
    }

    @Test("At 100 ms of jitter the delay grows to hold it", arguments: 0..<20 as Range<UInt64>)
    func heavyJitter(seed: UInt64) {
        let result = Call(jitter: { _ in 100 }).run(seed: seed)
        #expect(result.concealed <= 80)
        #expect((80...160).contains(result.meanDelay))
    }

    @Test("When jitter ends the delay comes back down", arguments: 0..<20 as Range<UInt64>)
    func jitterEnds(seed: UInt64) {
        let result = Call(jitter: { $0 < 20 ? 150 : 5 }).run(seed: seed)
        #expect(result.meanDelay < 70)
        #expect(result.merged > 0)
    }

    @Test("Lost packets are concealed, and few more", arguments: 0..<20 as Range<UInt64>)
    func loss(seed: UInt64) {
        let result = Call(jitter: { _ in 20 }, lossPerMille: 50).run(seed: seed)
        let expected = 55 * 50 / 20
        #expect((expected / 2...expected * 3 / 2 + 30).contains(result.concealed))
        #expect(result.meanDelay < 80)
    }

    @Test(
        "Over a quarter of an hour neither the talker's clock nor the speaker's drift adds delay or silence",
        arguments: [(400.0, 0.0), (-400, 0), (0, 400), (0, -400), (300, -300)])
    func clockDrift(sender: Double, speaker: Double) {
        let call = Call(
            seconds: 900, jitter: { _ in 15 }, senderDrift: sender, speakerDrift: speaker, mayReorder: false)
        let result = call.run(seed: 1)
        #expect(result.meanDelay < 80)
        // 600 ppm are 27 blocks in 900 s; lateness costs some more.
        #expect(result.concealed + result.merged < 900 * 50 / 200)
        #expect(result.silent == 0)
        #expect(result.statistics.restarts == 0)
    }

    @Test("A speaker that takes several blocks at once is fed without gaps", arguments: 0..<10 as Range<UInt64>)
    func burstsOfPulls(seed: UInt64) {
        let result = Call(jitter: { _ in 10 }, blocksAtOnce: 3).run(seed: seed)
        #expect(result.concealed <= 27)
        #expect(result.meanDelay < 110)
    }

    @Test("A path that becomes 80 ms longer, and shorter again, costs a moment", arguments: 0..<10 as Range<UInt64>)
    func routeChange(seed: UInt64) {
        let result = Change(seed: seed).run()
        #expect(result.concealed < 25)
        #expect(result.meanDelay < 70)
    }

    /// 60 s in which the packets from 20 to 40 s take 80 ms longer.
    private struct Change {
        let seed: UInt64

        func run() -> (concealed: Int, meanDelay: Double) {
            let random = SeededRandomSource(seed: seed)
            var buffer = JitterBuffer()
            var concealed = 0
            var delays: [Double] = []
            var next = 0
            let arrival: (Int) -> Double = { index in
                Double(index * 20) + ((1000..<2000).contains(index) ? 110 : 30)
            }
            let order = (0..<3000).sorted { arrival($0) < arrival($1) }
            let phase = Double(random.below(20))
            for tick in 0..<3000 {
                let time = Double(tick * 20) + phase
                while next < order.count, arrival(order[next]) <= time {
                    let index = order[next]
                    buffer.push(
                        [0x78, 1, 2, UInt8(index >> 8), UInt8(index & 0xFF)],
                        sequence: SequenceNumber(UInt16(index)), timestamp: RTPTimestamp(UInt32(index * 960)),
                        at: Instant(nanoseconds: Int64(arrival(index) * 1e6)))
                    next += 1
                }
                switch buffer.next(at: Instant(nanoseconds: Int64(time * 1e6))) {
                case .packet(let payload, _):
                    if tick > 2700 { delays.append(time - Double(Int(payload[3]) << 8 | Int(payload[4])) * 20 - 30) }
                case .lost: concealed += 1
                case .merged, .silence: break
                }
            }
            return (concealed, delays.isEmpty ? .infinity : delays.reduce(0, +) / Double(delays.count))
        }
    }
}
