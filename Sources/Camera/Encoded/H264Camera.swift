import CV4L2
import Media
import Wire

/// A camera with an encoder of its own, whose access units are passed on. Owned by one thread.
///
/// What its driver offers is used: key frames on request, the bitrate, parameter sets before each key frame, a profile
/// that browsers take. What it does not offer is gone without, and said in `limitations`.
public final class H264Camera: EncodedVideoSource {
    /// The name, the driver and the mode, such as `HD Webcam (uvcvideo, /dev/video0), 1280x720 H264, 30 frames/s`.
    public var description: String { capture.description }
    /// What the pictures are; nil until the first has come.
    public var format: H264Format? { reader.format }
    /// Frames a second, as the driver says.
    public var frameRate: Double { capture.frameRate }
    /// Nil: the camera's rate is what it is told, or nobody knows it.
    public var peakBitrate: Int? { nil }
    /// What the camera cannot be told.
    public let limitations: [String]

    private let capture: any EncodedCapture
    private let canForceKeyFrame: Bool
    private let bitrates: ClosedRange<Int>?
    private var bitrate: Int
    private var reader = AnnexBReader()
    /// Pictures of the last buffer that were not given yet.
    private var waiting: [AccessUnit] = []
    private var lastSequence: UInt32?
    /// Whether pictures are missing, so that those up to the next key frame refer to what nobody has.
    private var isBroken = false

    /// Opens the camera of `configuration` in `mode` and starts it, at `bitrate` bits a second, with a key frame every
    /// `keyFrameInterval` at least.
    public convenience init(
        _ configuration: V4L2CameraConfiguration, mode: H264Mode, bitrate: Int, keyFrameInterval: Duration
    ) throws(DeviceError) {
        try self.init(
            V4L2EncodedCapture(configuration, mode: mode), bitrate: bitrate, keyFrameInterval: keyFrameInterval)
    }

    /// How often key frames come where none can be asked for: who joins waits half of that on average.
    private static let unforcedInterval = Duration.seconds(1)

    /// A camera behind `capture`.
    init(_ capture: any EncodedCapture, bitrate: Int, keyFrameInterval: Duration) throws(DeviceError) {
        self.capture = capture
        canForceKeyFrame = capture.range(of: .forceKeyFrame) != nil
        bitrates = capture.range(of: .bitrate)
        self.bitrate = bitrate
        var limitations: [String] = []
        if !canForceKeyFrame { limitations.append("cannot be asked for a key frame: a viewer waits for the next") }
        if bitrates == nil { limitations.append("has a bitrate of its own") }

        let interval = canForceKeyFrame ? keyFrameInterval : min(keyFrameInterval, Self.unforcedInterval)
        let pictures = max(1, Int((interval.inSeconds * capture.frameRate).rounded()))
        _ = try Self.set(capture, .bFrames, to: 0)
        // Constrained baseline is what every browser takes; a driver may know it under the older name alone.
        if try !Self.set(capture, .profile, to: Int(V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE.rawValue)) {
            _ = try Self.set(capture, .profile, to: Int(V4L2_MPEG_VIDEO_H264_PROFILE_BASELINE.rawValue))
        }
        _ = try Self.set(capture, .repeatSequenceHeader, to: 1)
        if bitrates != nil, try !Self.set(capture, .bitrate, to: bitrate) {
            limitations.append("refuses \(bitrate / 1000) kbit/s")
        }
        let hasPeriod = try Self.set(capture, .idrPeriod, to: pictures)
        let hasGroups = try Self.set(capture, .groupSize, to: pictures)
        if !canForceKeyFrame, !hasPeriod, !hasGroups { limitations.append("has key frames when it likes") }
        self.limitations = limitations
        try capture.start()
    }

    /// Sets a control to the nearest value that it takes; false where there is none, or it refuses.
    private static func set(
        _ capture: any EncodedCapture, _ control: EncoderControl, to value: Int
    ) throws(DeviceError) -> Bool {
        guard let range = capture.range(of: control) else { return false }
        return try capture.set(control, to: min(max(value, range.lowerBound), range.upperBound))
    }

    /// The next access unit.
    public func nextAccessUnit(timeout: Duration) throws(DeviceError) -> AccessUnit? {
        let deadline = MonotonicClock.now + timeout
        while waiting.isEmpty {
            let left = deadline - MonotonicClock.now
            guard left >= .zero, let buffer = try capture.nextBuffer(timeout: left) else { return nil }
            try take(buffer)
        }
        return waiting.removeFirst()
    }

    /// Asks for a key frame, where the driver can be.
    public func requestKeyFrame() throws(DeviceError) -> Bool {
        guard canForceKeyFrame else { return false }
        return try capture.set(.forceKeyFrame, to: 1)
    }

    /// Aims at `bitrate`, as near as the camera comes to it. A twentieth more or less is not worth the driver's time.
    public func setBitrate(_ bitrate: Int) throws(DeviceError) -> Bool {
        guard bitrates != nil else { return false }
        guard abs(bitrate - self.bitrate) > self.bitrate / 20 else { return true }
        self.bitrate = bitrate
        return try Self.set(capture, .bitrate, to: bitrate)
    }

    private func take(_ buffer: EncodedBuffer) throws(DeviceError) {
        // Sequence numbers wrap; a driver that does not count leaves them all zero.
        if let lastSequence, buffer.sequence &- lastSequence > 1, buffer.sequence != 0 { isBroken = true }
        lastSequence = buffer.sequence
        guard !buffer.isDamaged else {
            isBroken = true
            return try repair()
        }
        do throws(H264StreamError) {
            reader.append(buffer.bytes)
            while let picture = try reader.finish() {
                if picture.isKeyFrame { isBroken = false }
                // Where no key frame can be asked for, a torn picture until the next is better than none.
                if !isBroken || !canForceKeyFrame { waiting.append(picture.accessUnit(captured: buffer.captured)) }
            }
        } catch .notAnnexB, .tooLarge {
            reader.restart()
            isBroken = true
        } catch {
            throw DeviceError("\(capture.path): \(error)")
        }
        if isBroken { try repair() }
    }

    private func repair() throws(DeviceError) {
        if canForceKeyFrame { _ = try capture.set(.forceKeyFrame, to: 1) }
    }
}
