/// What a stream's sequence parameter set says of its pictures (H.264 §7.4.2.1.1, annex E).
public struct H264Format: Hashable, Sendable, CustomStringConvertible {
    /// `profile_idc`: 66 for baseline, 77 for main.
    public let profileIDC: UInt8
    /// The constraint flags, the first in the highest bit.
    public let constraints: UInt8
    /// `level_idc`: ten times the level's number.
    public let levelIDC: UInt8
    /// The pictures' size, cropped.
    public let size: VideoSize
    /// Pictures a second, where the stream says something that can be.
    public let frameRate: Double?

    /// The `profile-level-id` of the stream (RFC 6184 §8.1), six lower-case hexadecimal digits.
    public var profileLevelID: String {
        [profileIDC, constraints, levelIDC].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// `H.264 42e01f, 1280x720`.
    public var description: String { "H.264 \(profileLevelID), \(size)" }

    /// Longer sides than any level has (H.264 §A.3.1).
    private static let longestSide = 16_384
    /// Rates of a camera's; one outside is a time base that somebody took for a rate.
    private static let frameRates = 1.0...240.0
    /// What comes before the end of the timing information, generously.
    private static let longestSet = 512
}

extension H264Format {
    /// What the NAL unit `unit`, a sequence parameter set, says, and its identifier; nil where it is damaged. Throws
    /// where it is sound, but of a kind that browsers do not take.
    static func parse(_ unit: ArraySlice<UInt8>) throws(H264StreamError) -> (id: UInt32, format: H264Format)? {
        var bits = ParameterBits(unit, limit: longestSet)
        guard let profile = bits.unsigned(8), let constraints = bits.unsigned(8), let level = bits.unsigned(8),
            let id = bits.exponential(), id < 32, let isKnown = knownProfiles[UInt8(profile)]
        else { return nil }
        guard isKnown else { throw .profile(UInt8(profile)) }
        guard let size = try pictureSize(&bits) else { return nil }
        return (
            id,
            H264Format(
                profileIDC: UInt8(profile), constraints: UInt8(constraints), levelIDC: UInt8(level), size: size,
                frameRate: frameRate(&bits))
        )
    }

    /// The profiles of annex A that use this syntax, and whether browsers take them.
    private static let knownProfiles: [UInt8: Bool] = [
        66: true, 77: true, 88: false, 100: false, 110: false, 122: false, 244: false, 44: false, 83: false,
        86: false, 118: false, 128: false, 138: false, 139: false, 134: false, 135: false,
    ]

    /// From `log2_max_frame_num_minus4` to the cropping.
    private static func pictureSize(_ bits: inout ParameterBits) throws(H264StreamError) -> VideoSize? {
        guard bits.exponential() != nil, let orderType = bits.exponential() else { return nil }
        if orderType == 0 {
            guard bits.exponential() != nil else { return nil }
        } else if orderType == 1 {
            guard bits.skip(1) != nil, bits.exponential() != nil, bits.exponential() != nil,
                let cycle = bits.exponential(), cycle < 256
            else { return nil }
            for _ in 0..<cycle { guard bits.exponential() != nil else { return nil } }
        }
        guard bits.exponential() != nil, bits.skip(1) != nil, let columns = bits.exponential(),
            let rows = bits.exponential(), columns < longestSide / 16, rows < longestSide / 16,
            let isProgressive = bits.flag()
        else { return nil }
        guard isProgressive else { throw .interlaced }
        guard bits.skip(1) != nil, let isCropped = bits.flag() else { return nil }
        var crop = [UInt32](repeating: 0, count: 4)
        if isCropped {
            for side in crop.indices {
                guard let pixels = bits.exponential(), pixels < longestSide else { return nil }
                crop[side] = pixels * 2  // 4:2:0 counts in chroma samples (equation 7-19)
            }
        }
        let width = Int(columns + 1) * 16 - Int(crop[0] + crop[1])
        let height = Int(rows + 1) * 16 - Int(crop[2] + crop[3])
        return width > 0 && height > 0 ? VideoSize(width: width, height: height) : nil
    }

    /// `vui_parameters` up to the timing information: two ticks are a picture (annex E, `time_scale`).
    private static func frameRate(_ bits: inout ParameterBits) -> Double? {
        guard bits.flag() == true, let hasAspect = bits.flag() else { return nil }
        if hasAspect {
            guard let aspect = bits.unsigned(8), aspect != 255 || bits.skip(32) != nil else { return nil }
        }
        guard let hasOverscan = bits.flag(), !hasOverscan || bits.skip(1) != nil, let hasSignal = bits.flag() else {
            return nil
        }
        if hasSignal {
            guard bits.skip(4) != nil, let hasColour = bits.flag(), !hasColour || bits.skip(24) != nil else {
                return nil
            }
        }
        guard let hasChroma = bits.flag() else { return nil }
        if hasChroma { guard bits.exponential() != nil, bits.exponential() != nil else { return nil } }
        guard bits.flag() == true, let ticks = bits.unsigned(32), ticks > 0, let scale = bits.unsigned(32) else {
            return nil
        }
        let rate = Double(scale) / Double(ticks) / 2
        return frameRates.contains(rate) ? rate : nil
    }
}
