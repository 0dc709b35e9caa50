import Media
import Synchronization
import Testing
import Wire

@testable import Camera

struct TestCardTests {
    /// A clock that only sleeping moves.
    private final class VirtualClock {
        var now = Instant(nanoseconds: 5_000_000_000)
        var sleeps: [Duration] = []

        func sleep(until instant: Instant) {
            sleeps.append(instant - now)
            now = max(now, instant)
        }
    }

    private func card(
        _ width: Int, _ height: Int, clock: VirtualClock, frameRate: Double = 30, name: String = "Front door",
        grain: Int = 0,
        time: @escaping @Sendable () -> Int = { 0 }
    ) -> TestCard {
        TestCard(
            size: VideoSize(width: width, height: height), frameRate: frameRate, name: name, label: "no camera",
            grain: grain,
            clock: time, now: { clock.now }, sleep: clock.sleep(until:))
    }

    private static let sizes = [(320, 180), (640, 360), (640, 480), (1280, 720), (1920, 1080), (360, 640), (352, 288)]

    @Test(arguments: sizes)
    func `the clock and the number of a picture of any size can be read by a program`(width: Int, height: Int) throws {
        let card = card(width, height, clock: VirtualClock(), time: { 45_296_789 })
        for number in 0..<3 {
            let frame = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
            #expect(TestCardStrip(in: frame) == TestCardStrip(millisecondsOfDay: 45_296_789, frameNumber: number))
        }
    }

    @Test func `grain is in every picture anew, and leaves it readable`() throws {
        let plain = card(640, 360, clock: VirtualClock())
        let grainy = card(640, 360, clock: VirtualClock(), grain: 16)
        var previous: [Int] = []
        for number in 0..<4 {
            let frame = try #require(try grainy.nextFrame(timeout: .seconds(1), wanted: true))
            let beneath = try #require(try plain.nextFrame(timeout: .seconds(1), wanted: true))
            let grain = zip(frame.bytes, beneath.bytes).map { Int($0) - Int($1) }
            let luma = grain.prefix(640 * 360)
            #expect(luma.min() == -16 && luma.max() == 16)
            #expect(abs(luma.reduce(0, +)) < luma.count / 10)
            #expect(grain.suffix(from: luma.count).allSatisfy { $0 == 0 })
            // two that have nothing in common are the same in one pixel of 33
            #expect(zip(grain.prefix(luma.count), previous).count { $0 == $1 } < luma.count / 20)
            previous = Array(luma)
            #expect(TestCardStrip(in: frame)?.frameNumber == number)
        }
    }

    @Test(arguments: [0, 1, 999, 43_200_000, 86_399_999])
    func `every time of the day can be read`(milliseconds: Int) throws {
        let card = card(320, 180, clock: VirtualClock(), time: { milliseconds })
        let frame = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        #expect(TestCardStrip(in: frame)?.millisecondsOfDay == milliseconds)
    }

    @Test func `times and numbers beyond their ranges go round`() {
        #expect(TestCardStrip(millisecondsOfDay: 86_400_007, frameNumber: 513).millisecondsOfDay == 7)
        #expect(TestCardStrip(millisecondsOfDay: -1, frameNumber: 513).frameNumber == 1)
        #expect(TestCardStrip(millisecondsOfDay: -1, frameNumber: 0).millisecondsOfDay == 86_399_999)
    }

    @Test func `the strip survives noise, blur and a change of contrast`() throws {
        let card = card(320, 180, clock: VirtualClock(), time: { 12_345_678 })
        var frame = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        let random = SeededRandomSource(seed: 7)
        let width = frame.size.width
        let sharp = frame.bytes
        for index in width * 2..<width * (frame.size.height - 2) {
            let blurred = (-2...2).reduce(0) { $0 + Int(sharp[index + $1]) + Int(sharp[index + $1 * width]) } / 10
            frame.bytes[index] = UInt8(min(max(40 + blurred / 2 + random.below(31) - 15, 0), 255))
        }
        #expect(TestCardStrip(in: frame)?.millisecondsOfDay == 12_345_678)
    }

    @Test func `a torn strip is not read`() throws {
        let clock = VirtualClock()
        let card = card(320, 180, clock: clock, time: { 0 })
        let first = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        for cell in 1..<23 {
            var torn = first
            let edges = TestCardStrip.columnEdges(width: 320)
            for y in 156..<165 {
                for x in edges[cell]..<edges[cell + 1] { torn.bytes[y * 320 + x] = 255 - torn.bytes[y * 320 + x] }
            }
            #expect(TestCardStrip(in: torn) == nil, "cell \(cell)")
        }
    }

    @Test func `a picture without a strip is not read`() {
        let size = VideoSize(width: 320, height: 180)
        let random = SeededRandomSource(seed: 3)
        for bytes in [[UInt8](repeating: 90, count: size.i420ByteCount), random.bytes(size.i420ByteCount)] {
            #expect(TestCardStrip(in: VideoFrame(size: size, bytes: bytes, captured: .zero)) == nil)
        }
        let tiny = VideoSize(width: 2, height: 2)
        #expect(TestCardStrip(in: VideoFrame(size: tiny, bytes: [0, 0, 0, 0, 0, 0], captured: .zero)) == nil)
    }

    @Test func `the clock is seen in the picture: only its digits change with the second`() throws {
        let clock = VirtualClock()
        let times = Mutex([12 * 3_600_000, 12 * 3_600_000 + 40, 12 * 3_600_000 + 1_000])
        let card = card(640, 360, clock: clock, time: { times.withLock { $0.removeFirst() } })
        let noon = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        let sameSecond = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        let nextSecond = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        let digits = 640 * 360 * 42 / 100..<640 * 360 * 64 / 100
        #expect(noon.bytes[digits] == sameSecond.bytes[digits])
        #expect(noon.bytes[digits] != nextSecond.bytes[digits])
        let bars = 0..<640 * 130
        #expect(noon.bytes[bars] == nextSecond.bytes[bars])
        // The right half of the line is where the seconds are.
        let changed = digits.filter { noon.bytes[$0] != nextSecond.bytes[$0] }.map { $0 % 640 }
        #expect(changed.min()! > 320)
    }

    @Test func `something moves in every picture`() throws {
        let card = card(640, 360, clock: VirtualClock())
        let frames = try (0..<20).map { _ in try #require(try card.nextFrame(timeout: .seconds(1), wanted: true)) }
        let rail = 640 * 360 * 80 / 100..<640 * 360 * 855 / 1_000
        for (before, after) in zip(frames.dropFirst(5), frames.dropFirst(6)) {
            #expect(before.bytes[rail] != after.bytes[rail])
        }
    }

    @Test(arguments: [
        "", "x", "日本語", "A very long name that cannot possibly fit in a picture, not in one line\nof all",
    ])
    func `any name and any size can be drawn`(name: String) throws {
        for (width, height) in [(2, 2), (16, 400), (320, 18), (176, 144)] {
            let card = card(width, height, clock: VirtualClock(), name: name)
            #expect(try card.nextFrame(timeout: .seconds(1), wanted: true)?.size.width == width)
        }
    }

    @Test func `pictures come evenly, at the frame rate`() throws {
        let clock = VirtualClock()
        let card = card(32, 18, clock: clock, frameRate: 30)
        let times = try (0..<61).map { _ in try card.nextFrame(timeout: .seconds(1), wanted: true)!.captured }
        #expect(times[0] == Instant(nanoseconds: 5_000_000_000))
        #expect(times[60] - times[0] == .seconds(2))
        for (before, after) in zip(times, times.dropFirst()) {
            #expect((33.3...33.4).contains((after - before).milliseconds))
        }
    }

    @Test func `where the next picture is not due in time, nothing comes when the time is over`() throws {
        let clock = VirtualClock()
        let card = card(32, 18, clock: clock, frameRate: 10)
        _ = try card.nextFrame(timeout: .zero, wanted: true)
        #expect(try card.nextFrame(timeout: .milliseconds(60), wanted: true) == nil)
        #expect(try card.nextFrame(timeout: .milliseconds(60), wanted: true) != nil)
        #expect(clock.sleeps == [.milliseconds(60), .milliseconds(40)])
    }

    @Test func `a picture that is not wanted passes in its time`() throws {
        let clock = VirtualClock()
        let card = card(320, 180, clock: clock, frameRate: 10)
        for _ in 0..<5 { #expect(try card.nextFrame(timeout: .seconds(1), wanted: false) == nil) }
        #expect(clock.now == Instant(nanoseconds: 5_400_000_000))
        let frame = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        #expect(TestCardStrip(in: frame)?.frameNumber == 5)
    }

    @Test func `pictures missed while the caller was busy are left out, not made up for`() throws {
        let clock = VirtualClock()
        let card = card(320, 180, clock: clock, frameRate: 10)
        _ = try card.nextFrame(timeout: .seconds(1), wanted: true)
        clock.now += .milliseconds(1_050)
        let late = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        #expect(TestCardStrip(in: late)?.frameNumber == 10)
        #expect(late.captured == Instant(nanoseconds: 6_050_000_000))
        let next = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        #expect(TestCardStrip(in: next)?.frameNumber == 11)
        #expect(next.captured == Instant(nanoseconds: 6_100_000_000))
    }

    @Test func `a card says what it is`() {
        #expect(card(1280, 720, clock: VirtualClock()).description == "test card, 1280x720, 30 frames/s")
        #expect((0..<86_400_000).contains(TestCard.localMillisecondsOfDay()))
    }
}
