import Media
import RTP

/// Which frames one viewer is sent: those of one encode, and from a key frame of another on those of that one. His decoder
/// sees one stream, whose pictures change their size.
///
/// Frames may come in parts, but never two of them mixed: the other encode's key frame waits for the end of a frame that
/// has begun to leave.
struct EncodingSwitch {
    /// What becomes of a frame, or of a part of one.
    enum Verdict {
        /// It leaves, as it is here.
        case send(PacketizedFrame)
        /// These leave, as they are here: with it, others that waited for it or that it waited for.
        case sendAll([PacketizedFrame])
        /// It is not for this viewer, or not yet.
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
    /// Whether the first part of a frame has left, and the last has not.
    private var isInFrame = false
    /// The other encode's frames from its key frame on, which wait for the end of a frame; whole ones.
    private var waiting: [PacketizedFrame] = []
    /// A frame whose end does not come for so many of the other encode never ends.
    private static let mostWaiting = 3

    /// A decoder starts.
    mutating func awaitKeyFrame() {
        awaitsKeyFrame = true
    }

    /// What becomes of a frame of `encoding`, or of a part of one.
    mutating func take(_ frame: PacketizedFrame, of encoding: Encoding) -> Verdict {
        if awaitsKeyFrame {
            (current, isInFrame, waiting) = (wanted, false, [])
        } else if wanted == current {
            waiting = []
        }
        if encoding == wanted, encoding != current, frame.isFirst, frame.isKeyFrame || !waiting.isEmpty {
            // a frame that comes in parts itself cannot wait; the one that it cuts off is made up for by the key frame
            guard isInFrame, frame.isLast, waiting.count < Self.mostWaiting else {
                return .sendAll(move(with: [frame]))
            }
            waiting.append(frame)
            return .skip
        }
        guard encoding == current else { return .skip }
        if frame.isFirst {
            guard !awaitsKeyFrame || frame.isKeyFrame else { return .needsKeyFrame }
            awaitsKeyFrame = false
        } else {
            guard isInFrame else { return .skip }
        }
        isInFrame = !frame.isLast
        let sent = placed(frame)
        return waiting.isEmpty || isInFrame ? .send(sent) : .sendAll([sent] + move(with: []))
    }

    /// Takes the other encode from its key frame on: what waited, and `frames`.
    private mutating func move(with frames: [PacketizedFrame]) -> [PacketizedFrame] {
        let frames = waiting + frames
        (current, waiting) = (wanted, [])
        isInFrame = frames.last?.isLast == false
        var sent: [PacketizedFrame] = []
        for frame in frames { sent.append(placed(frame)) }
        return sent
    }

    /// `frame` after those that have left: two encodes of one picture have the same time, and the slower one's may come
    /// when the other's next has left. To a decoder these are pictures one after the other.
    private mutating func placed(_ frame: PacketizedFrame) -> PacketizedFrame {
        var frame = frame
        if let lastTimestamp {
            if !frame.isFirst {
                frame.timestamp = lastTimestamp
            } else if lastTimestamp.distance(to: frame.timestamp) <= 0 {
                frame.timestamp = lastTimestamp + 1
            }
        }
        lastTimestamp = frame.timestamp
        return frame
    }
}
