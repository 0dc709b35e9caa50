public import PeerConnection

/// A message from a page to the daemon. PROTOCOL.md documents every type and field.
///
/// Decoding reports what is wrong as a `BadMessage`; only the JSON reader's own complaint about bytes that are no
/// JSON comes as it is, and `BadMessage(describing:)` makes a sentence of either.
public enum ViewerMessage: Hashable, Sendable {
    /// `presence`: the name others are to see, already trimmed, and whether the page takes calls of other viewers.
    case presence(name: String, takesCalls: Bool = false)
    /// `call-initiate`: calls a participant.
    case callInitiate(recipient: ParticipantID)
    /// `call-accept`: answers a ring.
    case callAccept(CallID)
    /// `call-reject`: declines a ring.
    case callReject(CallID)
    /// `call-hangup`: ends the sender's call.
    case callHangup(CallID)
    /// `call-resume`: has the call back that the secret belongs to. `keepsMedia` where the page's connection with the
    /// door's peer is still the one of before.
    case callResume(ResumptionSecret, keepsMedia: Bool)
    /// `call-offer`, `call-answer` or `call-ice-candidate`, for the door or another member.
    case negotiation(CallID, recipient: ParticipantID, NegotiationStep)
    /// `missed-seen`: somebody saw this missed ring and those before it.
    case missedSeen(CallID)
}

/// A message from the daemon to a page. PROTOCOL.md documents every type and field.
public enum DoorMessage: Hashable, Sendable {
    /// The first message after a page connected.
    public struct Welcome: Hashable, Sendable {
        /// The page's own identifier.
        public var id: ParticipantID
        /// The door's name.
        public var doorName: String
        /// The states of the door's devices.
        public var devices: DoorDevices
        /// The servers the page's peer connection is to use.
        public var iceServers: [ICEServer]
        /// Which candidates the page's peer connection is to use.
        public var iceTransportPolicy: RTCIceTransportPolicy
        /// How long a ring lasts.
        public var ringTimeout: Duration
        /// How long a call may last; nil for as long as it likes.
        public var maxCallDuration: Duration?
        /// What the page has its call back with, should its connection break.
        public var resumption: ResumptionSecret

        /// A welcome to the page `id`.
        public init(
            id: ParticipantID, doorName: String, devices: DoorDevices, iceServers: [ICEServer],
            iceTransportPolicy: RTCIceTransportPolicy = .all, ringTimeout: Duration, maxCallDuration: Duration?,
            resumption: ResumptionSecret
        ) {
            self.id = id
            self.doorName = doorName
            self.devices = devices
            self.iceServers = iceServers
            self.iceTransportPolicy = iceTransportPolicy
            self.ringTimeout = ringTimeout
            self.maxCallDuration = maxCallDuration
            self.resumption = resumption
        }
    }

    /// `welcome`.
    case welcome(Welcome)
    /// `ice-servers`: from now on the page's peer connection is to use these; what it had will expire.
    case iceServers([ICEServer])
    /// `presence`: everyone present, and how many WHEP players watch besides.
    case presence([Presence], watchers: Int)
    /// `door`: the state of a device changed.
    case door(DoorDevices)
    /// `door-settings`: the owner changed what `welcome` told. `maxCallDuration` is nil for as long as it likes.
    case doorSettings(name: String, ringTimeout: Duration, maxCallDuration: Duration?)
    /// `call-incoming`: the ring. `at` is the moment of the press in milliseconds since 1970; nil where a viewer calls.
    case callIncoming(CallID, from: Party, at: Int64?, expiresIn: Duration)
    /// `call-ringing`: the page of the viewer called rings.
    case callRinging(CallID, to: Party, expiresIn: Duration)
    /// `call-accepted`: `by` has the call; `continues` names the call on which the acceptor's signalling and media
    /// stay.
    case callAccepted(CallID, by: Party, continues: CallID?)
    /// `call-resumed`: the page has its call back, which began so long ago. Where it is another than before, so is the
    /// door's peer, and the page negotiates anew.
    case callResumed(CallID, elapsed: Duration)
    /// `call-members`: everybody who is in the call, with the door or between two viewers, in the order of their coming;
    /// the receiver is one of them, and `call` is his own.
    case callMembers(CallID, [Member])
    /// `call-hangup`: the call or the ring is over.
    case callHangup(CallID, EndReason, by: Party?)
    /// `call-offer`, `call-answer` or `call-ice-candidate`, from the door's peer or another member's.
    case negotiation(CallID, sender: ParticipantID, NegotiationStep)
    /// `missed`: the rings that nobody answered and nobody has seen yet, the oldest first.
    case missed([MissedRing])
    /// `call-error`: what the page sent was not done, and why, in words for a developer. `inReplyTo` is the type of
    /// the message that was wrong.
    case callError(CallErrorCode, message: String, call: CallID?, inReplyTo: String?)

    /// The version of the protocol, which `welcome` carries.
    public static let protocolVersion = 2
}

/// The limits of one message.
public enum MessageLimits {
    /// The most bytes a message may have.
    public static let bytes = 65_536
    /// How deep its objects and arrays may nest.
    public static let depth = 8
    /// The most characters a participant's name may have.
    public static let nameCharacters = 64
    /// The most UTF-8 bytes a participant's name may have.
    public static let nameBytes = 256
    /// The most UTF-8 bytes an identifier may have.
    public static let identifierBytes = 64
    /// The most UTF-8 bytes a text of the chat may have.
    public static let chatBytes = 2000
    /// The most bytes a message on a data channel may have.
    public static let channelBytes = 8192
    /// The most UTF-8 bytes a candidate attribute may have.
    public static let candidateBytes = 2048
}

/// A message that is none of the protocol, with the reason in words.
public struct BadMessage: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, a sentence for the page's developer.
    public let reason: String
    /// The message's type, where it has one.
    public let type: String?

    /// The complaint `reason` about a message of type `type`.
    public init(_ reason: String, type: String? = nil) {
        self.reason = reason
        self.type = type
    }

    /// The complaint that a decoder's `error` amounts to.
    public init(describing error: any Error) {
        self = error as? BadMessage ?? BadMessage("the message is not JSON")
    }

    /// The reason.
    public var description: String { reason }
}
