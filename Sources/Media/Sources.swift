import Wire

/// A device that failed while it was used: it vanished, or the driver answered with an error. The message is a sentence
/// for the owner's log, with the device's name and the system's reason.
public struct DeviceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened, for the log.
    public let description: String
    /// Whether the device is gone (unplugged) rather than out of order.
    public let isGone: Bool

    /// An error with the sentence `description`.
    public init(_ description: String, isGone: Bool = false) {
        self.description = description
        self.isGone = isGone
    }
}

/// A camera, or what stands in for one. Owned by one thread, which calls `nextFrame` again and again.
public protocol VideoSource: AnyObject {
    /// What it is, for the log and for `doorward devices`: a name, the size, the rate, the pixel format.
    var description: String { get }
    /// The size of every frame.
    var size: VideoSize { get }
    /// Frames a second that the source aims at.
    var frameRate: Double { get }

    /// Blocks until the next picture is there, at most `timeout`; nil when none came in time. Where several wait, older
    /// ones are dropped. Where `wanted`, which is asked once the picture is there, is false the picture is consumed without
    /// the cost of converting it, and nil is returned.
    func nextFrame(timeout: Duration, wanted: @autoclosure () -> Bool) throws(DeviceError) -> VideoFrame?
}

/// Sound in the daemon is 48 kHz, mono, 16 bit, in blocks of 20 ms: one Opus packet each.
public enum AudioFormat {
    /// Samples a second.
    public static let sampleRate = 48_000
    /// Samples in one block of 20 ms.
    public static let samplesPerBlock = 960
    /// How long one block lasts.
    public static let blockDuration = Duration.milliseconds(20)
}

/// 20 ms of captured sound.
public struct AudioBlock: Sendable {
    /// `AudioFormat.samplesPerBlock` samples.
    public var samples: [Int16]
    /// When its first sample was captured.
    public let captured: Instant

    /// A block of `samples`, which must be `AudioFormat.samplesPerBlock` many.
    public init(samples: [Int16], captured: Instant) {
        precondition(samples.count == AudioFormat.samplesPerBlock, "a block is 20 ms")
        self.samples = samples
        self.captured = captured
    }
}

/// A microphone, or what stands in for one. Owned by one thread, which calls `nextBlock` again and again.
public protocol AudioSource: AnyObject {
    /// What it is, for the log: a name and the format the device took.
    var description: String { get }

    /// Blocks until 20 ms of sound are there, at most `timeout`; nil when they did not come in time.
    func nextBlock(timeout: Duration) throws(DeviceError) -> AudioBlock?
}

/// A speaker. Owned by one thread, which calls `play` again and again; the device's clock sets the pace.
public protocol AudioSink: AnyObject {
    /// What it is, for the log: a name and the format the device took.
    var description: String { get }

    /// Queues `AudioFormat.samplesPerBlock` samples; blocks while the device's buffer is full.
    func play(_ samples: [Int16]) throws(DeviceError)
}

/// An encoder of pictures: a library's, or the board's own codec. Owned by one thread.
public protocol VideoEncoder: AnyObject {
    /// What it is, for the log: the codec, the size, the rate and how it is tuned.
    var description: String { get }
    /// The `profile-level-id` of what it produces (RFC 6184 §8.1), six lower-case hexadecimal digits.
    var profileLevelID: String { get }

    /// Encodes the next picture, as a key frame where `forceKeyFrame` asks for one; nil when the encoder dropped it.
    func encode(_ frame: VideoFrame, forceKeyFrame: Bool) throws(DeviceError) -> AccessUnit?

    /// The same, and calls `give` with each part of it, in order, as soon as it is ready.
    func encode(_ frame: VideoFrame, forceKeyFrame: Bool, give: (AccessUnit) -> Void) throws(DeviceError)

    /// Aims at `bitrate` bits a second from the next picture on.
    func setBitrate(_ bitrate: Int) throws(DeviceError)
}
