public import SDP
import Wire

/// What a sender sends: the pictures of one camera, the sound of one microphone (W3C MediaStreamTrack). To a connection it
/// is a name; its frames go to `send`.
public struct MediaStreamTrack: Hashable, Sendable {
    /// Its identifier.
    public let id: String
    /// Audio or video.
    public let kind: MediaKind
    /// What the application says of its pictures, for the statistics.
    public var settings: MediaSourceSettings?

    /// A track of audio or video.
    public init(id: String, kind: MediaKind, settings: MediaSourceSettings? = nil) {
        self.id = id
        self.kind = kind
        self.settings = settings
    }
}

/// The sending half of a transceiver (W3C RTCRtpSender).
public struct RTCRtpSender: Hashable, Sendable {
    /// The transceiver whose half it is.
    public let transceiver: TransceiverID
    /// Audio or video.
    public let kind: MediaKind
    /// What it sends; nil for nothing.
    public let track: MediaStreamTrack?
    /// The streams that the other side is told the track belongs to.
    public let streamIDs: [String]
}

/// The receiving half of a transceiver (W3C RTCRtpReceiver).
public struct RTCRtpReceiver: Hashable, Sendable {
    /// The transceiver whose half it is.
    public let transceiver: TransceiverID
    /// Audio or video.
    public let kind: MediaKind
    /// The other side's name for the track; nil where its description tells none.
    public let trackID: String?
    /// The streams that the other side says the track belongs to.
    public let streamIDs: [String]
}

extension RTCRtpTransceiver {
    /// Its sending half.
    public var sender: RTCRtpSender {
        RTCRtpSender(transceiver: id, kind: kind, track: track, streamIDs: streamIDs)
    }

    /// Its receiving half.
    public var receiver: RTCRtpReceiver {
        RTCRtpReceiver(
            transceiver: id, kind: kind, trackID: remoteMSIDs.first?.track,
            streamIDs: remoteMSIDs.map(\.stream).filter { $0 != "-" })
    }
}

extension RTCPeerConnection {
    /// `getSenders`: one for each transceiver that has not been stopped.
    public var senders: [RTCRtpSender] { transceivers.filter { !$0.isStopping }.map(\.sender) }

    /// `getReceivers`: one for each transceiver that has not been stopped.
    public var receivers: [RTCRtpReceiver] { transceivers.filter { !$0.isStopping }.map(\.receiver) }

    // MARK: Tracks (W3C §5.1)

    /// Adds an outgoing track in a stream named `streamID` (`addTrack`): its frames are what the application gives to
    /// `send`. A transceiver of the kind that has never sent takes it; else there is a new one, whose media description is
    /// `sendrecv` and which a media description that the other side offers may take.
    public mutating func addTrack(_ kind: MediaKind, streamID: String) -> TransceiverID {
        add(nil, kind, streamIDs: Self.streams(streamID))
    }

    /// Adds the track `track`, in `streamIDs`, as `addTrack(_:streamID:)` does. Throws InvalidStateError on a closed
    /// connection, InvalidAccessError where a sender has the track already, TypeError where no description can show the name of
    /// a stream: it has 1 to 64 of the characters that RFC 8830 §2 allows.
    public mutating func addTrack(
        _ track: MediaStreamTrack, streamIDs: [String] = []
    ) throws(RTCError) -> TransceiverID {
        try checkOpen()
        guard !transceivers.contains(where: { $0.track?.id == track.id && !$0.isStopping }) else {
            throw .invalidAccess("there is a sender for the track already")
        }
        return add(track, track.kind, streamIDs: try Self.checked(streamIDs))
    }

    /// Adds a transceiver that sends `track` (`addTransceiver`). Throws InvalidStateError on a closed connection.
    public mutating func addTransceiver(
        _ track: MediaStreamTrack, direction: MediaDirection = .sendrecv, streamIDs: [String] = []
    ) throws(RTCError) -> TransceiverID {
        try checkOpen()
        let id = makeTransceiver(
            track.kind, direction: direction, streamIDs: try Self.checked(streamIDs), byTrack: false)
        if let index = position(of: id) { attach(track, to: index) }
        return id
    }

    /// Ends sending on a transceiver (`removeTrack`): its sender has no track any more, and what it wants is to receive
    /// where it did. Throws InvalidStateError on a closed connection, InvalidAccessError where there is no such sender; on
    /// one without a track, or stopped, nothing is done.
    public mutating func removeTrack(_ id: TransceiverID) throws(RTCError) {
        try checkOpen()
        guard let index = position(of: id) else {
            // a transceiver that has stopped is no longer there
            guard id.rawValue < nextTransceiverNumber else { throw .invalidAccess("there is no such sender") }
            return
        }
        guard !transceivers[index].isStopping, transceivers[index].track != nil else { return }
        attach(nil, to: index)
        let receives = transceivers[index].wantedDirection.receives
        transceivers[index].wantedDirection = MediaDirection(sends: false, receives: receives)
        updateNegotiationNeeded()
    }

    /// Lets another track take the place of a sender's, or none (`replaceTrack`), without negotiation: sources, sequence
    /// numbers and the name in descriptions go on. The first frame of other pictures has to be a key frame. Throws
    /// TypeError where the kind is another's, InvalidStateError on a closed connection or a stopped transceiver.
    public mutating func replaceTrack(of id: TransceiverID, with track: MediaStreamTrack?) throws(RTCError) {
        try checkOpen()
        let index = position(of: id)
        if let track, let index, track.kind != transceivers[index].kind {
            throw .type("a sender of \(transceivers[index].kind) cannot send \(track.kind)")
        }
        guard let index, !transceivers[index].isStopping else { throw .invalidState("the transceiver has stopped") }
        attach(track, to: index)
    }

    /// Changes the streams that the other side is told a sender's track belongs to (`setStreams`). Throws
    /// InvalidStateError on a closed connection or a stopped transceiver.
    public mutating func setStreams(_ streamIDs: [String], of id: TransceiverID) throws(RTCError) {
        try checkOpen()
        guard let index = position(of: id), !transceivers[index].isStopping else {
            throw .invalidState("the transceiver has stopped")
        }
        transceivers[index].streamIDs = try Self.checked(streamIDs)
        updateNegotiationNeeded()
    }

    // MARK: Senders

    private mutating func add(_ track: MediaStreamTrack?, _ kind: MediaKind, streamIDs: [String]) -> TransceiverID {
        let free = transceivers.firstIndex {
            $0.kind == kind && $0.track == nil && !$0.hasSent && !$0.isStopping
        }
        let index: Int
        if let free {
            index = free
            transceivers[index].streamIDs = streamIDs
            transceivers[index].wasAddedByTrack = true
            let receives = transceivers[index].wantedDirection.receives
            transceivers[index].wantedDirection = MediaDirection(sends: true, receives: receives)
        } else {
            _ = makeTransceiver(kind, direction: .sendrecv, streamIDs: streamIDs, byTrack: true)
            index = transceivers.count - 1
        }
        if let track { attach(track, to: index) } else { attachOwnTrack(to: index) }
        updateNegotiationNeeded()
        return transceivers[index].id
    }

    /// Gives the `index`th transceiver's sender a track without a name of the application's.
    mutating func attachOwnTrack(to index: Int) {
        let transceiver = transceivers[index]
        attach(
            MediaStreamTrack(
                id: transceiver.trackID, kind: transceiver.kind, settings: mediaSources[transceiver.id]), to: index)
    }

    private mutating func attach(_ track: MediaStreamTrack?, to index: Int) {
        transceivers[index].track = track
        transceivers[index].hadTrack = true
        mediaSources[transceivers[index].id] = track?.settings
    }

    func checkOpen() throws(RTCError) {
        guard signalingState != .closed else { throw .invalidState("the connection is closed") }
    }

    /// Each once, in order; `-` is no stream's name (RFC 8829 §5.2.1).
    private static func checked(_ streamIDs: [String]) throws(RTCError) -> [String] {
        guard streamIDs.allSatisfy(isStreamID) else { throw .type("a stream's name is 1 to 64 token characters") }
        return streamIDs.enumerated().filter { $1 != "-" && streamIDs.firstIndex(of: $1) == $0 }.map(\.element)
    }

    /// RFC 8830 §2, and RFC 8866 §9 for token-char.
    static func isStreamID(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
                default: false
                }
            }
    }
}
