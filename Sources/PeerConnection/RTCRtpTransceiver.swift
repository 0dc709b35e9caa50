import RTP
public import SDP
import Wire

/// Names a transceiver of one connection.
public struct TransceiverID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: Int
    /// For a log.
    public var description: String { "transceiver \(rawValue)" }
}

/// Which way a transceiver's media goes (W3C §5.4, RTCRtpTransceiverDirection).
public enum RTCRtpTransceiverDirection: String, Hashable, Sendable, Codable {
    /// Both ways.
    case sendrecv
    /// From this side.
    case sendonly
    /// To this side.
    case recvonly
    /// Neither way, for now.
    case inactive
    /// Neither way, for good.
    case stopped

    /// The direction that a description says.
    public init(_ direction: MediaDirection) {
        self =
            switch direction {
            case .sendrecv: .sendrecv
            case .sendonly: .sendonly
            case .recvonly: .recvonly
            case .inactive: .inactive
            }
    }

    /// Whether this side sends.
    public var sends: Bool { self == .sendrecv || self == .sendonly }
    /// Whether this side receives.
    public var receives: Bool { self == .sendrecv || self == .recvonly }
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
    /// The direction that this side wants; `stopped` from `stop` on, or once its media description was rejected.
    public var direction: RTCRtpTransceiverDirection { isStopping ? .stopped : .init(wantedDirection) }
    /// The direction that was agreed on; nil before.
    public var currentDirection: RTCRtpTransceiverDirection? {
        isStopped ? .stopped : agreedDirection.map(RTCRtpTransceiverDirection.init)
    }
    /// Whether it is of no use any more: `stop` was called, or its media description was rejected.
    public internal(set) var isStopping = false
    /// Whether both sides know so. An exchange then forgets it: a transceiver that a connection does not have has stopped.
    public internal(set) var isStopped = false {
        didSet { if isStopped { isStopping = true } }
    }

    /// Whether `addTrack` has made or used it, so that a media description of the other side's offer may take it (RFC 8829
    /// §5.10), and a rollback leaves it.
    var wasAddedByTrack: Bool
    /// Whether it was made for a media description of the other side, so that a rollback removes it.
    var wasMadeByRemoteOffer: Bool
    var mLineIndex: Int?
    var wantedDirection: MediaDirection
    var agreedDirection: MediaDirection?
    /// The direction that was wanted when the last exchange ended; nil before.
    var exchangedDirection: MediaDirection?
    /// The sender's name in descriptions, which stays when its track is replaced (RFC 8829 §5.2.1).
    let trackID: String
    /// The streams that the sender's track is said to belong to.
    var streamIDs: [String]
    /// What the sender sends; nil for nothing.
    var track: MediaStreamTrack?
    /// Whether the sender has ever had a track.
    var hadTrack = false
    /// Whether it was ever agreed that it sends: then `addTrack` does not take it.
    package internal(set) var hasSent = false
    /// What the other side's last description says of its track.
    var remoteMSIDs: [MSID] = []
    /// The sources it sends with, which a collision changes.
    var ssrc: SSRC
    var rtxSSRC: SSRC
    /// What the last exchange agreed on, as the other side numbers it; an offer of ours keeps the numbers.
    var negotiatedCodec: NegotiatedCodec?
    /// Whether the application knows that media comes in.
    var isReceiving = false
}

extension RTCPeerConnection {
    /// The transceivers, in the order in which they were made (W3C `getTransceivers`): those that have stopped are no
    /// longer among them once both sides know.
    public var allTransceivers: [RTCRtpTransceiver] { transceivers }

    /// The transceiver `id`; nil once it has stopped.
    public func transceiver(_ id: TransceiverID) -> RTCRtpTransceiver? { transceivers.first { $0.id == id } }

    /// Where the transceiver `id` is among `transceivers`.
    func position(of id: TransceiverID) -> Int? { transceivers.firstIndex { $0.id == id } }

    /// Adds a transceiver (W3C §5.1, `addTransceiver`): the next offer has a media description for it. Where `direction`
    /// sends, what the application gives to `send` is its track.
    public mutating func addTransceiver(
        _ kind: MediaKind, direction: MediaDirection, streamID: String = "-"
    ) -> TransceiverID {
        let id = makeTransceiver(kind, direction: direction, streamIDs: Self.streams(streamID), byTrack: false)
        if direction.sends, let index = position(of: id) { attachOwnTrack(to: index) }
        return id
    }

    /// Changes the direction that this side wants (W3C §5.4, `direction`); of a transceiver that has stopped meanwhile,
    /// nothing. A sender that never had a track gets the application's frames for one where it is to send.
    public mutating func setDirection(_ direction: MediaDirection, of id: TransceiverID) {
        guard let index = position(of: id), !transceivers[index].isStopping else { return }
        transceivers[index].wantedDirection = direction
        if direction.sends, !transceivers[index].hadTrack { attachOwnTrack(to: index) }
        updateNegotiationNeeded()
    }

    mutating func makeTransceiver(
        _ kind: MediaKind, direction: MediaDirection, streamIDs: [String], byTrack: Bool
    ) -> TransceiverID {
        precondition(kind == .audio || kind == .video, "only audio and video have transceivers")
        let transceiver = newTransceiver(kind, direction: direction, streamIDs: streamIDs, byTrack: byTrack)
        transceivers.append(transceiver)
        updateNegotiationNeeded()
        return transceiver.id
    }

    mutating func newTransceiver(
        _ kind: MediaKind, direction: MediaDirection, streamIDs: [String], byTrack: Bool, byRemoteOffer: Bool = false
    ) -> RTCRtpTransceiver {
        defer { nextTransceiverNumber += 1 }
        return RTCRtpTransceiver(
            id: TransceiverID(rawValue: nextTransceiverNumber), kind: kind, wasAddedByTrack: byTrack,
            wasMadeByRemoteOffer: byRemoteOffer, wantedDirection: direction, trackID: "\(kind)-\(random.token(8))",
            streamIDs: streamIDs, ssrc: makeSource(), rtxSSRC: makeSource())
    }

    /// The identifiers of streams by the one that a description would show.
    static func streams(_ streamID: String) -> [String] {
        precondition(isStreamID(streamID), "the name of a stream is 1 to 64 token characters (RFC 8830 §2)")
        return streamID == "-" ? [] : [streamID]
    }
}
