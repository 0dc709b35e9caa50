import Wire

/// The size of a picture in pixels; both sides are even, for the chroma planes are half as wide and high.
public struct VideoSize: Hashable, Sendable, CustomStringConvertible {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int

    /// The size `width` by `height`; both positive and even.
    public init(width: Int, height: Int) {
        precondition(width > 0 && height > 0 && width % 2 == 0 && height % 2 == 0, "I420 sizes are positive and even")
        self.width = width
        self.height = height
    }

    /// Bytes of an I420 picture of this size: luma, then the two quarter-size chroma planes.
    public var i420ByteCount: Int { width * height * 3 / 2 }

    /// `1280x720`.
    public var description: String { "\(width)x\(height)" }
}

/// One picture in I420: the planes Y (width × height), U and V (half of each), back to back, rows without padding,
/// BT.601 limited range.
public struct VideoFrame: Sendable {
    /// The picture's size.
    public let size: VideoSize
    /// `size.i420ByteCount` bytes: Y, U, V.
    public var bytes: [UInt8]
    /// When the picture was captured: the driver's timestamp where it gives a monotonic one, else when it was taken
    /// over.
    public let captured: Instant

    /// A frame over `bytes`, which must be `size.i420ByteCount` long.
    public init(size: VideoSize, bytes: [UInt8], captured: Instant) {
        precondition(bytes.count == size.i420ByteCount, "an I420 picture of \(size) is \(size.i420ByteCount) bytes")
        self.size = size
        self.bytes = bytes
        self.captured = captured
    }
}

/// An encoded picture: the NAL units of one access unit, without start codes (H.264 §7.4.1.2.3); or a part of one, where an
/// encoder gives out slices as they are ready.
public struct AccessUnit: Sendable {
    /// The NAL units' bytes. What lies between the ranges (start codes) is of no meaning.
    public let bytes: [UInt8]
    /// Where each NAL unit lies in `bytes`, header byte included.
    public let nalUnits: [Range<Int>]
    /// Whether it holds an IDR picture (with its parameter sets), or a part of one, so that a decoder can start with it.
    public let isKeyFrame: Bool
    /// When the picture was captured.
    public let captured: Instant
    /// Whether the picture begins and ends here; both, unless this is a part of it.
    public let isFirst: Bool
    /// See `isFirst`.
    public let isLast: Bool

    /// An access unit, or a part of one, of the NAL units at `nalUnits` in `bytes`.
    public init(
        bytes: [UInt8], nalUnits: [Range<Int>], isKeyFrame: Bool, captured: Instant, isFirst: Bool = true,
        isLast: Bool = true
    ) {
        self.bytes = bytes
        self.nalUnits = nalUnits
        self.isKeyFrame = isKeyFrame
        self.captured = captured
        self.isFirst = isFirst
        self.isLast = isLast
    }
}
