import CV4L2
import Glibc
import Media
import Wire

/// What a camera with an encoder of its own gives and takes: V4L2, or what stands in for it.
protocol EncodedCapture: AnyObject {
    /// Where it is, for errors: `/dev/video0`.
    var path: String { get }
    /// The name, the driver and the mode.
    var description: String { get }
    /// Frames a second.
    var frameRate: Double { get }

    /// The values that `control` takes; nil where there is no such control.
    func range(of control: EncoderControl) -> ClosedRange<Int>?
    /// Sets `control`; false where that is refused.
    func set(_ control: EncoderControl, to value: Int) throws(DeviceError) -> Bool
    /// Begins to capture. Some drivers take a profile only before.
    func start() throws(DeviceError)
    /// The next buffer, in order; nil when none was filled before `timeout`.
    func nextBuffer(timeout: Duration) throws(DeviceError) -> EncodedBuffer?
}

/// What one buffer held: an access unit, as a rule.
struct EncodedBuffer {
    /// A byte stream (annex B).
    var bytes: [UInt8]
    /// When its picture was captured.
    var captured: Instant
    /// Counts the frames, with those that were lost.
    var sequence: UInt32
    /// Whether the driver found it damaged.
    var isDamaged = false
}

/// An H.264 camera by V4L2.
final class V4L2EncodedCapture: EncodedCapture {
    let path: String
    let description: String
    let frameRate: Double

    private let device: V4L2Device
    private let buffers: CaptureBuffers

    /// Sets the camera of `configuration` to `mode`.
    init(_ configuration: V4L2CameraConfiguration, mode: H264Mode) throws(DeviceError) {
        let device = try V4L2Device(path: configuration.path)
        guard let type = device.captureType else {
            throw DeviceError("\(configuration.path): \(device.name) is not a camera")
        }
        let format = try CaptureFormat(.h264, width: mode.width, height: mode.height, on: device, type: type)
        let rate = device.setRate(mode.frameRate, type: type)
        self.device = device
        path = device.path
        frameRate = rate?.value ?? configuration.frameRate
        var text = "\(device.name) (\(device.driver), \(device.path)), \(format.width)x\(format.height) H264"
        if let rate { text += ", \(rate) frames/s" }
        description = text
        device.subscribeToSourceChanges()
        buffers = try CaptureBuffers(of: device, type: type)
    }

    deinit {
        buffers.stop()
    }

    func range(of control: EncoderControl) -> ClosedRange<Int>? { device.range(of: control) }

    func set(_ control: EncoderControl, to value: Int) throws(DeviceError) -> Bool {
        try device.set(control, to: value)
    }

    func start() throws(DeviceError) { try buffers.start() }

    func nextBuffer(timeout: Duration) throws(DeviceError) -> EncodedBuffer? {
        let deadline = MonotonicClock.now + timeout
        while true {
            let events = try device.wait(until: deadline)
            if events == 0 { return nil }
            if events & POLLPRI != 0 { try device.takeEvents() }
            if let filled = try buffers.dequeue() {
                let buffer = EncodedBuffer(
                    bytes: filled.memories.first.map { Array($0) } ?? [], captured: filled.plausibleTime,
                    sequence: filled.sequence, isDamaged: filled.isDamaged)
                try buffers.queue(filled.index)
                return buffer
            }
            if events & V4L2Device.failures != 0 { throw DeviceError("\(path): stopped giving pictures") }
        }
    }
}
