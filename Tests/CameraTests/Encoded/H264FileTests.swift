import Codecs
import Glibc
import Media
import Testing
import Wire

@testable import Camera

struct H264FileTests {
    private let clock = HandClock()

    private func open(
        _ path: String, frameRate: Double = 25, lead: Duration = .zero
    ) throws(DeviceError) -> H264File {
        let clock = clock
        return try H264File(
            path: path, frameRate: frameRate, lead: lead, now: { clock.time }, sleep: { clock.sleep(until: $0) })
    }

    /// A file of `bytes`; one that is open outlives its name.
    private func open(_ bytes: [UInt8], lead: Duration = .zero) throws -> H264File {
        let file = try TemporaryFile(bytes)
        return try withExtendedLifetime(file) { try open(file.path, lead: lead) }
    }

    private func refusal(_ bytes: [UInt8]) throws -> String? {
        let file = try TemporaryFile(bytes)
        do throws(DeviceError) {
            _ = try open(file.path)
            return nil
        } catch {
            #expect(error.description.hasPrefix(file.path))
            return error.description
        }
    }

    private func next(_ source: H264File) throws -> AccessUnit {
        try #require(try source.nextAccessUnit(timeout: .seconds(1)))
    }

    @Test func `the pictures come at their rate, and again and again, with times that go on`() throws {
        let units = try encodedCard(12)
        let file = try TemporaryFile(units.flatMap(\.bytes))
        let source = try open(file.path)
        #expect(source.frameRate == 30)
        #expect(source.pictureCount == 12)
        #expect(source.longestGroup == 5)
        #expect(source.peakBitrate == units.flatMap(\.units).reduce(0) { $0 + $1.count } * 8)
        #expect(source.description == "\(file.path), H.264 42e01f, 160x96, 30 frames/s, 12 pictures")
        let begin = clock.time
        for index in 0..<40 {
            let unit = try next(source)
            #expect(unit.units == units[index % 12].units)
            #expect(unit.isKeyFrame == units[index % 12].isKeyFrame)
            let due = begin + .nanoseconds(Int64((Double(index) * 1e9 / 30).rounded()))
            #expect(unit.captured == due)
            #expect(clock.time >= due)
        }
        #expect(source.format?.size == VideoSize(width: 160, height: 96))
    }

    @Test func `with a lead pictures come before they are due, several at once, and no sooner than that`() throws {
        let lead = Duration.milliseconds(250)
        let source = try open(try encodedCard(10).flatMap(\.bytes), lead: lead)
        #expect(source.lead == lead)
        let begin = clock.time
        var wakes = 0
        for index in 0..<90 {
            let before = clock.time
            let unit = try next(source)
            #expect(unit.captured == begin + .nanoseconds(Int64((Double(index) * 1e9 / 30).rounded())))
            #expect(unit.captured >= clock.time)
            #expect(unit.captured <= clock.time + lead)
            if clock.time > before { wakes += 1 }
        }
        // three seconds of pictures
        #expect(wakes <= 18)
    }

    @Test func `a picture that is not due in time waits, and is not lost`() throws {
        let units = try encodedCard(2)
        let source = try open(units.flatMap(\.bytes))
        _ = try next(source)
        #expect(try source.nextAccessUnit(timeout: .milliseconds(10)) == nil)
        #expect(try source.nextAccessUnit(timeout: .milliseconds(10)) == nil)
        #expect(try next(source).units == units[1].units)
    }

    @Test func `who is a little late catches up, and who was stopped goes on from now`() throws {
        let source = try open(try encodedCard(10).flatMap(\.bytes))
        let first = try next(source).captured
        clock.time += .milliseconds(200)
        #expect(try next(source).captured - first == .nanoseconds(33_333_333))
        clock.time += .seconds(60)
        let now = clock.time
        #expect(try next(source).captured == now)
        #expect(try next(source).captured - now == .nanoseconds(33_333_333))
    }

    @Test func `what comes before the first key frame is left out in every round`() throws {
        let units = try encodedCard(12)
        let source = try open(units[3...].flatMap(\.bytes))
        #expect(source.pictureCount == 7)
        for _ in 0..<3 {
            for index in 5..<12 { #expect(try next(source).units == units[index].units) }
        }
    }

    @Test func `a file cannot be asked for anything`() throws {
        let source = try open(try encodedCard(15).flatMap(\.bytes))
        #expect(!source.requestKeyFrame())
        #expect(!source.setBitrate(100_000))
        #expect(source.limitations.count == 1)
        #expect(source.limitations[0].contains("up to 0.17 s later"))
    }

    @Test func `what is no stream for browsers is refused in words`() throws {
        let units = try encodedCard(6)
        #expect(try refusal([])?.contains("no key frame") == true)
        #expect(try refusal(Array("not a video".utf8))?.contains("is no H.264 byte stream") == true)
        #expect(try refusal(units[1...4].flatMap(\.bytes))?.contains("no key frame") == true)
        var high = units.flatMap(\.bytes)
        high[try #require(units[0].nalUnits.first).lowerBound + 1] = 100
        #expect(try refusal(high)?.contains("high profile, which browsers refuse") == true)
        let huge = units[0].bytes + [0, 0, 1, 0x41] + [UInt8](repeating: 0xFF, count: 10 << 20)
        #expect(try refusal(huge)?.contains("more than 8388608 bytes") == true)
        #expect(throws: DeviceError("/nowhere.h264: No such file or directory")) { try open("/nowhere.h264") }
        for path in ["/tmp", "/dev/zero"] {
            #expect(throws: DeviceError("\(path): is no file")) { try open(path) }
        }
    }

    @Test func `a file that is cut short plays to where it ends`() throws {
        let bytes = try encodedCard(12).flatMap(\.bytes)
        for length in [bytes.count - 1, bytes.count - 50, bytes.count / 2] {
            let source = try open(Array(bytes.prefix(length)))
            for _ in 0..<source.pictureCount * 2 { _ = try next(source) }
        }
    }

    @Test func `a file that becomes another one while it plays is an error, or plays`() throws {
        let units = try encodedCard(6)
        let file = try TemporaryFile(units.flatMap(\.bytes))
        let source = try open(file.path)
        _ = try next(source)
        try file.replace(with: Array("gone".utf8))
        #expect(throws: DeviceError.self) { for _ in 0..<20 { _ = try next(source) } }
    }
}
