/// Why a stream of H.264 cannot be passed on to browsers as it is.
public enum H264StreamError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It does not begin with a start code (H.264 annex B).
    case notAnnexB
    /// A NAL unit of more bytes than any picture has.
    case tooLarge(Int)
    /// `profile_idc`, where it is neither baseline nor main.
    case profile(UInt8)
    /// Pictures that refer to later ones (B slices), which come out of order.
    case bidirectional
    /// Half-pictures.
    case interlaced
    /// No IDR picture with its parameter sets.
    case noKeyFrame

    /// What is wrong, and where that helps what to do.
    public var description: String {
        switch self {
        case .notAnnexB:
            "is no H.264 byte stream (Annex B); from an MP4: ffmpeg -i in.mp4 -c copy -bsf:v h264_mp4toannexb out.h264"
        case .tooLarge(let limit): "is no video: it has a NAL unit of more than \(limit) bytes"
        case .profile(let idc):
            "is H.264 of \(Self.name(ofProfile: idc)), which browsers refuse; they take constrained baseline, baseline "
                + "and main (ffmpeg: -profile:v baseline)"
        case .bidirectional:
            "has pictures that refer to later ones (B-frames), which browsers cannot show live (ffmpeg: -bf 0)"
        case .interlaced: "is of half-pictures (interlaced), which browsers refuse"
        case .noKeyFrame: "has no key frame: no IDR picture with its parameter sets"
        }
    }

    private static func name(ofProfile idc: UInt8) -> String {
        switch idc {
        case 88: "extended profile"
        case 100: "high profile"
        case 110: "high 10 profile"
        case 122: "high 4:2:2 profile"
        case 244: "high 4:4:4 profile"
        default: "profile \(idc)"
        }
    }
}
