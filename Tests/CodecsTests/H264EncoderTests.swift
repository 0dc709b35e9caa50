import Codecs
import Glibc
import Media
import Testing
import Wire

struct H264EncoderTests {
    private let size = VideoSize(width: 320, height: 180)

    private func encoder(
        bitrate: Int = 400_000, preset: H264EncoderConfiguration.Preset = .ultrafast, keyFrameInterval: Duration? = nil,
        intraRefresh: Bool = false, threads: Int = 1, slices: Int = 1
    ) throws -> H264Encoder {
        try H264Encoder(
            H264EncoderConfiguration(
                size: size, frameRate: 30, bitrate: bitrate, preset: preset, keyFrameInterval: keyFrameInterval,
                intraRefresh: intraRefresh, threads: threads, slices: slices))
    }

    private func types(_ unit: AccessUnit) -> [UInt8] { unit.nalUnits.map { unit.bytes[$0.lowerBound] & 0x1f } }

    @Test(arguments: H264EncoderConfiguration.Preset.allCases)
    func `the first picture is a key frame of parameter sets and IDR slice, in constrained baseline 3.1`(
        preset: H264EncoderConfiguration.Preset
    ) throws {
        let encoder = try encoder(preset: preset)
        var picture = MovingPicture(size: size)
        let unit = try #require(try encoder.encode(picture.next(), forceKeyFrame: false))
        #expect(unit.isKeyFrame)
        #expect(types(unit) == [7, 8, 5])
        #expect(Array(unit.bytes[unit.nalUnits[0]].prefix(4)) == [0x67, 0x42, 0xe0, 0x1f])
        #expect(encoder.profileLevelID == "42e01f")
        #expect(encoder.description == "x264 \(preset), H.264 42e01f, 320x180, 30 frames/s")
    }

    @Test func `between the NAL units lie start codes and nothing else`() throws {
        let encoder = try encoder(threads: 2)
        var picture = MovingPicture(size: size)
        for _ in 0..<10 {
            let unit = try #require(try encoder.encode(picture.next(), forceKeyFrame: false))
            var end = 0
            for range in unit.nalUnits {
                #expect([[0, 0, 1], [0, 0, 0, 1]].contains(Array(unit.bytes[end..<range.lowerBound])))
                #expect(unit.bytes[range.lowerBound] & 0x80 == 0, "forbidden_zero_bit")
                end = range.upperBound
            }
            #expect(end == unit.bytes.count)
        }
    }

    @Test func `every picture comes out at once with its own time, and none but the first is a key frame`() throws {
        let encoder = try encoder()
        var picture = MovingPicture(size: size)
        for index in 0..<400 {
            let frame = picture.next()
            let unit = try #require(try encoder.encode(frame, forceKeyFrame: false))
            #expect(unit.captured == frame.captured)
            #expect(unit.isKeyFrame == (index == 0))
            #expect(types(unit) == (index == 0 ? [7, 8, 5] : [1]))
        }
    }

    @Test func `a key frame comes on request, with parameter sets`() throws {
        let encoder = try encoder()
        var picture = MovingPicture(size: size)
        for index in 0..<30 {
            let unit = try #require(try encoder.encode(picture.next(), forceKeyFrame: index == 17))
            #expect(unit.isKeyFrame == (index == 0 || index == 17))
            if index == 17 { #expect(types(unit) == [7, 8, 5]) }
        }
    }

    @Test func `with an interval key frames come by themselves`() throws {
        let encoder = try encoder(keyFrameInterval: .seconds(1))
        var picture = MovingPicture(size: size)
        let keyFrames = try (0..<91).filter { _ in try encoder.encode(picture.next(), forceKeyFrame: false)!.isKeyFrame
        }
        #expect(keyFrames == [0, 30, 60, 90])
    }

    @Test(arguments: [1, 2])
    func `with a refresh no key frame comes by itself, and one on request`(slices: Int) throws {
        let encoder = try encoder(keyFrameInterval: .seconds(1), intraRefresh: true, slices: slices)
        var picture = MovingPicture(size: size)
        let keyFrames = try (0..<120).filter {
            try encoder.encode(picture.next(), forceKeyFrame: $0 == 47)!.isKeyFrame
        }
        #expect(keyFrames == [0, 47])
    }

    @Test(.enabled(if: access("/usr/bin/ffmpeg", X_OK) == 0), arguments: [1, 2])
    func `a refresh repairs what a lost picture left behind`(slices: Int) throws {
        let encoder = try encoder(
            bitrate: 2_000_000, preset: .superfast, keyFrameInterval: .seconds(1), intraRefresh: true, slices: slices)
        var picture = MovingPicture(size: size)
        var stream: [UInt8] = []
        var last: VideoFrame?
        for index in 0..<80 {
            let frame = picture.next()
            let unit = try #require(try encoder.encode(frame, forceKeyFrame: false))
            if index != 10 { stream += unit.bytes }
            last = frame
        }
        let decoded = try decodeWithFFmpeg(stream)
        #expect(try noise(of: decoded.suffix(size.i420ByteCount), beside: #require(last)) < 65, "30 dB or better")
    }

    @Test func `more threads cut the picture into more slices`() throws {
        let encoder = try encoder(threads: 2)
        var picture = MovingPicture(size: size)
        let unit = try #require(try encoder.encode(picture.next(), forceKeyFrame: false))
        #expect(types(unit) == [7, 8, 5, 5])
    }

    @Test(arguments: [1, 2, 4], [1, 2, 3])
    func `slices come one by one, in order, and together they are the picture`(threads: Int, slices: Int) throws {
        let encoder = try encoder(threads: threads, slices: slices)
        var picture = MovingPicture(size: size)
        for index in 0..<40 {
            let frame = picture.next()
            var parts: [AccessUnit] = []
            try encoder.encode(frame, forceKeyFrame: index == 20) { parts.append($0) }
            let isKeyFrame = index % 20 == 0
            #expect(slices == 1 ? parts.count == 1 : (2...4).contains(parts.count))
            #expect(parts.map(\.isFirst) == parts.indices.map { $0 == 0 })
            #expect(parts.map(\.isLast) == parts.indices.map { $0 == parts.count - 1 })
            #expect(parts.allSatisfy { $0.isKeyFrame == isKeyFrame && $0.captured == frame.captured })
            #expect(types(parts[0]).starts(with: isKeyFrame ? [7, 8, 5] : [1]))
            #expect(parts.dropFirst().allSatisfy { types($0) == (isKeyFrame ? [5] : [1]) })
            // first_mb_in_slice, the first Exp-Golomb code of each: only the first slice's is zero, which is one bit
            let slices = parts.flatMap { unit in
                unit.nalUnits.filter { unit.bytes[$0.lowerBound] & 0x1f < 6 }.map { unit.bytes[$0.lowerBound + 1] }
            }
            #expect(slices.map { $0 & 0x80 != 0 } == slices.indices.map { $0 == 0 })
            if isKeyFrame {
                #expect(Array(parts[0].bytes[parts[0].nalUnits[0]].prefix(4)) == [0x67, 0x42, 0xe0, 0x1f])
            }
        }
    }

    @Test func `an encoder of slices gives the same picture whole as well`() throws {
        let (one, other) = (try encoder(slices: 3), try encoder(slices: 3))
        var picture = MovingPicture(size: size)
        for _ in 0..<20 {
            let frame = picture.next()
            let whole = try #require(try one.encode(frame, forceKeyFrame: false))
            var parts: [AccessUnit] = []
            try other.encode(frame, forceKeyFrame: false) { parts.append($0) }
            #expect(whole.isFirst && whole.isLast)
            #expect(whole.bytes == parts.flatMap(\.bytes))
            #expect(
                whole.nalUnits.map { Array(whole.bytes[$0]) }
                    == parts.flatMap { part in part.nalUnits.map { Array(part.bytes[$0]) } })
        }
    }

    @Test func `the first slice is given out before the picture is encoded`() throws {
        let encoder = try H264Encoder(
            H264EncoderConfiguration(
                size: VideoSize(width: 1280, height: 720), frameRate: 30, bitrate: 2_500_000, slices: 2))
        var picture = MovingPicture(size: VideoSize(width: 1280, height: 720))
        var shares: [Double] = []
        for _ in 0..<6 {
            let frame = picture.next()
            let began = threadTime()
            var first: Int?
            try encoder.encode(frame, forceKeyFrame: false) { _ in
                if first == nil { first = threadTime() - began }
            }
            shares.append(Double(try #require(first)) / Double(threadTime() - began))
        }
        // about the half of it; more where another thread has had the processor's caches
        #expect(shares.sorted()[3] < 0.95)
    }

    @Test func `the bitrate is kept and follows a change while running`() throws {
        let encoder = try encoder(bitrate: 800_000)
        var picture = MovingPicture(size: size)
        func bitsPerSecond(seconds: Int) throws -> Double {
            var bytes = 0
            for _ in 0..<seconds * 30 { bytes += try encoder.encode(picture.next(), forceKeyFrame: false)!.bytes.count }
            return Double(bytes * 8) / Double(seconds)
        }
        _ = try bitsPerSecond(seconds: 2)
        #expect((600_000...950_000).contains(try bitsPerSecond(seconds: 4)))
        try encoder.setBitrate(250_000)
        #expect(encoder.configuration.bitrate == 250_000)
        _ = try bitsPerSecond(seconds: 2)
        #expect((180_000...310_000).contains(try bitsPerSecond(seconds: 4)))
        try encoder.setBitrate(1_000_000)
        _ = try bitsPerSecond(seconds: 2)
        #expect((700_000...1_200_000).contains(try bitsPerSecond(seconds: 4)))
    }

    @Test func `when the bitrate falls the very next pictures keep it`() throws {
        let encoder = try encoder(bitrate: 1_500_000, preset: .superfast)
        var picture = MovingPicture(size: size)
        for _ in 0..<90 { _ = try encoder.encode(picture.next(), forceKeyFrame: false) }
        for bitrate in [500_000, 200_000] {
            try encoder.setBitrate(bitrate)
            for fifth in 1...10 {
                let bytes = try (0..<6).reduce(0) { sum, _ in
                    sum + (try encoder.encode(picture.next(), forceKeyFrame: false)?.bytes.count ?? 0)
                }
                let limit = fifth == 1 ? 1.7 : 1.4
                #expect(Double(bytes * 8) < limit * Double(bitrate) / 5, "after \(fifth * 200) ms")
            }
        }
    }

    @Test(arguments: [10, 15, 30])
    func `what a fall leaves of the bitrate is used, at few pictures a second, too`(frameRate: Int) throws {
        let encoder = try H264Encoder(
            H264EncoderConfiguration(
                size: VideoSize(width: 640, height: 360), frameRate: Double(frameRate), bitrate: 2_000_000,
                preset: .superfast))
        var picture = MovingPicture(size: encoder.configuration.size)
        for _ in 0..<frameRate { _ = try encoder.encode(picture.next(frameRate: frameRate), forceKeyFrame: false) }
        try encoder.setBitrate(500_000)
        var bytes = 0
        for _ in 0..<2 * frameRate {
            bytes += try encoder.encode(picture.next(frameRate: frameRate), forceKeyFrame: false)?.bytes.count ?? 0
        }
        #expect(Double(bytes * 8) / 2 > 0.88 * 500_000)
    }

    @Test func `a bitrate beyond the level is held at the level's limit`() throws {
        let encoder = try encoder()
        try encoder.setBitrate(1_000_000_000)
        #expect(encoder.configuration.bitrate == 14_000_000)
        try encoder.setBitrate(-5)
        #expect(encoder.configuration.bitrate == 10_000)
    }

    @Test func `time stamps that stand still or go back do not stop the encoder`() throws {
        let encoder = try encoder()
        var picture = MovingPicture(size: size)
        for time in [5_000_000_000, 5_000_000_000, 1_000_000_000, Int64.max, 0] {
            let frame = VideoFrame(
                size: size, bytes: picture.next().bytes, captured: Instant(nanoseconds: time))
            #expect(try encoder.encode(frame, forceKeyFrame: false)?.captured == frame.captured)
        }
    }

    @Test func `what cannot be encoded is refused in words`() {
        func refusal(_ size: VideoSize, frameRate: Double = 30, bitrate: Int = 1_000_000, threads: Int = 1) -> String? {
            do throws(DeviceError) {
                _ = try H264Encoder(
                    H264EncoderConfiguration(size: size, frameRate: frameRate, bitrate: bitrate, threads: threads))
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal(size) == nil)
        #expect(refusal(VideoSize(width: 8000, height: 8000))?.contains("8000x8000") == true)
        #expect(refusal(size, frameRate: 0)?.contains("0.0") == true)
        #expect(refusal(size, frameRate: .nan)?.contains("nan") == true)
        #expect(refusal(size, bitrate: 0)?.contains("0 bit/s") == true)
        #expect(refusal(size, threads: 0)?.contains("0 threads") == true)
    }

    @Test(.enabled(if: access("/usr/bin/ffmpeg", X_OK) == 0), arguments: [1, 3])
    func `another decoder gets the pictures back`(slices: Int) throws {
        let encoder = try encoder(bitrate: 2_000_000, preset: .superfast, slices: slices)
        var picture = MovingPicture(size: size)
        var stream: [UInt8] = []
        var originals: [VideoFrame] = []
        for _ in 0..<30 {
            originals.append(picture.next())
            stream += try #require(try encoder.encode(originals.last!, forceKeyFrame: false)).bytes
        }
        let decoded = try decodeWithFFmpeg(stream)
        try #require(decoded.count == originals.count * size.i420ByteCount)
        for (index, original) in originals.enumerated() {
            let start = index * size.i420ByteCount
            #expect(noise(of: decoded[start...], beside: original) < 65, "30 dB or better, picture \(index)")
        }
    }

    /// Nanoseconds that this thread has worked.
    private func threadTime() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// The mean square of what `decoded`, which begins with a picture, differs by from `original`.
    private func noise(of decoded: ArraySlice<UInt8>, beside original: VideoFrame) -> Double {
        let squares = zip(original.bytes, decoded).reduce(0) { sum, pair in
            let difference = Int(pair.0) - Int(pair.1)
            return sum + difference * difference
        }
        return Double(squares) / Double(size.i420ByteCount)
    }

    private func decodeWithFFmpeg(_ stream: [UInt8]) throws -> [UInt8] {
        var name = Array("/tmp/doorward-h264-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        try #require(file >= 0)
        defer {
            close(file)
            unlink(name)
        }
        try #require(write(file, stream, stream.count) == stream.count)
        let path = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let pipe = try #require(
            popen("/usr/bin/ffmpeg -v error -f h264 -i \(path) -f rawvideo -pix_fmt yuv420p - </dev/null", "r"))
        var decoded: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { decoded += chunk[..<count] }
        #expect(pclose(pipe) == 0)
        return decoded
    }
}
