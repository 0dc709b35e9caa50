import Media
import Wire

/// The picture of a door without a camera: colour bars, a clock in large digits, the door's name, a disc that glides to
/// and fro, and at the foot a strip of cells from which a program reads the clock (`TestCardStrip` says how). Owned by
/// one thread.
///
/// From the top, in parts of the height: bars 0…0.385, the clock's digits `HH:MM:SS` 0.435…0.625, the name 0.675…0.737,
/// the label 0.765…0.797, the disc's rail at 0.835, the strip 0.86…0.98.
public final class TestCard: VideoSource {
    /// The size of every frame.
    public let size: VideoSize
    /// Frames a second.
    public let frameRate: Double

    private let clock: @Sendable () -> Int
    private let now: () -> Instant
    private let sleep: (Instant) -> Void
    private var pacer: FramePacer
    private var painter: TestCardPainter
    private let grain: TestCardGrain?

    /// The most grain that a card can have.
    public static let strongestGrain = TestCardGrain.strongest

    /// A card of `size`, `frameRate` times a second, with the door's `name` and `label` under it, and the time that
    /// `clock` tells: milliseconds since midnight, by the owner's own time. `grain` is the most by which a pixel's luma
    /// is changed at random, from 0, none, to `strongestGrain`: with it an encoder needs as many bits as for a camera's
    /// pictures.
    public convenience init(
        size: VideoSize, frameRate: Double, name: String, label: String = "no camera", grain: Int = 0,
        clock: @escaping @Sendable () -> Int = { TestCard.localMillisecondsOfDay() }
    ) {
        self.init(
            size: size, frameRate: frameRate, name: name, label: label, grain: grain, clock: clock,
            now: { MonotonicClock.now }, sleep: MonotonicClock.sleep(until:))
    }

    /// A card that is paced by another clock, for tests.
    init(
        size: VideoSize, frameRate: Double, name: String, label: String, grain: Int = 0,
        clock: @escaping @Sendable () -> Int, now: @escaping () -> Instant, sleep: @escaping (Instant) -> Void
    ) {
        precondition(frameRate > 0 && frameRate <= 1_000, "a picture takes a millisecond at least")
        self.size = size
        self.frameRate = frameRate
        self.clock = clock
        self.now = now
        self.sleep = sleep
        pacer = FramePacer(frameRate: frameRate)
        painter = TestCardPainter(size: size, name: name, label: label)
        self.grain = grain > 0 ? TestCardGrain(size: size, strength: grain) : nil
    }

    /// `test card, 1280x720, 30 frames/s`.
    public var description: String {
        let rate = frameRate == frameRate.rounded() ? "\(Int(frameRate))" : "\(frameRate)"
        return "test card, \(size), \(rate) frames/s"
    }

    /// The next picture, when it is due; nil where that is not before `timeout`, or where it is not wanted.
    public func nextFrame(timeout: Duration, wanted: @autoclosure () -> Bool) throws(DeviceError) -> VideoFrame? {
        let asked = now()
        let due = pacer.due(at: asked)
        if due > asked + timeout {
            sleep(asked + timeout)
            return nil
        }
        if due > asked { sleep(due) }
        let captured = max(now(), due)
        let number = pacer.take(at: captured)
        guard wanted() else { return nil }
        let strip = TestCardStrip(millisecondsOfDay: clock(), frameNumber: number)
        let bytes = painter.picture(strip, frameNumber: number, frameRate: frameRate)
        return VideoFrame(size: size, bytes: grain?.over(bytes) ?? bytes, captured: captured)
    }

    /// Milliseconds since midnight by the machine's clock and time zone.
    public static func localMillisecondsOfDay() -> Int { TimeOfDay.localMillisecondsOfDay }
}
