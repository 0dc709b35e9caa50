import Media
import Testing
import Wire

private let source = PictureSource(size: VideoSize(width: 1280, height: 720), frameRate: 30)

/// A board that takes some time for each picture at full size and effort, read once a second.
private struct SimulatedBoard {
    var governor: LoadGovernor
    /// For one picture as configured.
    var cost: Duration
    private(set) var now = Instant.zero
    private(set) var changes = 0
    /// Pictures dropped in the last second, of 30.
    private(set) var dropped = 0

    init(cost: Duration, hasLeastEffort: Bool = false) {
        governor = LoadGovernor(hasLeastEffort: hasLeastEffort, source: source)
        self.cost = cost
    }

    mutating func run(seconds: Int) {
        for _ in 0..<seconds {
            let limit = governor.limit
            let pixels = limit.scale.size(of: source.size)
            let share = Double(pixels.width * pixels.height) / (1280 * 720)
            let each = cost * share / (limit.leastEffort ? 1.6 : 1)
            let offered = 30 / limit.frameDivisor
            let encoded = min(offered, Int(1 / each.inSeconds))
            dropped = offered - encoded
            now += .seconds(1)
            let load = EncoderLoad(encoded: encoded, dropped: dropped, busy: each * encoded)
            if governor.update(load, in: .seconds(1), at: now) { changes += 1 }
        }
    }
}

struct LoadGovernorTests {
    @Test func `a board that is fast enough is left alone`() {
        var board = SimulatedBoard(cost: .milliseconds(20))
        board.run(seconds: 600)
        #expect(board.changes == 0)
        #expect(board.governor.limit == EncoderLimit())
    }

    @Test(arguments: [
        (35, EncoderLimit(leastEffort: true)), (60, EncoderLimit(leastEffort: true, scale: .threeQuarters)),
        (150, EncoderLimit(leastEffort: true, scale: .half)),
        (300, EncoderLimit(leastEffort: true, scale: .half, frameDivisor: 2)),
        (700, EncoderLimit(leastEffort: true, scale: .quarter, frameDivisor: 2)),
    ])
    func `a slower board steps down within seconds to what it can do, and stays there`(
        milliseconds: Int, limit: EncoderLimit
    ) {
        var board = SimulatedBoard(cost: .milliseconds(milliseconds))
        board.run(seconds: 15)
        #expect(board.governor.limit == limit)
        let changes = board.changes
        board.run(seconds: 3600)
        #expect(board.governor.limit == limit)
        #expect(board.changes == changes)
        #expect(board.dropped == 0)
    }

    @Test func `a single slow second changes nothing`() {
        var board = SimulatedBoard(cost: .milliseconds(20))
        board.run(seconds: 5)
        board.cost = .milliseconds(50)
        board.run(seconds: 1)
        board.cost = .milliseconds(20)
        board.run(seconds: 5)
        #expect(board.changes == 0)
    }

    @Test func `when there is room again it steps up, one step at a time`() {
        var board = SimulatedBoard(cost: .milliseconds(150))
        board.run(seconds: 15)
        board.cost = .milliseconds(5)
        board.run(seconds: 2)
        #expect(board.governor.limit == EncoderLimit(leastEffort: true, scale: .half))
        board.run(seconds: 9)
        #expect(board.governor.limit == EncoderLimit(leastEffort: true, scale: .threeQuarters))
        board.run(seconds: 60)
        #expect(board.governor.limit == EncoderLimit())
    }

    @Test func `a step up that does not last is tried less and less often`() {
        var governor = LoadGovernor(hasLeastEffort: false, source: source)
        var now = Instant.zero
        var rises: [Instant] = []
        for _ in 0..<7200 {
            now += .seconds(1)
            // the work turns out to be nothing like what its cost foretold
            let isFull = governor.limit == EncoderLimit()
            let busy = Duration.milliseconds(isFull ? 990 : 100)
            if governor.update(EncoderLoad(encoded: 30, busy: busy), in: .seconds(1), at: now),
                governor.limit == EncoderLimit()
            {
                rises.append(now)
            }
        }
        let gaps = zip(rises.dropFirst(), rises).map { $0 - $1 }
        #expect((5...20).contains(rises.count), "in two hours")
        #expect(gaps.last! > .seconds(600))
    }

    @Test func `an encoder without a lesser effort gives up size first`() {
        var board = SimulatedBoard(cost: .milliseconds(60), hasLeastEffort: true)
        board.run(seconds: 15)
        #expect(board.governor.limit == EncoderLimit(leastEffort: true, scale: .threeQuarters))
    }

    @Test func `while nobody watches nothing is concluded`() {
        var board = SimulatedBoard(cost: .milliseconds(60))
        for second in 0..<100 {
            let changed = board.governor.update(EncoderLoad(), in: .seconds(1), at: .zero + .seconds(second))
            #expect(!changed)
        }
    }

    @Test func `a source that cannot be smaller is encoded with the least effort and no less`() {
        var governor = LoadGovernor(
            hasLeastEffort: false, source: PictureSource(size: VideoSize(width: 320, height: 180), frameRate: 30))
        var now = Instant.zero
        for _ in 0..<100 {
            now += .seconds(1)
            _ = governor.update(EncoderLoad(encoded: 10, dropped: 20, busy: .seconds(1)), in: .seconds(1), at: now)
        }
        #expect(governor.limit == EncoderLimit(leastEffort: true))
    }
}

struct PictureScaleTests {
    @Test(arguments: [
        (PictureScale.full, 1280, 720), (.threeQuarters, 960, 540), (.half, 640, 360), (.quarter, 320, 180),
    ])
    func `720p becomes the sizes that everybody knows`(scale: PictureScale, width: Int, height: Int) {
        #expect(scale.size(of: source.size) == VideoSize(width: width, height: height))
    }

    @Test func `every size, however odd, becomes one with even sides that is no larger`() {
        for width in stride(from: 2, through: 100, by: 2) {
            let source = VideoSize(width: width, height: 102 - width)
            for scale in PictureScale.allCases {
                let size = scale.size(of: source)
                #expect(size.width <= source.width && size.height <= source.height)
            }
        }
    }
}
