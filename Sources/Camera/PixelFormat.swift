/// Four characters that name a pixel format in V4L2.
public struct FourCC: Hashable, Sendable, CustomStringConvertible {
    /// The characters' codes, the first in the lowest byte.
    public let rawValue: UInt32

    /// The code as drivers give it.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The code of four ASCII characters.
    public init(_ characters: StaticString) {
        precondition(characters.utf8CodeUnitCount == 4, "four characters")
        rawValue = characters.withUTF8Buffer { $0.reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    }

    /// A byte stream of H.264, an access unit in each buffer (`V4L2_PIX_FMT_H264`).
    public static let h264 = FourCC("H264")

    /// The characters; those that cannot be printed as `.`. The highest bit, which marks big-endian formats, is left
    /// out.
    public var description: String {
        String(
            String.UnicodeScalarView(
                [0, 8, 16, 24].map { shift in
                    let character = UInt8(truncatingIfNeeded: rawValue >> shift) & 0x7f
                    return Unicode.Scalar(character >= 0x20 && character < 0x7f ? character : UInt8(ascii: "."))
                }))
    }
}

/// The pixel formats that are converted to I420. Those that end in `M` keep each plane in a memory of its own.
public enum PixelFormat: String, CaseIterable, Sendable {
    /// Planes Y, U, V: already I420, but for padding.
    case yuv420 = "YU12"
    /// Planes Y, V, U.
    case yvu420 = "YV12"
    /// Plane Y, then U and V by turns.
    case nv12 = "NV12"
    /// Plane Y, then V and U by turns.
    case nv21 = "NV21"
    /// `yuv420` in three memories.
    case yuv420M = "YM12"
    /// `yvu420` in three memories.
    case yvu420M = "YM21"
    /// `nv12` in two memories.
    case nv12M = "NM12"
    /// `nv21` in two memories.
    case nv21M = "NM21"
    /// Y U Y V: 4:2:2 in one plane.
    case yuyv = "YUYV"
    /// U Y V Y.
    case uyvy = "UYVY"
    /// Y V Y U.
    case yvyu = "YVYU"
    /// V Y U Y.
    case vyuy = "VYUY"
    /// A JPEG for every frame.
    case mjpeg = "MJPG"
    /// As `mjpeg`, under the other name that drivers use.
    case jpeg = "JPEG"

    /// The format of this code, where it can be converted.
    public init?(fourCC: FourCC) {
        self.init(rawValue: fourCC.description)
        guard self.fourCC == fourCC else { return nil }
    }

    /// The format's code.
    public var fourCC: FourCC {
        FourCC(rawValue: rawValue.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// How many memories a frame lies in.
    public var memoryPlaneCount: Int {
        switch self {
        case .yuv420M, .yvu420M: 3
        case .nv12M, .nv21M: 2
        default: 1
        }
    }

    /// Where this stands among the formats when all else is equal: what costs the least to convert is the least.
    var conversionCost: Int {
        switch self {
        case .yuv420, .yuv420M, .yvu420, .yvu420M: 0
        case .nv12, .nv12M, .nv21, .nv21M: 1
        case .yuyv, .uyvy, .yvyu, .vyuy: 2
        case .mjpeg, .jpeg: 3
        }
    }
}
