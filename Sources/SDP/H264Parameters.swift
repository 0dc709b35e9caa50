/// An H.264 profile as RFC 6184 §8.1, table 5, tells them apart: by `profile_idc` and the constraint flags.
public enum H264Profile: Hashable, Sendable {
    /// Baseline with constraint_set1: what every WebRTC endpoint decodes (RFC 7742 §6.2).
    case constrainedBaseline
    /// Baseline.
    case baseline
    /// Main.
    case main
    /// Extended.
    case extended
    /// High.
    case high
    /// High without interlacing and B slices.
    case constrainedHigh
    /// High 4:4:4 predictive.
    case highPredictive444
}

/// An H.264 level: `level_idc`, with level 1b on its own.
public struct H264Level: Hashable, Comparable, Sendable {
    /// Ten times the level's number: 31 for level 3.1.
    public let idc: UInt8
    /// Whether this is level 1b, which lies between 1 and 1.1.
    public let is1b: Bool

    /// The level with `level_idc` `idc` (1b is given as 11).
    public init(idc: UInt8, is1b: Bool = false) {
        self.idc = idc
        self.is1b = is1b
    }

    /// Whether `left` is the lower level.
    public static func < (left: H264Level, right: H264Level) -> Bool {
        (left.idc, left.is1b ? 0 : 1) < (right.idc, right.is1b ? 0 : 1)
    }
}

/// What an H.264 `a=fmtp` line says that both sides must agree on (RFC 6184 §8.1).
public struct H264Parameters: Hashable, Sendable {
    /// The profile.
    public var profile: H264Profile
    /// The highest level.
    public var level: H264Level
    /// 0: single NAL units; 1: also STAP-A and FU-A; 2: interleaved.
    public var packetizationMode: UInt8
    /// Whether the two directions may differ in level.
    public var allowsLevelAsymmetry: Bool

    /// The given parameters.
    public init(
        profile: H264Profile, level: H264Level, packetizationMode: UInt8 = 1, allowsLevelAsymmetry: Bool = true
    ) {
        self.profile = profile
        self.level = level
        self.packetizationMode = packetizationMode
        self.allowsLevelAsymmetry = allowsLevelAsymmetry
    }
}
