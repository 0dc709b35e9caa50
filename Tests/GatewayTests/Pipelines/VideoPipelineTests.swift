import Media
import RTP
import Synchronization
import Testing
import Wire

@testable import Gateway

/// A pipeline on the test card, and what comes out of it.
private final class RunningPipeline: Sendable {
    struct Picture: Sendable {
        let frame: PacketizedFrame
        let encoding: Encoding
        /// Macroblocks in a row and rows of them, where the picture has parameter sets.
        let macroblocks: [Int]?
    }

    let pipeline: VideoPipeline
    private let pictures: Handover<Picture>

    init(frameRate: Int = 30) {
        var configuration = Configuration.Video()
        configuration.source = .testCard
        configuration.frameRate = frameRate
        let pictures = Handover<Picture>(capacity: 1000)
        self.pictures = pictures
        pipeline = VideoPipeline(
            configuration: configuration, doorName: "door", log: Log(level: .error),
            onFrame: { frame, encoding, _ in
                pictures.give(Picture(frame: frame, encoding: encoding, macroblocks: macroblocks(in: frame)))
            }, onPicture: { _ in })
        pipeline.start()
    }

    /// Whether a picture comes soon, which is then taken.
    func hasMore() -> Bool { pictures.take(timeout: .milliseconds(200)) != nil }

    func next() throws -> Picture { try #require(pictures.take(timeout: .seconds(20))) }

    /// The next pictures of `encoding` until one fulfils `condition`, that one included.
    func pictures(of encoding: Encoding, until condition: (Picture) -> Bool) throws -> [Picture] {
        var found: [Picture] = []
        while true {
            let picture = try next()
            guard picture.encoding == encoding, picture.frame.isFirst else { continue }
            found.append(picture)
            if condition(picture) { return found }
        }
    }
}

/// What the sequence parameter set of a key frame says of its size (H.264 §7.3.2.1.1, baseline); nil for other frames.
private func macroblocks(in frame: PacketizedFrame) -> [Int]? {
    // the parameter sets are small and lie together in the first payload, behind a byte and a length (STAP-A)
    guard frame.isKeyFrame, frame.isFirst, let payload = frame.payloads.first else { return nil }
    var bits = frame.storage[payload].dropFirst(3 + 4).flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }[...]
    func exponentialGolomb() -> Int {
        let zeros = bits.prefix { $0 == 0 }.count
        let value = bits.dropFirst(zeros).prefix(zeros + 1).reduce(0) { $0 * 2 + Int($1) }
        bits = bits.dropFirst(2 * zeros + 1)
        return value - 1
    }
    // identifier, log2_max_frame_num, pic_order_cnt_type 2, max_num_ref_frames
    for _ in 0..<4 { _ = exponentialGolomb() }
    bits = bits.dropFirst()  // gaps_in_frame_num_value_allowed_flag
    return [exponentialGolomb() + 1, exponentialGolomb() + 1]
}

@Suite(.timeLimit(.minutes(2))) struct VideoPipelineTests {
    @Test func `who comes between two pictures sees the next one`() throws {
        let running = RunningPipeline(frameRate: 5)
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 2_500_000))
        let last = try running.next().frame.captured
        running.pipeline[.main].setTarget(nil)
        // 200 ms after the last one there is one that nobody watches; then the one after that is waited for
        while MonotonicClock.now < last + .milliseconds(210) { _ = running.hasMore() }
        let came = MonotonicClock.now
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 2_500_000))
        let seen = try running.pictures(of: .main) { $0.frame.captured > came }.last
        #expect(try #require(seen).frame.captured < came + .milliseconds(350))
    }

    @Test func `both encodes show the same pictures, each in its size, and each begins with a key frame`() throws {
        let running = RunningPipeline()
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 2_500_000))
        running.pipeline[.low].setTarget(
            EncodingTarget(bitrate: 300_000, format: PictureFormat(scale: .half)))
        var first: [Encoding: RunningPipeline.Picture] = [:]
        var captured: [Encoding: Set<Instant>] = [.main: [], .low: []]
        while captured[.main]!.intersection(captured[.low]!).count < 5 {
            let picture = try running.next()
            if first[picture.encoding] == nil { first[picture.encoding] = picture }
            captured[picture.encoding]?.insert(picture.frame.captured)
        }
        #expect(first[.main]?.macroblocks == [80, 45])
        #expect(first[.low]?.macroblocks == [40, 23])
    }

    @Test func `a target of another size begins with a key frame of that size`() throws {
        let running = RunningPipeline()
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 2_500_000))
        #expect(try running.pictures(of: .main) { _ in true }.first?.macroblocks == [80, 45])
        for (scale, size) in [(PictureScale.threeQuarters, [60, 34]), (.half, [40, 23]), (.full, [80, 45])] {
            running.pipeline[.main].setTarget(EncodingTarget(bitrate: 800_000, format: PictureFormat(scale: scale)))
            let pictures = try running.pictures(of: .main) { $0.frame.isKeyFrame }
            #expect(pictures.last?.macroblocks == size)
        }
        #expect(running.pipeline[.main].counters.keyFrames >= 3)
    }

    @Test func `a target of half the rate is encoded half as often`() throws {
        let running = RunningPipeline(frameRate: 40)
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(
            EncodingTarget(bitrate: 500_000, format: PictureFormat(scale: .half, frameDivisor: 2)))
        var count = 0
        let pictures = try running.pictures(of: .main) { _ in
            count += 1
            return count == 12
        }
        let gaps = zip(pictures.dropFirst(), pictures).map { $0.frame.captured - $1.frame.captured }
        #expect(gaps.allSatisfy { $0 > .milliseconds(40) })
    }

    @Test func `nothing is encoded, nor captured, for nobody`() throws {
        let running = RunningPipeline()
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 500_000))
        _ = try running.pictures(of: .main) { !$0.frame.isKeyFrame }
        running.pipeline[.main].setTarget(nil)
        running.pipeline[.low].setTarget(EncodingTarget(bitrate: 100_000, format: PictureFormat(scale: .quarter)))
        let low = try running.pictures(of: .low) { _ in true }
        let main = running.pipeline[.main].counters.encoded
        _ = try running.pictures(of: .low) { $0.frame.captured > low[0].frame.captured + .milliseconds(300) }
        #expect(running.pipeline[.main].counters.encoded == main)
    }

    @Test func `the main encode's slices leave one by one, the last with the marker`() throws {
        let running = RunningPipeline()
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 2_500_000))
        var parts: [PacketizedFrame] = []
        while parts.count < 20 { parts.append(try running.next().frame) }
        for pair in 0..<10 {
            let (first, second) = (parts[2 * pair], parts[2 * pair + 1])
            #expect(first.isFirst && !first.isLast && first.markedPayload == nil)
            #expect(!second.isFirst && second.isLast && second.markedPayload == second.payloads.count - 1)
            #expect(first.timestamp == second.timestamp && first.isKeyFrame == second.isKeyFrame)
        }
        #expect(parts[0].isKeyFrame)
    }

    @Test func `who comes when nobody watched has a key frame at once, however short ago the last one was`() throws {
        let running = RunningPipeline()
        defer { running.pipeline.stop() }
        for _ in 0..<3 {
            running.pipeline[.main].setTarget(EncodingTarget(bitrate: 500_000))
            let picture = try running.next()
            #expect(picture.frame.isKeyFrame && picture.frame.isFirst)
            #expect(!(try running.next()).frame.isFirst)
            running.pipeline[.main].setTarget(nil)
            // what was on its way
            while running.hasMore() {}
        }
    }

    @Test func `requests of many viewers for a key frame are one`() throws {
        let running = RunningPipeline()
        defer { running.pipeline.stop() }
        running.pipeline[.main].setTarget(EncodingTarget(bitrate: 500_000))
        let first = try running.pictures(of: .main) { _ in true }
        for _ in 0..<10 { running.pipeline[.main].requestKeyFrame() }
        let second = try running.pictures(of: .main) { $0.frame.isKeyFrame }
        #expect(second.last!.frame.captured - first.last!.frame.captured > .milliseconds(400))
        _ = try running.pictures(of: .main) { $0.frame.captured > second.last!.frame.captured + .milliseconds(700) }
        #expect(running.pipeline[.main].counters.keyFrames == 2)
    }
}
