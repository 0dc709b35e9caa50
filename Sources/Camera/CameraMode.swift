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
    /// Frames a second below which a smaller, livelier picture is the better one.
    static let livelyRate = 15.0

    /// The best mode among `formats` up to `size` and `frameRate`. In this order:
    ///
    /// 1. a rate of at least 15 (or `frameRate`, where that is less), for a large picture at five frames a second is a
    /// bad one 2. not larger than `size`; among the larger ones, where there are no others, the smallest 3. the largest
    /// size 4. the highest rate up to `frameRate`; among the faster ones, where there are no others, the slowest 5. the
    /// format that is cheapest to convert: planar, semi-planar, packed, JPEG
    ///
    /// So a USB camera whose raw pictures do not fit through the bus at 30 frames a second gives JPEG, and one whose do
    /// gives them raw.
    public static func best(among formats: [CameraFormat], upTo size: VideoSize, frameRate: Double) -> CameraMode? {
        var best: (mode: CameraMode, rank: Rank)?
        for format in formats {
            guard let pixelFormat = format.pixelFormat else { continue }
            for cameraSize in format.sizes where cameraSize.width >= 2 && cameraSize.height >= 2 {
                let rate = self.rate(among: cameraSize.frameRates, upTo: frameRate)
                let mode = CameraMode(
                    pixelFormat: pixelFormat, width: cameraSize.width, height: cameraSize.height, frameRate: rate)
                let rank = Rank(of: mode, size: size, frameRate: frameRate)
                if best.map({ rank > $0.rank }) ?? true { best = (mode, rank) }
            }
        }
        return best?.mode
    }

    /// The highest of `rates` up to `limit`, else the lowest. Drivers count 30 as 30000/1001 and the like, so a little
    /// more than the limit is not above it.
    static func rate(among rates: [FrameRate], upTo limit: Double) -> FrameRate? {
        rates.filter { $0.value <= limit * 1.01 }.max() ?? rates.min()
    }

    /// The order of preference; the greater is the better.
    private struct Rank: Comparable {
        let values: [Double]

        init(of mode: CameraMode, size: VideoSize, frameRate: Double) {
            // A driver that does not say is a driver that has one rate: take it to be the configured one.
            let rate = mode.frameRate?.value ?? frameRate
            let area = Double(mode.width * mode.height)
            let fits = mode.width <= size.width && mode.height <= size.height
            values = [
                rate >= min(CameraMode.livelyRate, frameRate) * 0.99 ? 1 : 0,
                fits ? 1 : 0,
                fits ? area : -area,
                rate <= frameRate * 1.01 ? rate : -rate,
                -Double(mode.pixelFormat.conversionCost),
            ]
        }

        static func < (left: Rank, right: Rank) -> Bool { left.values.lexicographicallyPrecedes(right.values) }
    }
}
