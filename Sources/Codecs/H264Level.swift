/// A level of H.264: what a decoder must at least be able to do (H.264 table A-1).
public struct H264Level: Hashable, Comparable, Sendable {
    /// `level_idc`: ten times the level's number.
    public let idc: UInt8
    /// MaxMBPS: macroblocks a second.
    public let maximumMacroblockRate: Int
    /// MaxFS: macroblocks in a picture.
    public let maximumMacroblocks: Int
    /// MaxBR: bits a second.
    public let maximumBitrate: Int

    /// Whether `left` allows less.
    public static func < (left: H264Level, right: H264Level) -> Bool { left.idc < right.idc }

    /// H.264 table A-1 from 3.1 up. The lower levels are left out: 3.1 is what both browsers offer and any decoder has,
    /// and one name for every size up to 1280x720 lets the size change without a new negotiation.
    static let all: [H264Level] = [
        H264Level(idc: 31, maximumMacroblockRate: 108_000, maximumMacroblocks: 3_600, maximumBitrate: 14_000_000),
        H264Level(idc: 32, maximumMacroblockRate: 216_000, maximumMacroblocks: 5_120, maximumBitrate: 20_000_000),
        H264Level(idc: 40, maximumMacroblockRate: 245_760, maximumMacroblocks: 8_192, maximumBitrate: 20_000_000),
        H264Level(idc: 42, maximumMacroblockRate: 522_240, maximumMacroblocks: 8_704, maximumBitrate: 50_000_000),
        H264Level(idc: 50, maximumMacroblockRate: 589_824, maximumMacroblocks: 22_080, maximumBitrate: 135_000_000),
        H264Level(idc: 51, maximumMacroblockRate: 983_040, maximumMacroblocks: 36_864, maximumBitrate: 240_000_000),
        H264Level(idc: 52, maximumMacroblockRate: 2_073_600, maximumMacroblocks: 36_864, maximumBitrate: 240_000_000),
    ]

    /// The lowest level, 3.1 at least, that allows pictures of `width` by `height` pixels, `frameRate` times a second,
    /// in `bitrate` bits a second; nil where no level does.
    public static func lowest(width: Int, height: Int, frameRate: Double, bitrate: Int) -> H264Level? {
        let columns = (width + 15) / 16
        let rows = (height + 15) / 16
        return all.first { level in
            // H.264 §A.3.1 f, g: neither side longer than Sqrt(MaxFS * 8) macroblocks.
            columns * rows <= level.maximumMacroblocks && columns * columns <= level.maximumMacroblocks * 8
                && rows * rows <= level.maximumMacroblocks * 8
                && Double(columns * rows) * frameRate <= Double(level.maximumMacroblockRate)
                && bitrate <= level.maximumBitrate
        }
    }
}
