import CV4L2
import Glibc
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

/// A camera by the kernel's own interface, V4L2, in memory-mapped buffers. Owned by one thread. A device that is
/// unplugged, or whose picture changes its size, ends with a `DeviceError`: let go of the object, which closes the
/// device, and open it anew.
public final class V4L2Camera: VideoSource {
    /// How the camera is run; size and rate are what the driver settled on.
    public let mode: CameraMode
    /// The size of every frame: the mode's, cropped to even sides.
    public var size: VideoSize { converter.size }
    /// Frames a second: the mode's rate, or the part of it that is kept where the camera is faster than configured.
    public let frameRate: Double
    /// The name, the driver and the mode, such as `HD Webcam (uvcvideo, /dev/video0), 1280x720 MJPG, 30 frames/s`.
    public let description: String
    /// What the frames met with.
    public private(set) var statistics = CameraStatistics()

    private let device: V4L2Device
    private let buffers: CaptureBuffers
    private let converter: PictureConverter
    /// Of so many frames one is kept.
    private let decimation: UInt32
    private var lastSequence: UInt32?

    /// Opens the camera, sets the best mode (`CameraMode.best`) and starts it.
    public init(_ configuration: V4L2CameraConfiguration) throws(DeviceError) {
        let device = try V4L2Device(path: configuration.path)
        guard let type = device.captureType else {
            throw DeviceError("\(configuration.path): \(device.name) is not a camera")
        }
        let stream = try CaptureStream(configuration, on: device, type: type)
        guard
            let converter = PictureConverter(
                format: stream.mode.pixelFormat, width: stream.mode.width, height: stream.mode.height,
                bytesPerLine: stream.bytesPerLine, isFullRange: stream.isFullRange)
        else {
            throw DeviceError(
                "\(configuration.path): \(device.name) offers pictures that cannot be: \(stream.mode.width)x"
                    + "\(stream.mode.height) \(stream.mode.pixelFormat.fourCC), rows of \(stream.bytesPerLine) bytes")
        }
        self.device = device
        self.converter = converter
        mode = stream.mode
        let rate = stream.mode.frameRate?.value ?? configuration.frameRate
        decimation = UInt32(max(1, min((rate / configuration.frameRate - 0.05).rounded(.up), 1_000)))
        frameRate = rate / Double(decimation)
        description = Self.description(of: device, mode: mode, decimation: decimation)

        device.subscribeToSourceChanges()
        buffers = try CaptureBuffers(of: device, type: type)
        try buffers.start()
    }

    deinit {
        buffers.stop()
    }

    /// The cameras of this machine, by their numbers. Codecs, metadata and output nodes, which have the same kind of
    /// file, are left out, and so are nodes that work only as the end of a pipeline put together by another program.
    public static func devices() -> [CameraDevice] { enumerate().devices }

    /// The cameras of this machine, and why others could not be asked (no permission, most often).
    public static func enumerate() -> (devices: [CameraDevice], failures: [DeviceError]) {
        var devices: [CameraDevice] = []
        var failures: [DeviceError] = []
        // V4L2 has 256 minor numbers.
        for path in (0..<256).map({ "/dev/video\($0)" }) where access(path, F_OK) == 0 {
            do throws(DeviceError) {
                let device = try V4L2Device(path: path)
                if device.isCamera { devices.append(device.describe()) }
            } catch {
                failures.append(error)
            }
        }
        return (devices, failures)
    }

    /// The next picture, the newest that there is.
    public func nextFrame(timeout: Duration, wanted: @autoclosure () -> Bool) throws(DeviceError) -> VideoFrame? {
        let deadline = MonotonicClock.now + timeout
        while true {
            let events = try device.wait(until: deadline)
            if events == 0 { return nil }
            if events & POLLPRI != 0 { try device.takeEvents() }
            guard let filled = try newest() else {
                // Taking a buffer throws where the device is gone; a driver that only says POLLERR has stopped by
                // itself.
                if events & V4L2Device.failures != 0 {
                    throw DeviceError("\(device.path): stopped giving pictures")
                }
                continue
            }
            guard wanted() else {
                try buffers.queue(filled.index)
                return nil
            }
            guard filled.sequence % decimation == 0 else {
                try buffers.queue(filled.index)
                continue
            }
            let bytes = converter.convert(filled.memories)
            try buffers.queue(filled.index)
            guard let bytes else {
                statistics.corrupt += 1
                continue
            }
            return VideoFrame(size: size, bytes: bytes, captured: filled.plausibleTime)
        }
    }

    /// The newest undamaged buffer that is filled; all older ones go back to the driver.
    private func newest() throws(DeviceError) -> CaptureBuffers.Filled? {
        var newest: CaptureBuffers.Filled?
        while let filled = try buffers.dequeue() {
            statistics.captured += 1
            if let lastSequence {
                // Sequence numbers wrap; a driver that does not count leaves them all zero.
                let gap = filled.sequence &- lastSequence
                if gap > 1, gap < 1 << 31 { statistics.lost += Int(gap) - 1 }
            }
            lastSequence = filled.sequence
            if filled.isDamaged {
                statistics.corrupt += 1
                try buffers.queue(filled.index)
                continue
            }
            if let overtaken = newest {
                statistics.overtaken += 1
                try buffers.queue(overtaken.index)
            }
            newest = filled
        }
        return newest
    }

    private static func description(of device: V4L2Device, mode: CameraMode, decimation: UInt32) -> String {
        var text =
            "\(device.name) (\(device.driver), \(device.path)), \(mode.width)x\(mode.height) \(mode.pixelFormat.fourCC)"
        if let frameRate = mode.frameRate { text += ", \(frameRate) frames/s" }
        if decimation > 1 { text += " of which one in \(decimation) is kept" }
        return text
    }
}
