public import PeerConnection

/// The states of the door's devices, as pages show them.
public struct DoorDevices: Hashable, Sendable, Codable {
    /// What the door's picture comes from.
    public enum Camera: String, Hashable, Sendable, Codable {
        /// A camera that delivers frames.
        case live
        /// The moving test card that stands in for a missing camera.
        case testCard = "test-card"
        /// No picture at all.
        case none
    }

    /// What the door's sound comes from.
    public enum Microphone: String, Hashable, Sendable, Codable {
        /// A microphone that delivers samples.
        case live
        /// The tone that stands in for a missing microphone.
        case tone
        /// No sound at all.
        case none
    }

    /// Where the viewers' voices go.
    public enum Speaker: String, Hashable, Sendable, Codable {
        /// A speaker that plays.
        case live
        /// Nowhere.
        case none
    }

    /// What the door's picture comes from.
    public var camera: Camera
    /// What the door's sound comes from.
    public var microphone: Microphone
    /// Where the viewers' voices go.
    public var speaker: Speaker

    /// The devices in these states.
    public init(camera: Camera, microphone: Microphone, speaker: Speaker) {
        self.camera = camera
        self.microphone = microphone
        self.speaker = speaker
    }
}

/// A STUN or TURN server, in the form of the W3C dictionary RTCIceServer.
public struct ICEServer: Hashable, Sendable, Codable {
    /// `stun:`, `turn:` and `turns:` URLs of the same server.
    public var urls: [String]
    /// The user name of a TURN server.
    public var username: String?
    /// The password of a TURN server.
    public var credential: String?

    /// The server at `urls`.
    public init(urls: [String], username: String? = nil, credential: String? = nil) {
        self.urls = urls
        self.username = username
        self.credential = credential
    }
}

/// One step of a negotiation, between the door's peer and a viewer's or between those of two viewers.
public enum NegotiationStep: Hashable, Sendable {
    /// An offer or an answer.
    case description(RTCSessionDescription)
    /// A candidate; nil and an empty candidate string both stand for the end of candidates.
    case candidate(RTCIceCandidate?)
}

/// A participant as others see him.
public struct Party: Hashable, Sendable, Codable {
    /// Who.
    public var id: ParticipantID
    /// The name to show.
    public var name: String

    /// The participant `id` under the name `name`.
    public init(id: ParticipantID, name: String) {
        self.id = id
        self.name = name
    }
}

/// One line of the list of those present.
public struct Presence: Hashable, Sendable, Codable {
    /// What kind of participant someone is.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// The door itself.
        case door
        /// An open page.
        case viewer
    }

    /// Whether a viewer can be called by another.
    public enum Availability: String, Hashable, Sendable, Codable {
        /// He is in no call.
        case free
        /// He is in a call, or it rings between him and another viewer.
        case busy
    }

    /// Who.
    public var id: ParticipantID
    /// The name to show.
    public var name: String
    /// The door or a viewer.
    public var kind: Kind
    /// Whether he is in a call with the door; of the door, whether it is in any.
    public var inCall: Bool
    /// Nil for who takes no calls of viewers, and for the door.
    public var availability: Availability?

    /// The line of `id`.
    public init(id: ParticipantID, name: String, kind: Kind, inCall: Bool, availability: Availability? = nil) {
        self.id = id
        self.name = name
        self.kind = kind
        self.inCall = inCall
        self.availability = availability
    }
}

/// Somebody in a call, with the door or between two viewers, as the others in it see him.
public struct Member: Hashable, Sendable, Codable {
    /// Who.
    public var id: ParticipantID
    /// The name to show.
    public var name: String
    /// Whether his connection is lost and the call waits for him to come back.
    public var isAway: Bool

    /// The member `id`.
    public init(id: ParticipantID, name: String, isAway: Bool = false) {
        self.id = id
        self.name = name
        self.isAway = isAway
    }
}

/// A ring that nobody answered.
public struct MissedRing: Hashable, Sendable, Codable {
    /// The ring.
    public var call: CallID
    /// The moment of the press, in milliseconds since 1970.
    public var at: Int64

    /// The ring `call`, of a press at `at`.
    public init(call: CallID, at: Int64) {
        self.call = call
        self.at = at
    }
}

/// Why a call or a ring ended.
public enum EndReason: String, Hashable, Sendable, Codable {
    /// One side hung up or left.
    case hangup
    /// Nobody answered the ring in time.
    case unanswered
    /// Everybody who was rung declined.
    case rejected
    /// The call reached the longest duration allowed.
    case maxDuration = "max_duration"
    /// The media connection never came about.
    case peerFailed = "peer_failed"
    /// The media connection broke and could not be recovered, or the page of the other viewer did not come back.
    case connectionLost = "connection_lost"
    /// The viewer who was rung is gone.
    case recipientOffline = "recipient_offline"
    /// One of the two viewers answered or called the door.
    case door
    /// The daemon is stopping.
    case shutdown
}

/// What was wrong with a message.
public enum CallErrorCode: String, Hashable, Sendable, Codable {
    /// It was not a message of this protocol.
    case badMessage = "bad_message"
    /// It names a call that the sender has no part in, or that has ended.
    case unknownCall = "unknown_call"
    /// It calls someone who is not there.
    case recipientOffline = "recipient_offline"
    /// It asks for what is not allowed in the sender's present state.
    case notAllowed = "not_allowed"
    /// It answers a ring that somebody answered before.
    case alreadyAnswered = "already_answered"
    /// The door has as many calls as it can serve.
    case busy
    /// The door's peer could not use the description or the candidate.
    case negotiationFailed = "negotiation_failed"
}
