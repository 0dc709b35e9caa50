import Codecs
import Media
import Wire

/// Pictures of our own encoder, as a byte stream.
enum EncodedStream {
    static let size = VideoSize(width: 160, height: 96)

    /// `count` pictures, of which one in `group` is a key frame, in `threads` slices each; every access unit by itself.
    static func units(_ count: Int, group: Int = 10, threads: Int = 1) throws -> [AccessUnit] {
        let encoder = try H264Encoder(
            H264EncoderConfiguration(
                size: size, frameRate: 30, bitrate: 300_000, preset: .ultrafast, threads: threads))
        return try (0..<count).map { index in
            var bytes = [UInt8](repeating: 128, count: size.i420ByteCount)
            for pixel in 0..<size.width * size.height {
                bytes[pixel] = UInt8(truncatingIfNeeded: pixel / 7 + index * 5)
            }
            let frame = VideoFrame(
                size: size, bytes: bytes, captured: .zero + .milliseconds(Int64(index) * 33))
            return try encoder.encode(frame, forceKeyFrame: index % group == 0)!
        }
    }
}

/// Writes NAL units as the syntax tables do.
struct NALUnitWriter {
    private var bits: [Bool] = []
    private let header: UInt8

    init(_ header: UInt8) {
        self.header = header
    }

    mutating func unsigned(_ value: UInt32, _ count: Int) {
        for bit in (0..<count).reversed() { bits.append(value >> UInt32(bit) & 1 == 1) }
    }

    mutating func exponential(_ value: UInt32) {
        let count = 32 - (value + 1).leadingZeroBitCount
        unsigned(0, count - 1)
        unsigned(value + 1, count)
    }

    /// The unit with its stop bit and its emulation prevention bytes, behind a start code.
    var bytes: [UInt8] {
        var rest = bits + [true]
        while rest.count % 8 != 0 { rest.append(false) }
        var bytes: [UInt8] = [0, 0, 0, 1, header]
        var zeros = 0
        for start in stride(from: 0, to: rest.count, by: 8) {
            let byte = rest[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
            if zeros >= 2, byte <= 3 {
                bytes.append(3)
                zeros = 0
            }
            zeros = byte == 0 ? zeros + 1 : 0
            bytes.append(byte)
        }
        return bytes
    }

    /// A sequence parameter set.
    static func sequenceSet(
        profile: UInt32 = 66, constraints: UInt32 = 0xC0, level: UInt32 = 31, orderType: UInt32 = 2,
        columns: UInt32 = 80, rows: UInt32 = 45, cropBottom: UInt32 = 0, isProgressive: Bool = true,
        timing: (ticks: UInt32, scale: UInt32)? = nil
    ) -> [UInt8] {
        var writer = NALUnitWriter(0x67)
        writer.unsigned(profile, 8)
        writer.unsigned(constraints, 8)
        writer.unsigned(level, 8)
        writer.exponential(0)
        writer.exponential(0)
        writer.exponential(orderType)
        if orderType == 0 { writer.exponential(4) }
        if orderType == 1 {
            writer.unsigned(0, 1)
            for value: UInt32 in [1, 1, 2, 5, 6] { writer.exponential(value) }
        }
        writer.exponential(1)
        writer.unsigned(0, 1)
        writer.exponential(columns - 1)
        writer.exponential(rows - 1)
        writer.unsigned(isProgressive ? 1 : 0, 1)
        if !isProgressive { writer.unsigned(0, 1) }
        writer.unsigned(1, 1)
        writer.unsigned(cropBottom > 0 ? 1 : 0, 1)
        if cropBottom > 0 { for value in [0, 0, 0, cropBottom] { writer.exponential(value) } }
        writer.unsigned(timing == nil ? 0 : 1, 1)
        if let timing {
            // aspect ratio in full, overscan, signal with colours, chroma places: all that may stand before
            writer.unsigned(1, 1)
            writer.unsigned(255, 8)
            writer.unsigned(0x0001_0001, 32)
            writer.unsigned(0b11, 2)
            writer.unsigned(1, 1)
            writer.unsigned(0b1010, 4)
            writer.unsigned(1, 1)
            writer.unsigned(0x060606, 24)
            writer.unsigned(1, 1)
            writer.exponential(0)
            writer.exponential(0)
            writer.unsigned(1, 1)
            writer.unsigned(timing.ticks, 32)
            writer.unsigned(timing.scale, 32)
            writer.unsigned(1, 1)
        }
        return writer.bytes
    }

    /// A picture parameter set.
    static func pictureSet(_ id: UInt32 = 0, sequence: UInt32 = 0) -> [UInt8] {
        var writer = NALUnitWriter(0x68)
        writer.exponential(id)
        writer.exponential(sequence)
        writer.unsigned(0b1010_1010, 8)
        return writer.bytes
    }

    /// The beginning of a slice. The kinds are P 0, B 1, I 2 and the same plus 5.
    static func slice(isIDR: Bool = false, first: UInt32 = 0, kind: UInt32 = 5, set: UInt32 = 0) -> [UInt8] {
        var writer = NALUnitWriter(isIDR ? 0x65 : 0x41)
        writer.exponential(first)
        writer.exponential(isIDR ? 7 : kind)
        writer.exponential(set)
        writer.unsigned(0xA5A5, 16)
        return writer.bytes
    }
}
