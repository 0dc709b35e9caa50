/// How much smaller than the source's an encode's pictures are: the ratios that scale cheaply and leave whole pixels.
public enum PictureScale: Int, CaseIterable, Hashable, Comparable, Sendable {
    /// As they come.
    case full
    /// Three quarters of each side.
    case threeQuarters
    /// Half of each side.
    case half
    /// A quarter of each side.
    case quarter

    /// Whether `left` is the larger picture.
    public static func < (left: PictureScale, right: PictureScale) -> Bool { left.rawValue < right.rawValue }

    /// The size that pictures of `source` become. What is left over at the right and the bottom, less than eight pixels,
    /// is cut off.
    public func size(of source: VideoSize) -> VideoSize {
        switch self {
        case .full: source
        case .threeQuarters: Self.size(of: source, step: 8, becomes: 6)
        case .half: Self.size(of: source, step: 4, becomes: 2)
        case .quarter: Self.size(of: source, step: 8, becomes: 2)
        }
    }

    private static func size(of source: VideoSize, step: Int, becomes: Int) -> VideoSize {
        VideoSize(
            width: max(source.width / step * becomes, 2), height: max(source.height / step * becomes, 2))
    }
}

/// What the source gives: the most that an encode can show.
public struct PictureSource: Hashable, Sendable {
    /// The size of every picture.
    public var size: VideoSize
    /// Pictures a second.
    public var frameRate: Double

    /// A source of pictures of `size`, `frameRate` times a second.
    public init(size: VideoSize, frameRate: Double) {
        self.size = size
        self.frameRate = frameRate
    }
}

/// What is left of the source's size and rate in an encode.
public struct PictureFormat: Hashable, Sendable {
    /// How much smaller the pictures are.
    public var scale: PictureScale
    /// One picture of so many is kept.
    public var frameDivisor: Int

    /// A format of pictures scaled by `scale`, one of every `frameDivisor`.
    public init(scale: PictureScale = .full, frameDivisor: Int = 1) {
        self.scale = scale
        self.frameDivisor = frameDivisor
    }

    /// The source's own.
    public static let full = PictureFormat()

    /// From the best to the poorest, as far as `source` has room for them: first the size falls, for a still picture's
    /// detail is what a low rate cannot pay; then, of pictures already small, the rate; then the size again.
    static func all(of source: PictureSource) -> [PictureFormat] {
        let order = [
            PictureFormat.full, PictureFormat(scale: .threeQuarters), PictureFormat(scale: .half),
            PictureFormat(scale: .half, frameDivisor: 2), PictureFormat(scale: .quarter, frameDivisor: 2),
        ]
        return order.filter { format in
            guard format != .full else { return true }
            let size = format.scale.size(of: source.size)
            // a face cannot be told in less, and fewer pictures a second than seven are slides
            return size.width * size.height >= 320 * 180
                && (format.frameDivisor == 1 || source.frameRate / Double(format.frameDivisor) >= 7)
        }
    }

    /// The bits a second below which pictures of this format fall apart into blocks, by x264 superfast on a moving scene:
    /// 900 kbit/s for 1280x720 at 30 pictures a second. A smaller picture shares less between its pixels, so the need falls
    /// slower than their number: by its power of 3/4.
    func need(of source: PictureSource) -> Double {
        let size = scale.size(of: source.size)
        let rate = Double(size.width * size.height) * source.frameRate / Double(frameDivisor)
        let root = (rate / (1280 * 720 * 30)).squareRoot().squareRoot()
        return 900_000 * root * root * root
    }
}
