import RTP
public import SDP
import Wire

/// Names a transceiver of one connection.
public struct TransceiverID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: Int
    /// For a log.
    public var description: String { "transceiver \(rawValue)" }
}

/// A sender and a receiver that share a media description (W3C RTCRtpTransceiver).
public struct RTCRtpTransceiver: Sendable {
    /// What `setCodec…` was agreed on for one direction or both: the payload types of the description that counts.
    struct NegotiatedCodec: Hashable, Sendable {
        var codec: RTPCodec
        var rtxPayloadType: UInt8?
    }

    /// Its identifier.
    public let id: TransceiverID
    /// Audio or video.
    public let kind: MediaKind
    /// The identification tag of its media description, once it has one.
    public internal(set) var mid: String?
    /// The direction that this side wants.
    public internal(set) var direction: MediaDirection
    /// The direction that was agreed on; nil before.
    public internal(set) var currentDirection: MediaDirection?
    /// Whether its media description was rejected: it is of no use any more.
    public internal(set) var isStopped = false

    /// Whether it was made by `addTrack`, so that a media description of the other side's offer may take it (RFC 8829
    /// §5.10).
    var wasAddedByTrack: Bool
    /// Whether it was made for a media description of the other side, so that a rollback removes it.
    var wasMadeByRemoteOffer: Bool
    var mLineIndex: Int?
    let streamID: String
    let trackID: String
    /// The sources it sends with, which a collision changes.
    var ssrc: SSRC
    var rtxSSRC: SSRC
    /// What the last exchange agreed on, as the other side numbers it; an offer of ours keeps the numbers.
    var negotiatedCodec: NegotiatedCodec?
    /// Whether the application knows that media comes in.
    var isReceiving = false
}

extension RTCPeerConnection {
    /// The transceivers, in the order in which they were made.
    public var allTransceivers: [RTCRtpTransceiver] { transceivers }

    /// Adds an outgoing track in a stream named `streamID` (W3C §5.1, `addTrack`): its media description is `sendrecv`,
    /// and one that the other side offers may take it.
    public mutating func addTrack(_ kind: MediaKind, streamID: String) -> TransceiverID {
        makeTransceiver(kind, direction: .sendrecv, streamID: streamID, byTrack: true)
    }

    /// Adds a transceiver (W3C §5.1, `addTransceiver`): the next offer has a media description for it.
    public mutating func addTransceiver(
        _ kind: MediaKind, direction: MediaDirection, streamID: String = "-"
    ) -> TransceiverID {
        makeTransceiver(kind, direction: direction, streamID: streamID, byTrack: false)
    }

    /// Changes the direction that this side wants (W3C §5.4, `direction`); of a transceiver that the other side has
    /// stopped meanwhile, nothing.
    public mutating func setDirection(_ direction: MediaDirection, of id: TransceiverID) {
        guard let index = transceivers.firstIndex(where: { $0.id == id }) else { return }
        transceivers[index].direction = direction
        updateNegotiationNeeded()
    }

    private mutating func makeTransceiver(
        _ kind: MediaKind, direction: MediaDirection, streamID: String, byTrack: Bool
    ) -> TransceiverID {
        precondition(kind == .audio || kind == .video, "only audio and video have transceivers")
        let transceiver = newTransceiver(kind, direction: direction, streamID: streamID, byTrack: byTrack)
        transceivers.append(transceiver)
        updateNegotiationNeeded()
        return transceiver.id
    }

    mutating func newTransceiver(
        _ kind: MediaKind, direction: MediaDirection, streamID: String, byTrack: Bool, byRemoteOffer: Bool = false
    ) -> RTCRtpTransceiver {
        defer { nextTransceiverNumber += 1 }
        return RTCRtpTransceiver(
            id: TransceiverID(rawValue: nextTransceiverNumber), kind: kind, direction: direction,
            wasAddedByTrack: byTrack, wasMadeByRemoteOffer: byRemoteOffer, streamID: streamID,
            trackID: "\(kind)-\(random.token(8))", ssrc: makeSource(), rtxSSRC: makeSource())
    }
}
