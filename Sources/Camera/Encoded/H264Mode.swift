import Media

/// When a camera's own H.264 is passed on instead of encoding its pictures here.
public enum CameraPassthrough: String, CaseIterable, Sendable {
    /// Where its other pictures are smaller or slower, or there are none. Otherwise they are encoded here, for no
    /// camera's encoder follows several viewers' networks.
    case automatic = "auto"
    /// Wherever it has any: next to no work for the board.
    case prefer
    /// Never.
    case off
}

/// One way to run a camera that encodes by itself.
public struct H264Mode: Hashable, Sendable {
    /// Pixels in a row, as the driver counts them.
    public let width: Int
    /// Rows, as the driver counts them.
    public let height: Int
    /// Frames a second; nil where the driver does not let it be chosen.
    public let frameRate: FrameRate?

    /// A mode.
    public init(width: Int, height: Int, frameRate: FrameRate?) {
        self.width = width
        self.height = height
        self.frameRate = frameRate
    }

    /// A rate that is less than this part of another is the lower one; 25 and 30 are two, 29.97 and 30 are not.
    private static let sameRate = 0.9

    /// The mode in which a camera with `formats` is to be passed through when pictures up to `size` are wanted, up to
    /// `frameRate` times a second; nil where they are better encoded here.
    public static func chosen(
        among formats: [CameraFormat], upTo size: VideoSize, frameRate: Double, by passthrough: CameraPassthrough
    ) -> H264Mode? {
        guard passthrough != .off else { return nil }
        func rank(_ width: Int, _ height: Int, _ rate: FrameRate?) -> ModeRank {
            ModeRank(width: width, height: height, frameRate: rate, cost: 0, wanted: size, wantedRate: frameRate)
        }
        let modes = formats.filter(\.isH264).flatMap { $0.modes(upTo: frameRate) }
        let ordered = modes.map { (mode: $0, rank: rank($0.width, $0.height, $0.frameRate)) }
        guard let best = ordered.max(by: { $0.rank < $1.rank }) else { return nil }
        let chosen = H264Mode(width: best.mode.width, height: best.mode.height, frameRate: best.mode.frameRate)
        guard passthrough == .automatic,
            let raw = CameraMode.best(among: formats, upTo: size, frameRate: frameRate)
        else { return chosen }
        if raw.width == chosen.width, raw.height == chosen.height {
            let (own, other) = (raw.frameRate?.value ?? frameRate, chosen.frameRate?.value ?? frameRate)
            return min(own, frameRate) < min(other, frameRate) * sameRate ? chosen : nil
        }
        return best.rank > rank(raw.width, raw.height, raw.frameRate) ? chosen : nil
    }
}

extension V4L2Camera {
    /// The mode in which the camera of `configuration` is to be passed through; nil where its pictures are to be
    /// encoded here.
    public static func passthroughMode(
        _ configuration: V4L2CameraConfiguration, by passthrough: CameraPassthrough
    ) throws(DeviceError) -> H264Mode? {
        guard passthrough != .off else { return nil }
        let device = try V4L2Device(path: configuration.path)
        let described = device.describe(wanted: configuration.size, frameRate: configuration.frameRate)
        return H264Mode.chosen(
            among: described.formats, upTo: configuration.size, frameRate: configuration.frameRate, by: passthrough)
    }
}
