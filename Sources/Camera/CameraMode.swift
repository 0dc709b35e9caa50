import Media

/// One way to run a camera: a pixel format in a size, at a rate.
public struct CameraMode: Hashable, Sendable {
    /// How the pixels come.
    public let pixelFormat: PixelFormat
    /// Pixels in a row, as the driver counts them.
    public let width: Int
    /// Rows, as the driver counts them.
    public let height: Int
    /// Frames a second; nil where the driver does not let it be chosen.
    public let frameRate: FrameRate?

    /// A mode.
    public init(pixelFormat: PixelFormat, width: Int, height: Int, frameRate: FrameRate?) {
        self.pixelFormat = pixelFormat
        self.width = width
        self.height = height
        self.frameRate = frameRate
    }
}

extension CameraMode {
    /// The best mode among `formats` up to `size` and `frameRate`: the best by size and rate (`ModeRank`), and of those
    /// the format that is cheapest to convert: planar, semi-planar, packed, JPEG.
    ///
    /// So a USB camera whose raw pictures do not fit through the bus at 30 frames a second gives JPEG, and one whose do
    /// gives them raw.
    public static func best(among formats: [CameraFormat], upTo size: VideoSize, frameRate: Double) -> CameraMode? {
        var best: (mode: CameraMode, rank: ModeRank)?
        for format in formats {
            guard let pixelFormat = format.pixelFormat else { continue }
            for (width, height, rate) in format.modes(upTo: frameRate) {
                let mode = CameraMode(pixelFormat: pixelFormat, width: width, height: height, frameRate: rate)
                let rank = ModeRank(
                    width: width, height: height, frameRate: rate, cost: pixelFormat.conversionCost, wanted: size,
                    wantedRate: frameRate)
                if best.map({ rank > $0.rank }) ?? true { best = (mode, rank) }
            }
        }
        return best?.mode
    }
}

extension CameraFormat {
    /// Every size with the rate that suits it best.
    func modes(upTo frameRate: Double) -> [(width: Int, height: Int, frameRate: FrameRate?)] {
        sizes.filter { $0.width >= 2 && $0.height >= 2 }.map {
            ($0.width, $0.height, FrameRate.best(among: $0.frameRates, upTo: frameRate))
        }
    }
}

extension FrameRate {
    /// The highest of `rates` up to `limit`, else the lowest. Drivers count 30 as 30000/1001 and the like, so a little
    /// more than the limit is not above it.
    static func best(among rates: [FrameRate], upTo limit: Double) -> FrameRate? {
        rates.filter { $0.value <= limit * 1.01 }.max() ?? rates.min()
    }
}

/// Where a mode stands among a camera's; the greater is the better. In this order:
///
/// 1. a rate of at least 15 (or the wanted one, where that is less), for a large picture at five frames a second is a
///    bad one
/// 2. not larger than wanted; among the larger ones, where there are no others, the smallest
/// 3. the largest size
/// 4. the highest rate up to the wanted one; among the faster ones, where there are no others, the slowest
/// 5. the least cost
struct ModeRank: Comparable {
    /// Frames a second below which a smaller, livelier picture is the better one.
    private static let livelyRate = 15.0

    private let values: [Double]

    init(width: Int, height: Int, frameRate: FrameRate?, cost: Int, wanted: VideoSize, wantedRate: Double) {
        // A driver that does not say is a driver that has one rate: take it to be the configured one.
        let rate = frameRate?.value ?? wantedRate
        let area = Double(width * height)
        let fits = width <= wanted.width && height <= wanted.height
        values = [
            rate >= min(Self.livelyRate, wantedRate) * 0.99 ? 1 : 0,
            fits ? 1 : 0,
            fits ? area : -area,
            rate <= wantedRate * 1.01 ? rate : -rate,
            -Double(cost),
        ]
    }

    static func < (left: ModeRank, right: ModeRank) -> Bool { left.values.lexicographicallyPrecedes(right.values) }
}
