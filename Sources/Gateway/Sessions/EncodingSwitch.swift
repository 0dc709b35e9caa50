import Media
import RTP

/// Which frames one viewer is sent: those of one encode, and from a key frame of another on those of that one. His decoder
/// sees one stream, whose pictures change their size.
struct EncodingSwitch {
    /// What becomes of a frame.
    enum Verdict {
        /// It leaves, as it is here.
        case send(PacketizedFrame)
        /// It is not for this viewer.
        case skip
        /// It would be, were it a key frame.
        case needsKeyFrame
    }

    /// The encode whose frames leave.
    private(set) var current = Encoding.main
    /// The encode that the viewer shall take.
    var wanted = Encoding.main
    /// Whether nothing leaves before a key frame: a decoder can start nowhere else.
    private(set) var awaitsKeyFrame = true
    private var lastTimestamp: RTPTimestamp?

    /// A decoder starts.
    mutating func awaitKeyFrame() {
        awaitsKeyFrame = true
    }

    /// What becomes of a frame of `encoding`.
    mutating func take(_ frame: PacketizedFrame, of encoding: Encoding) -> Verdict {
        if awaitsKeyFrame || frame.isKeyFrame && encoding == wanted { current = wanted }
        guard encoding == current else { return .skip }
        guard !awaitsKeyFrame || frame.isKeyFrame else { return .needsKeyFrame }
        awaitsKeyFrame = false
        return .send(placed(frame))
    }

    /// `frame` after those that have left: two encodes of one picture have the same time, and the slower one's may come
    /// when the other's next has left. To a decoder these are pictures one after the other.
    private mutating func placed(_ frame: PacketizedFrame) -> PacketizedFrame {
        var frame = frame
        if let lastTimestamp, lastTimestamp.distance(to: frame.timestamp) <= 0 { frame.timestamp = lastTimestamp + 1 }
        lastTimestamp = frame.timestamp
        return frame
    }
}
