import Media

/// What an `H264Encoder` is to produce.
public struct H264EncoderConfiguration: Hashable, Sendable {
    /// How much time x264 spends on a picture to make it smaller: its own presets, the three that suit a small board.
    public enum Preset: String, CaseIterable, Sendable {
        /// The least work: no deblocking, no subpartitions.
        case ultrafast
        /// About 1.6 times the work of `ultrafast` for visibly better pictures.
        case superfast
        /// About 2.8 times the work of `ultrafast`.
        case veryfast
    }

    /// The size of every picture.
    public var size: VideoSize
    /// Pictures a second that the bits are shared out to. A source that is slower than this uses less than the bitrate.
    public var frameRate: Double
    /// Bits a second.
    public var bitrate: Int
    /// The work done for each picture.
    public var preset: Preset
    /// The longest time between key frames; nil to make them on request alone, which is what viewers who can ask for
    /// them (RFC 4585 §6.3.1) are best served by: a key frame is many times the size of a picture between.
    public var keyFrameInterval: Duration?
    /// Whether, in place of key frames by themselves, a stripe of each picture is coded anew, and all of it within
    /// `keyFrameInterval`: the same repair without the burst. Key frames then come on request alone.
    public var intraRefresh: Bool
    /// Threads that share each picture, in slices: more than one adds no delay, and a little to the size.
    public var threads: Int
    /// Slices that each picture is cut into, to be given out as they are ready; more cost time and bits. With several
    /// threads x264 chooses a number near it.
    public var slices: Int

    /// A configuration for pictures of `size`, `frameRate` times a second, in `bitrate` bits a second.
    public init(
        size: VideoSize, frameRate: Double, bitrate: Int, preset: Preset = .superfast,
        keyFrameInterval: Duration? = nil, intraRefresh: Bool = false,
        threads: Int = 1, slices: Int = 1
    ) {
        self.size = size
        self.frameRate = frameRate
        self.bitrate = bitrate
        self.preset = preset
        self.keyFrameInterval = keyFrameInterval
        self.intraRefresh = intraRefresh
        self.threads = threads
        self.slices = slices
    }
}
