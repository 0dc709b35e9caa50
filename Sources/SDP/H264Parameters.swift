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

    /// Whether a decoder of this profile decodes every stream of the profile `stream` (H.264 annex A.2).
    public func decodes(_ stream: H264Profile) -> Bool {
        if stream == self || stream == .constrainedBaseline { return true }
        return switch self {
        case .extended: stream == .baseline
        case .high: stream == .main || stream == .constrainedHigh
        case .highPredictive444: stream == .main || stream == .constrainedHigh || stream == .high
        case .constrainedBaseline, .baseline, .main, .constrainedHigh: false
        }
    }

    /// RFC 6184 §8.1, table 5: `profile_idc`, and of the constraint flags those that must be set, of those that matter.
    private static let table: [(profile: H264Profile, idc: UInt8, flags: UInt8, mask: UInt8)] = [
        (.constrainedBaseline, 0x42, 0x40, 0x4F), (.constrainedBaseline, 0x4D, 0x80, 0x8F),
        (.constrainedBaseline, 0x58, 0xC0, 0xCF), (.baseline, 0x42, 0x00, 0x4F), (.baseline, 0x58, 0x80, 0xCF),
        (.main, 0x4D, 0x00, 0xAF), (.extended, 0x58, 0x00, 0xCF), (.high, 0x64, 0x00, 0xFF),
        (.constrainedHigh, 0x64, 0x0C, 0xFF), (.highPredictive444, 0xF4, 0x00, 0xFF),
    ]

    /// The profile that `profile_idc` and the constraint flags (the byte called profile-iop) stand for.
    init?(idc: UInt8, flags: UInt8) {
        guard let row = Self.table.first(where: { $0.idc == idc && flags & $0.mask == $0.flags }) else { return nil }
        self = row.profile
    }

    /// `profile_idc` and the constraint flags as browsers write them.
    var bytes: (idc: UInt8, flags: UInt8) {
        switch self {
        case .constrainedBaseline: (0x42, 0xE0)
        case .baseline: (0x42, 0x00)
        case .main: (0x4D, 0x00)
        case .extended: (0x58, 0x00)
        case .high: (0x64, 0x00)
        case .constrainedHigh: (0x64, 0x0C)
        case .highPredictive444: (0xF4, 0x00)
        }
    }

    /// Whether level 1b is written as level 1.1 with constraint_set3 (H.264 A.3.1), not as `level_idc` 9 (A.3.2).
    var marks1bByFlag: Bool {
        switch self {
        case .constrainedBaseline, .baseline, .main, .extended: true
        case .high, .constrainedHigh, .highPredictive444: false
        }
    }
}

/// An H.264 level: `level_idc`, with level 1b on its own.
public struct H264Level: Hashable, Comparable, Sendable {
    /// Ten times the level's number: 31 for level 3.1.
    public let idc: UInt8
    /// Whether this is level 1b, which lies between 1 and 1.1.
    public let is1b: Bool

    /// The level with `level_idc` `idc`.
    public init(idc: UInt8) {
        self.init(idc: idc, is1b: false)
    }

    private init(idc: UInt8, is1b: Bool) {
        self.idc = idc
        self.is1b = is1b
    }

    /// Level 1b: level 1 with twice its bitrate, or level 1.1 with two thirds.
    public static let level1b = H264Level(idc: 11, is1b: true)

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

    /// Reads the parameters of `codec`; nil where it is not H.264 or its `profile-level-id` or `packetization-mode` is
    /// none that there is. The defaults are RFC 6184's: Baseline, level 1, mode 0, no asymmetry.
    public init?(_ codec: RTPCodec) {
        guard codec.isNamed("H264") else { return nil }
        let mode = codec.parameter("packetization-mode") ?? "0"
        guard let packetizationMode = UInt8(mode), packetizationMode <= 2 else { return nil }
        self.init(
            profileLevelID: codec.parameter("profile-level-id") ?? "42000a", packetizationMode: packetizationMode,
            allowsLevelAsymmetry: codec.parameter("level-asymmetry-allowed") == "1")
    }

    /// Reads a `profile-level-id` of six hexadecimal digits; nil where there is no such profile or level.
    public init?(profileLevelID: String, packetizationMode: UInt8 = 1, allowsLevelAsymmetry: Bool = true) {
        guard profileLevelID.utf8.count == 6, profileLevelID.allSatisfy(\.isHexDigit),
            let number = UInt32(profileLevelID, radix: 16)
        else { return nil }
        let flags = UInt8(truncatingIfNeeded: number >> 8)
        let idc = UInt8(truncatingIfNeeded: number)
        guard let profile = H264Profile(idc: UInt8(truncatingIfNeeded: number >> 16), flags: flags) else { return nil }
        let level: H264Level
        switch idc {
        case 9 where !profile.marks1bByFlag: level = .level1b
        case 11 where profile.marks1bByFlag && flags & 0x10 != 0: level = .level1b
        case 10...13, 20...22, 30...32, 40...42, 50...52, 60...62: level = H264Level(idc: idc)
        default: return nil
        }
        self.init(
            profile: profile, level: level, packetizationMode: packetizationMode,
            allowsLevelAsymmetry: allowsLevelAsymmetry)
    }

    /// The value of `profile-level-id`: `42e01f`.
    public var profileLevelID: String {
        var (idc, flags) = profile.bytes
        var levelIDC = level.idc
        if level.is1b {
            if profile.marks1bByFlag { flags |= 0x10 } else { levelIDC = 9 }
        }
        return [idc, flags, levelIDC].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The format parameters that say this, in Chromium's order.
    public var formatParameters: [FormatParameter] {
        [
            FormatParameter("level-asymmetry-allowed", allowsLevelAsymmetry ? "1" : "0"),
            FormatParameter("packetization-mode", String(packetizationMode)),
            FormatParameter("profile-level-id", profileLevelID),
        ]
    }

    /// What to answer to the offer `offered` when these are our own parameters. Nil where the two do not go together.
    ///
    /// RFC 6184 §8.2.2: profile and packetisation mode "MUST be used symmetrically"; the level may differ by direction
    /// where both sides allow that, else the answer may only lower it.
    public func answer(to offered: H264Parameters) -> H264Parameters? {
        guard profile == offered.profile, packetizationMode == offered.packetizationMode else { return nil }
        let isAsymmetric = allowsLevelAsymmetry && offered.allowsLevelAsymmetry
        return H264Parameters(
            profile: profile, level: isAsymmetric ? level : min(level, offered.level),
            packetizationMode: packetizationMode, allowsLevelAsymmetry: isAsymmetric)
    }

    /// The highest level of what we may send to a peer with the parameters `remote` when ours are these.
    public func sendLevel(to remote: H264Parameters) -> H264Level {
        allowsLevelAsymmetry && remote.allowsLevelAsymmetry ? remote.level : min(level, remote.level)
    }
}
