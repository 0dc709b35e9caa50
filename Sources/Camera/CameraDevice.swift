import Media

/// A camera that the kernel offers, with everything it says it can do.
public struct CameraDevice: Hashable, Sendable {
    /// The device's file, such as `/dev/video0`.
    public let path: String
    /// What the device calls itself (`card` in V4L2).
    public let name: String
    /// The kernel's driver, such as `uvcvideo`.
    public let driver: String
    /// Where it is attached, such as `usb-0000:01:00.0-1.2`; stays the same when the device files are numbered anew.
    public let bus: String
    /// What it captures, in the driver's order.
    public let formats: [CameraFormat]

    /// A device as enumerated.
    public init(path: String, name: String, driver: String, bus: String, formats: [CameraFormat]) {
        self.path = path
        self.name = name
        self.driver = driver
        self.bus = bus
        self.formats = formats
    }
}

/// A pixel format of a camera, with the sizes it comes in.
public struct CameraFormat: Hashable, Sendable {
    /// The four characters that name it in V4L2, such as `YUYV`.
    public let fourCC: FourCC
    /// The driver's own name for it.
    public let name: String
    /// The sizes, largest first. Of a range they are the usual sizes in it and its ends. Of a format that cannot be
    /// used they are not asked for, and it has none.
    public let sizes: [CameraSize]
    /// The range that the driver offers, where it offers one instead of a list.
    public let range: CameraSizeRange?

    /// A format as enumerated.
    public init(fourCC: FourCC, name: String, sizes: [CameraSize], range: CameraSizeRange? = nil) {
        self.fourCC = fourCC
        self.name = name
        self.sizes = sizes
        self.range = range
    }

    /// The format where `V4L2Camera` can convert it, else nil.
    public var pixelFormat: PixelFormat? { PixelFormat(fourCC: fourCC) }

    /// Whether the camera encodes by itself, in H.264 with start codes, which `H264Camera` passes on.
    public var isH264: Bool { fourCC == .h264 }
}

/// A size that a camera captures, with its rates.
public struct CameraSize: Hashable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Frames a second, highest first; empty where the driver does not say.
    public let frameRates: [FrameRate]

    /// A size as enumerated.
    public init(width: Int, height: Int, frameRates: [FrameRate]) {
        self.width = width
        self.height = height
        self.frameRates = frameRates
    }
}

/// The sizes that a driver offers as a range (V4L2's stepwise and continuous sizes).
public struct CameraSizeRange: Hashable, Sendable {
    /// The widths, from the least to the greatest.
    public let widths: ClosedRange<Int>
    /// The heights, from the least to the greatest.
    public let heights: ClosedRange<Int>
    /// Widths are the least one and a multiple of this.
    public let widthStep: Int
    /// Heights are the least one and a multiple of this.
    public let heightStep: Int

    /// A range as enumerated; a step below 1 counts as 1.
    public init(widths: ClosedRange<Int>, heights: ClosedRange<Int>, widthStep: Int, heightStep: Int) {
        self.widths = widths
        self.heights = heights
        self.widthStep = max(widthStep, 1)
        self.heightStep = max(heightStep, 1)
    }

    /// The sizes in the range that are worth offering: the least, the greatest, the usual ones between, and the nearest
    /// to `wanted`, largest first.
    public func usualSizes(wanted: VideoSize?) -> [(width: Int, height: Int)] {
        var sizes = [(widths.upperBound, heights.upperBound), (widths.lowerBound, heights.lowerBound)]
        sizes += Self.usual.filter { widths.contains($0.0) && heights.contains($0.1) }
        if let wanted {
            sizes.append((min(wanted.width, widths.upperBound), min(wanted.height, heights.upperBound)))
        }
        var offered: [(width: Int, height: Int)] = []
        for (width, height) in sizes {
            let width = stepped(width, in: widths, step: widthStep)
            let height = stepped(height, in: heights, step: heightStep)
            if !offered.contains(where: { $0.width == width && $0.height == height }) {
                offered.append((width, height))
            }
        }
        return offered.sorted { ($0.width * $0.height, $0.width) > ($1.width * $1.height, $1.width) }
    }

    private static let usual = [
        (1920, 1080), (1280, 960), (1280, 720), (1024, 576), (960, 540), (800, 600), (640, 480), (640, 360), (320, 240),
        (320, 180),
    ]

    private func stepped(_ value: Int, in range: ClosedRange<Int>, step: Int) -> Int {
        range.lowerBound + max(0, value - range.lowerBound) / step * step
    }
}

/// Frames a second, as the fraction that drivers count in.
public struct FrameRate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Frames in `seconds`.
    public let frames: UInt32
    /// The seconds they take.
    public let seconds: UInt32

    /// `frames` in `seconds`; nil where either is zero.
    public init?(frames: UInt32, in seconds: UInt32 = 1) {
        guard frames > 0, seconds > 0 else { return nil }
        self.frames = frames
        self.seconds = seconds
    }

    /// Frames a second.
    public var value: Double { Double(frames) / Double(seconds) }

    /// Whether `left` is the slower one.
    public static func < (left: FrameRate, right: FrameRate) -> Bool {
        UInt64(left.frames) * UInt64(right.seconds) < UInt64(right.frames) * UInt64(left.seconds)
    }

    /// `30` or `29.97`.
    public var description: String {
        let hundredths = Int((value * 100).rounded())
        let (whole, fraction) = hundredths.quotientAndRemainder(dividingBy: 100)
        if fraction == 0 { return "\(whole)" }
        return fraction % 10 == 0 ? "\(whole).\(fraction / 10)" : "\(whole).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
