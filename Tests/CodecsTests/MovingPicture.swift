import Media
import Wire

/// A picture to encode: a slope that moves, with seeded grain, so that every picture costs bits.
struct MovingPicture {
    let size: VideoSize
    private let random = SeededRandomSource(seed: 264)
    private var count = 0

    init(size: VideoSize) {
        self.size = size
    }

    mutating func next(frameRate: Int = 30) -> VideoFrame {
        var bytes = [UInt8](repeating: 128, count: size.i420ByteCount)
        for row in 0..<size.height {
            for column in 0..<size.width {
                let wave = UInt8(truncatingIfNeeded: (column + row) / 2 + count * 3)
                bytes[row * size.width + column] = 48 + (wave < 128 ? wave : 255 - wave)
            }
        }
        for _ in 0..<size.width * size.height / 16 {
            let place = Int(random.next() % UInt64(size.width * size.height))
            bytes[place] = 40 + UInt8(truncatingIfNeeded: random.next() % 160)
        }
        defer { count += 1 }
        return VideoFrame(
            size: size, bytes: bytes, captured: Instant(nanoseconds: Int64(count) * 1_000_000_000 / Int64(frameRate)))
    }
}
