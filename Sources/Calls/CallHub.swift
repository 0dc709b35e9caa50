public import Wire

/// What happened, for the hub to act on.
public enum HubInput: Hashable, Sendable {
    /// A page opened its WebSocket; `participant` is new (`ParticipantID.random`).
    case viewerConnected(ParticipantID)
    /// A page's WebSocket closed.
    case viewerDisconnected(ParticipantID)
    /// A page sent a message.
    case message(ParticipantID, ViewerMessage)
    /// A page sent what is no message.
    case badMessage(ParticipantID, BadMessage)
    /// The door's button was pressed at `wallClock`, in milliseconds since 1970.
    case buttonPressed(wallClock: Int64)
    /// The door's peer has something for the viewer of the call.
    case negotiation(CallID, NegotiationStep)
    /// The door's peer could not use what the viewer sent. The call goes on.
    case negotiationFailed(CallID, String)
    /// The call's media connection came about.
    case peerConnected(CallID)
    /// The call's media connection failed for good.
    case peerFailed(CallID, String)
    /// A device of the door changed its state.
    case devicesChanged(DoorDevices)
    /// The number of WHEP players changed.
    case watchersChanged(Int)
    /// The daemon is stopping.
    case shutdown
    /// Time passed; nothing else happened.
    case timePassed
}

/// What the hub wants done.
public enum HubOutput: Hashable, Sendable {
    /// Send this message to this page.
    case send(DoorMessage, to: ParticipantID)
    /// Close the WebSocket of a page that broke the rules; the hub has forgotten it.
    case disconnect(ParticipantID, String)
    /// Make the door's peer for this call with this viewer.
    case startSession(CallID, ParticipantID)
    /// End the door's peer of this call; told once for every `startSession`.
    case endSession(CallID, EndReason)
    /// Give this to the door's peer of the call.
    case deliver(CallID, NegotiationStep)
    /// The ring began or ended; a status light or a chime follows it.
    case ringingChanged(Bool)
    /// Something worth a line in the log.
    case log(HubEvent)
}

/// What the log tells of the hub.
public enum HubEvent: Hashable, Sendable {
    /// A page opened.
    case viewerJoined(ParticipantID)
    /// A page closed.
    case viewerLeft(Party)
    /// The button was pressed and rings this many pages.
    case rang(CallID, viewers: Int)
    /// The button was pressed while it was ringing.
    case pressedWhileRinging(CallID)
    /// Someone declined.
    case declined(CallID, by: Party)
    /// Someone answered, so long after the press.
    case answered(CallID, by: Party, after: Duration)
    /// The ring ended without an answer.
    case ringEnded(CallID, EndReason)
    /// A call with the door began.
    case callStarted(CallID, with: Party)
    /// The call's media connection came about, so long after the call began.
    case callConnected(CallID, after: Duration)
    /// A call ended.
    case callEnded(CallID, with: Party, EndReason, detail: String?, duration: Duration)
    /// A page sent something wrong and was told so.
    case refused(ParticipantID, CallErrorCode, String)
    /// A page sent messages faster than anyone may.
    case flooded(ParticipantID)
}

/// Who is present, who is in a call, and who rings: the core of the call protocol.
///
/// It never does I/O. After every `handle`, take what `nextOutput` gives until it gives nothing, and call
/// `handle(.timePassed, at:)` at `deadline`.
public struct CallHub {
    /// The hub's settings.
    public struct Configuration: Hashable, Sendable {
        /// The door's name.
        public var doorName = "Front door"
        /// The servers that pages are told to use.
        public var iceServers: [ICEServer] = []
        /// How long a ring lasts.
        public var ringTimeout: Duration = .seconds(30)
        /// How long a call may last; nil for as long as it likes.
        public var maxCallDuration: Duration?
        /// How long a call may be without a media connection after it began.
        public var connectTimeout: Duration = .seconds(30)
        /// The most calls at once.
        public var maximumCalls = 16
        /// How many messages a page may send a second, in the long run.
        public var messagesPerSecond = 100
        /// How many messages a page may send at once.
        public var messageBurst = 200
        /// The least time between two presence messages to everyone.
        public var presenceInterval: Duration = .milliseconds(100)

        /// The default settings.
        public init() {}
    }

    /// A hub of one door.
    public init(configuration: Configuration, devices: DoorDevices, random: any RandomSource) {
        fatalError("not yet \(configuration) \(devices) \(random)")
    }

    /// Whether the button was pressed and the ring goes on.
    public var isRinging: Bool { fatalError("not yet") }

    /// How many calls there are.
    public var callCount: Int { fatalError("not yet") }

    /// How many pages are connected.
    public var viewerCount: Int { fatalError("not yet") }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? { fatalError("not yet") }

    /// Acts on what happened.
    public mutating func handle(_ input: HubInput, at now: Instant) {
        fatalError("not yet \(input) \(now)")
    }

    /// The next thing to do, in order; nil when there is nothing.
    public mutating func nextOutput() -> HubOutput? {
        fatalError("not yet")
    }
}
