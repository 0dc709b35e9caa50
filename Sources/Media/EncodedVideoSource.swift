/// A source of pictures that are encoded already: a camera with an encoder of its own, or a file. Owned by one thread,
/// which calls `nextAccessUnit` again and again.
public protocol EncodedVideoSource: AnyObject {
    /// What it is, for the log: a name, the format, the size, the rate.
    var description: String { get }
    /// What its pictures are; nil until the first has come.
    var format: H264Format? { get }
    /// Pictures a second.
    var frameRate: Double { get }
    /// The most bits that a second of it takes, where that is its own; nil where it follows `setBitrate`.
    var peakBitrate: Int? { get }
    /// How long before they are due, at their `captured`, its pictures are given; zero for what is captured as it happens.
    var lead: Duration { get }
    /// What it cannot do, in sentences for the owner's log.
    var limitations: [String] { get }

    /// Blocks until the next access unit is there, at most `timeout`; nil when none came in time. None is left out, for
    /// each refers to the one before.
    func nextAccessUnit(timeout: Duration) throws(DeviceError) -> AccessUnit?

    /// Asks for a key frame as soon as can be; false where the source cannot be asked, and gives one when it does.
    func requestKeyFrame() throws(DeviceError) -> Bool

    /// Aims at `bitrate` bits a second from now on; false where the source has a rate of its own.
    func setBitrate(_ bitrate: Int) throws(DeviceError) -> Bool
}

extension EncodedVideoSource {
    /// Zero.
    public var lead: Duration { .zero }
}
