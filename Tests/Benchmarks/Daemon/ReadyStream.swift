import BareLoop
import Codecs
import Gateway
import Glibc
import Media
import RTP
import Wire

/// Pictures and sound that are encoded already: as files that a daemon sends, and as what the bare loop does.
final class ReadyStream {
    private let folder: String
    private let scene: Scene
    private var pictures: (bytes: [UInt8], ends: [Int]) = ([], [])
    private var sound: (bytes: [UInt8], ends: [Int]) = ([], [])

    /// Ten seconds of them, made anew: noise that drifts, of which an encoder makes as many bits as it may.
    init(_ scene: Scene) throws {
        self.scene = scene
        var template = Array("/tmp/doorward-benchmark-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fail("cannot make a folder") }
        folder = String(cString: made)
        try encodePictures()
        try encodeSound()
    }

    deinit {
        unlink(picturesFile)
        unlink(soundFile)
        rmdir(folder)
    }

    private var picturesFile: String { folder + "/pictures.h264" }
    private var soundFile: String { folder + "/sound.opus" }

    /// What a peer does that sends them.
    var work: Work {
        Work(
            settings: [
                "video.source=file", "video.file=\(picturesFile)", "video.frame_rate=\(Int(scene.frameRate))",
                "audio.capture=file", "audio.file=\(soundFile)",
            ], arguments: ["ready", picturesFile, soundFile, "\(Int(scene.frameRate))"])
    }

    /// What was made, in bits a second.
    var bitrate: Double { Double(pictures.bytes.count) * 8 / 10 }

    /// CPU milliseconds a second of the bare loop.
    func bareLoop(viewers: Int, seconds: Int) -> Double {
        let nanoseconds = pictures.bytes.withUnsafeBufferPointer { pictureBytes in
            pictures.ends.withUnsafeBufferPointer { pictureEnds in
                sound.bytes.withUnsafeBufferPointer { soundBytes in
                    sound.ends.withUnsafeBufferPointer { soundEnds in
                        var pictures = bare_stream(pictureBytes, pictureEnds, interval: Int64(1e9 / scene.frameRate))
                        var sound = bare_stream(soundBytes, soundEnds, interval: 20_000_000)
                        return bare_loop(&pictures, &sound, Int32(viewers), 1140, Int32(seconds))
                    }
                }
            }
        }
        guard nanoseconds >= 0 else { fail("the bare loop cannot send") }
        return nanoseconds / 1e6
    }

    private func encodePictures() throws {
        let encoder = try scene.makeEncoder()
        let count = Int(scene.frameRate) * 10
        let noise = SeededRandomSource(seed: 1)
        // larger than the picture, so that another part of it is another picture
        let margin = 64
        let stride = scene.size.width + margin
        let texture = Self.texture(width: stride, height: scene.size.height + margin, noise)
        var file: [UInt8] = []
        for number in 0..<count {
            var bytes = [UInt8](repeating: 128, count: scene.size.i420ByteCount)
            let (x, y) = (number * 3 % margin, number * 5 % margin)
            for row in 0..<scene.size.height {
                let from = (row + y) * stride + x
                let to = row * scene.size.width
                bytes.replaceSubrange(to..<to + scene.size.width, with: texture[from..<from + scene.size.width])
            }
            let captured = Instant(nanoseconds: Int64(Double(number) * 1e9 / scene.frameRate))
            let frame = VideoFrame(size: scene.size, bytes: bytes, captured: captured)
            guard let unit = try encoder.encode(frame, forceKeyFrame: number == 0) else { continue }
            for range in unit.nalUnits { file += [0, 0, 0, 1] + unit.bytes[range] }
            for range in unit.nalUnits where unit.bytes[range.lowerBound] & 0x1F < 7 {
                pictures.bytes += unit.bytes[range]
                pictures.ends.append(pictures.bytes.count)
            }
        }
        write(file, to: picturesFile)
    }

    /// Blurred noise.
    private static func texture(width: Int, height: Int, _ noise: SeededRandomSource) -> [UInt8] {
        var texture = [UInt8](repeating: 0, count: width * height)
        var above = [Int](repeating: 128, count: width)
        for row in 0..<height {
            var left = 128
            for column in 0..<width {
                left = (left * 3 + above[column] * 3 + Int(noise.next() & 0xFF) * 2) / 8
                above[column] = left
                texture[row * width + column] = UInt8(clamping: (left - 128) * 2 + 128)
            }
        }
        return texture
    }

    private func encodeSound() throws {
        let encoder = try OpusEncoder(complexity: 1, expectedLoss: 0)
        let noise = SeededRandomSource(seed: 2)
        var stream = OggOpusStream(serialNumber: 1)
        var file = stream.header()
        var level = 0.0
        for number in 0..<500 {
            let samples = (0..<AudioFormat.samplesPerBlock).map { _ in
                level = level * 0.9 + (Double(noise.next() & 0xFFFF) - 32768) * 0.02
                return Int16(level)
            }
            let packet = try encoder.encode(samples)
            sound.bytes += packet
            sound.ends.append(sound.bytes.count)
            file += stream.append(packet, timestamp: RTPTimestamp(UInt32(number * AudioFormat.samplesPerBlock)))
        }
        write(file + stream.finish(), to: soundFile)
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            fail("cannot write \(path)")
        }
    }
}

extension bare_stream {
    init(_ bytes: UnsafeBufferPointer<UInt8>, _ ends: UnsafeBufferPointer<Int>, interval: Int64) {
        self.init()
        self.bytes = bytes.baseAddress
        self.ends = UnsafeRawPointer(ends.baseAddress!).assumingMemoryBound(to: Int.self)
        count = Int32(ends.count)
        self.interval = interval
    }
}
