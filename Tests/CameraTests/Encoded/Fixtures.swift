import Codecs
import Glibc
import Media
import Testing
import Wire

@testable import Camera

/// A clock that stands until somebody sleeps.
final class HandClock {
    var time = Instant.zero + .seconds(100)
    private(set) var slept = 0

    func sleep(until instant: Instant) {
        slept += 1
        time = max(time, instant)
    }
}

/// The test card, encoded: `count` access units, one in `group` a key frame.
func encodedCard(_ count: Int, group: Int = 5) throws -> [AccessUnit] {
    let clock = HandClock()
    let card = TestCard(
        size: VideoSize(width: 160, height: 96), frameRate: 30, name: "door", label: "", clock: { 0 },
        now: { clock.time }, sleep: clock.sleep(until:))
    let encoder = try H264Encoder(
        H264EncoderConfiguration(size: card.size, frameRate: 30, bitrate: 300_000, preset: .ultrafast))
    return try (0..<count).map { index in
        let frame = try #require(try card.nextFrame(timeout: .seconds(1), wanted: true))
        return try #require(try encoder.encode(frame, forceKeyFrame: index % group == 0))
    }
}

/// A file that is gone with it.
final class TemporaryFile {
    let path: String

    init(_ bytes: [UInt8]) throws {
        var name = Array("/tmp/doorward-h264-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        try #require(descriptor >= 0)
        path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    func replace(with bytes: [UInt8]) throws {
        let file = try #require(fopen(path, "w"))
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    deinit {
        unlink(path)
    }
}

extension AccessUnit {
    /// The NAL units, without what lies between them.
    var units: [[UInt8]] { nalUnits.map { Array(bytes[$0]) } }
}
