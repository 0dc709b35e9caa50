import Media
import Testing
import Wire

private let source = PictureSource(size: VideoSize(width: 1280, height: 720), frameRate: 30)

/// A ladder, its viewers, and a clock that goes on 150 ms at a time.
private struct Door {
    var ladder = EncodingLadder<String>(maximumBitrate: 2_500_000)
    var now = Instant.zero + .seconds(1)
    var source = PictureSource(size: VideoSize(width: 1280, height: 720), frameRate: 30)
    var limit = EncoderLimit()
    private(set) var plans: [EncodingPlan<String>] = []

    /// Lets `duration` pass with `viewers`; the last plan.
    @discardableResult
    mutating func pass(_ duration: Duration, _ viewers: [String: Int?]) -> EncodingPlan<String> {
        plans = []
        let end = now + duration
        repeat {
            plans.append(ladder.update(viewers, source: source, limit: limit, at: now))
            now += .milliseconds(150)
        } while now < end
        return plans.last!
    }
}

struct EncodingLadderTests {
    @Test func `while nobody watches nothing is encoded`() {
        var door = Door()
        #expect(door.pass(.seconds(1), [:]) == EncodingPlan())
        door.pass(.seconds(2), ["a": 3_000_000])
        #expect(door.pass(.milliseconds(150), [:]) == EncodingPlan())
    }

    @Test func `a viewer whose network is unknown has all that is configured`() {
        var door = Door()
        let plan = door.pass(.seconds(5), ["a": nil])
        #expect(plan.main == EncodingTarget(bitrate: 2_500_000))
        #expect(plan.low == nil)
        #expect(plan.encodings == ["a": .main])
    }

    @Test func `an estimate that starts low costs a new viewer no detail before it had time to rise`() {
        var door = Door()
        let first = door.pass(.milliseconds(900), ["a": 300_000])
        #expect(first.main == EncodingTarget(bitrate: 1_000_000))
        #expect(door.pass(.milliseconds(150), ["a": 2_600_000]).main == EncodingTarget(bitrate: 2_500_000))
    }

    @Test func `one viewer alone has one encode, which follows his network down at once and up by and by`() throws {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000])
        #expect(door.pass(.milliseconds(150), ["a": 540_000]).main?.bitrate == 540_000)
        let fallen = door.pass(.seconds(20), ["a": 540_000])
        #expect(fallen.main == EncodingTarget(bitrate: 540_000, format: PictureFormat(scale: .half)))
        #expect(fallen.low == nil)
        let rising = door.pass(.milliseconds(450), ["a": 2_600_000])
        #expect(try #require(rising.main).bitrate < 1_000_000)
        #expect(door.pass(.seconds(3), ["a": 2_600_000]).main?.bitrate == 2_500_000)
        #expect(door.pass(.seconds(4), ["a": 2_600_000]).main?.format == .full)
        #expect(door.plans.allSatisfy { $0.low == nil })
    }

    @Test(arguments: [
        (1_000_000, PictureFormat.full), (700_000, PictureFormat(scale: .threeQuarters)),
        (400_000, PictureFormat(scale: .half)), (250_000, PictureFormat(scale: .half, frameDivisor: 2)),
        (120_000, PictureFormat(scale: .quarter, frameDivisor: 2)),
        (20_000, PictureFormat(scale: .quarter, frameDivisor: 2)),
    ])
    func `under pressure the size falls, then the rate of the pictures`(bitrate: Int, format: PictureFormat) {
        var door = Door()
        let plan = door.pass(.seconds(10), ["a": bitrate])
        #expect(plan.main == EncodingTarget(bitrate: max(bitrate, 50_000), format: format))
    }

    @Test func `a bitrate that wavers about a threshold does not make the size waver`() {
        var door = Door()
        var changes = 0
        var last = PictureFormat.full
        for step in 0..<2000 {
            let plan = door.pass(.milliseconds(150), ["a": step % 14 < 7 ? 860_000 : 960_000])
            if let format = plan.main?.format, format != last {
                changes += 1
                last = format
            }
        }
        #expect(changes <= 2)
    }

    @Test func `a better size that does not last is tried less and less often`() {
        var door = Door()
        var rises: [Instant] = []
        var last = PictureFormat.full
        for _ in 0..<4000 {
            // every time it rises the network turns out to be too poor for it
            let plan = door.pass(.milliseconds(150), ["a": last == .full ? 500_000 : 1_500_000])
            if let format = plan.main?.format, format != last {
                if format == .full { rises.append(door.now) }
                last = format
            }
        }
        let gaps = zip(rises.dropFirst(), rises).map { $0 - $1 }
        #expect(gaps.count > 5)
        #expect(gaps.last! > .seconds(60))
        #expect(gaps.first! < .seconds(15))
    }

    @Test func `where little is configured the full size is shown all the same`() {
        var door = Door()
        door.ladder = EncodingLadder(maximumBitrate: 300_000)
        #expect(door.pass(.seconds(10), ["a": 2_000_000]).main == EncodingTarget(bitrate: 300_000))
        #expect(door.pass(.seconds(10), ["a": 100_000]).main?.format != .full)
    }

    @Test func `a small source is not made smaller, and a slow one not slower`() {
        var door = Door()
        door.source = PictureSource(size: VideoSize(width: 320, height: 180), frameRate: 30)
        #expect(door.pass(.seconds(10), ["a": 50_000]).main?.format == .full)
        var other = Door()
        other.source.frameRate = 10
        #expect(other.pass(.seconds(10), ["a": 50_000]).main?.format == PictureFormat(scale: .half))
    }

    // MARK: Several viewers

    @Test func `who bears a little less than the others stays, and the encode follows him`() {
        var door = Door()
        let plan = door.pass(.seconds(10), ["a": 2_600_000, "b": 2_100_000])
        #expect(plan.main == EncodingTarget(bitrate: 2_100_000))
        #expect(plan.low == nil)
    }

    @Test func `who bears much less gets a low encode, and the others keep all they had, at every moment`() throws {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000, "b": 2_600_000])
        let plan = door.pass(.seconds(10), ["a": 2_600_000, "b": 500_000])
        #expect(door.plans.allSatisfy { $0.main == EncodingTarget(bitrate: 2_500_000) })
        #expect(plan.encodings == ["a": .main, "b": .low])
        let low = try #require(plan.low)
        #expect(low.bitrate == 500_000)
        #expect(low.format.scale > .full)
    }

    @Test func `who recovers comes back after a while, and the low encode ends`() {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000, "b": 500_000])
        #expect(door.pass(.seconds(2), ["a": 2_600_000, "b": 2_600_000]).encodings["b"] == .low)
        let plan = door.pass(.seconds(3), ["a": 2_600_000, "b": 2_600_000])
        #expect(plan.encodings["b"] == .main)
        #expect(plan.low == nil)
    }

    @Test func `the low encode rises far enough for its viewer to show that he bears the main one`() {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000, "b": 500_000])
        // an estimate that what is sent bounds, as Google congestion control's is
        var plan = door.pass(.milliseconds(150), ["a": 2_600_000, "b": 500_000])
        for _ in 0..<200 {
            let sent = plan[plan.encodings["b"]!]!.bitrate
            plan = door.pass(.milliseconds(150), ["a": 2_600_000, "b": min(4_000_000, sent * 3 / 2)])
        }
        #expect(plan.encodings["b"] == .main)
        #expect(plan.low == nil)
    }

    @Test func `who does not last comes back later and later`() {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000, "b": 2_600_000])
        var moves = 0
        var last = Encoding.main
        for _ in 0..<4000 {
            let plan = door.pass(.milliseconds(150), ["a": 2_600_000, "b": last == .main ? 600_000 : 2_600_000])
            if plan.encodings["b"] != last {
                moves += 1
                last = plan.encodings["b"]!
            }
        }
        #expect((8...30).contains(moves), "in ten minutes")
    }

    @Test func `who is left alone on the low encode has the main one, as it was`() throws {
        var door = Door()
        let before = door.pass(.seconds(10), ["a": 2_600_000, "b": 500_000])
        let plan = door.pass(.milliseconds(150), ["b": 500_000])
        #expect(plan.main == before.low)
        #expect(plan.low == nil)
        #expect(plan.encodings == ["b": .main])
    }

    @Test func `two who bear little alike share one encode`() {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000, "b": 500_000])
        let plan = door.pass(.seconds(10), ["a": 460_000, "b": 500_000])
        #expect(plan.main?.bitrate == 460_000)
        #expect(plan.low == nil)
    }

    @Test func `who joins does not make the others' picture poorer while his network is being measured`() {
        var door = Door()
        door.pass(.seconds(5), ["a": 2_600_000])
        door.pass(.milliseconds(900), ["a": 2_600_000, "b": 300_000])
        #expect(door.plans.allSatisfy { $0.main == EncodingTarget(bitrate: 2_500_000) && $0.low == nil })
        door.pass(.seconds(3), ["a": 2_600_000, "b": 300_000])
        #expect(door.plans.allSatisfy { $0.main == EncodingTarget(bitrate: 2_500_000) })
        #expect(door.plans.last?.low?.bitrate == 300_000)
    }

    @Test func `a board that can do less bounds both encodes`() {
        var door = Door()
        door.limit = EncoderLimit(leastEffort: true, scale: .half, frameDivisor: 2)
        let plan = door.pass(.seconds(10), ["a": 2_600_000, "b": 500_000])
        #expect(plan.main?.format == PictureFormat(scale: .half, frameDivisor: 2))
        #expect(plan.main?.leastEffort == true)
        #expect(plan.low?.format == PictureFormat(scale: .quarter, frameDivisor: 2))
        #expect(plan.low?.leastEffort == true)
    }

    // MARK: Any networks

    @Test(arguments: 0..<20)
    func `on any networks nobody is sent more than he bears for long, and the best loses no more than a fifth`(
        seed: UInt64
    ) throws {
        let random = SeededRandomSource(seed: seed)
        let names = ["best", "a", "b", "c", "d"]
        var door = Door()
        var bears: [String: Int] = ["best": 4_000_000]
        var overloaded: [String: Int] = [:]
        var (moves, formats) = (0, 0)
        var last = EncodingPlan<String>()
        for step in 0..<2000 {
            if random.below(40) == 0 { bears[names[1 + random.below(4)]] = 40_000 + random.below(4_000_000) }
            if random.below(200) == 0 { bears[names[1 + random.below(4)]] = nil }
            // estimates are a little less than the truth, and waver
            let plan = door.pass(
                .milliseconds(150), bears.mapValues { .some($0 * (85 + random.below(16)) / 100) })
            #expect(Set(plan.encodings.keys) == Set(bears.keys))
            #expect((plan.low != nil) == plan.encodings.values.contains(.low))
            #expect(plan.encodings["best"] == .main)
            let main = try #require(plan.main)
            if step > 10 { #expect(main.bitrate >= 2_000_000 && main.format == .full) }
            #expect(main.bitrate <= 2_500_000)
            for (name, encoding) in plan.encodings {
                let bitrate = try #require(plan[encoding]).bitrate
                overloaded[name] = bitrate > max(bears[name]!, 50_000) ? overloaded[name, default: 0] + 1 : 0
                #expect(overloaded[name]! <= 10, "\(name) is sent \(bitrate) and bears \(bears[name]!)")
                if let before = last.encodings[name], before != encoding { moves += 1 }
            }
            if let low = plan.low, let before = last.low, low.format != before.format { formats += 1 }
            last = plan
        }
        // five minutes with fifty changes of networks
        #expect(moves < 120)
        #expect(formats < 80)
    }

    @Test(arguments: 0..<10)
    func `alone on any network a viewer has one encode within what he bears`(seed: UInt64) throws {
        let random = SeededRandomSource(seed: seed)
        var door = Door()
        var bears = 2_000_000
        door.pass(.seconds(2), ["a": bears])
        var formats = 0
        var last = PictureFormat.full
        for _ in 0..<2000 {
            if random.below(50) == 0 { bears = 30_000 + random.below(4_000_000) }
            let plan = door.pass(.milliseconds(150), ["a": bears])
            let main = try #require(plan.main)
            #expect(main.bitrate <= max(bears, 50_000))
            #expect(plan.low == nil && plan.encodings == ["a": .main])
            if main.format != last { formats += 1 }
            last = main.format
        }
        #expect(formats < 60)
    }
}
