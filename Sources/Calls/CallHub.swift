public import PeerConnection
public import Wire

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
        /// Which candidates they are told to use.
        public var iceTransportPolicy = RTCIceTransportPolicy.all
        /// How long a ring lasts.
        public var ringTimeout: Duration = .seconds(30)
        /// How long a call may last; nil for as long as it likes.
        public var maxCallDuration: Duration?
        /// How long a call may be without a media connection after it began.
        public var connectTimeout: Duration = .seconds(30)
        /// How long a call waits for a page whose connection was lost.
        public var resumptionGrace: Duration = .seconds(10)
        /// How long after its media connection was closed a page may take to say why: it hangs up, or is loaded anew.
        public var closingGrace: Duration = .seconds(1)
        /// How many missed rings are remembered.
        public var maximumMissed = 20
        /// The most calls at once.
        public var maximumCalls = 16
        /// How many messages a page may send a second, in the long run.
        public var messagesPerSecond = 100
        /// How many messages a page may send at once.
        public var messageBurst = 200
        /// How many messages a member may send on his data channel a second, in the long run.
        public var channelMessagesPerSecond = 5
        /// How many he may send there at once.
        public var channelMessageBurst = 20
        /// The least time between two presence messages to everyone.
        public var presenceInterval: Duration = .milliseconds(100)

        /// The default settings.
        public init() {}
    }

    /// A page that is connected.
    struct Viewer {
        var name: String
        /// Whether its page takes calls of other viewers.
        var takesCalls = false
        /// Its call with the door; a viewer has at most one call.
        var call: CallID?
        /// Its call with another viewer, ringing or accepted.
        var directCall: CallID?
        /// The last of those that is over: a refusal that crossed with its end is no mistake of the page.
        var lastDirectCall: CallID?
        let resumption: ResumptionSecret
        var bucket: TokenBucket

        /// Whether it has no call.
        var isFree: Bool { call == nil && directCall == nil }
    }

    /// A viewer's part in the call with the door: the connection between the two, and what it takes to have it back.
    struct Call {
        let viewer: ParticipantID
        /// The viewer's name, for as long as he is away.
        var name: String
        let resumption: ResumptionSecret
        /// When he joined, whatever became of his connections since.
        let began: Instant
        var media: Media
        /// Whether there is a data channel between the two.
        var hasChannel = false
        var channelBucket: TokenBucket
        /// Whether its messages are too many, and that was said.
        var isTooFast = false
        /// Until when the call waits for a viewer who is away; nil while he is there.
        var awayUntil: Instant?

        /// The connection between the viewer's peer and the door's.
        enum Media {
            /// It is being made, and has to be there by then.
            case connecting(by: Instant)
            /// It was there; whether it still is, the peers know.
            case connected
            /// It is over; the viewer has until then to come back.
            case over(until: Instant)
        }
    }

    /// The button was pressed and nobody has answered yet.
    struct Ring {
        let id: CallID
        /// Milliseconds since 1970.
        let wallClock: Int64
        let began: Instant
        let ends: Instant
        /// Who still rings.
        var ringing: Set<ParticipantID>
    }

    /// What it goes by.
    public internal(set) var configuration: Configuration
    let random: any RandomSource
    var devices: DoorDevices
    /// The servers that pages are told to use.
    var iceServers: [ICEServer]
    var watchers = 0
    /// What there is to control at the door.
    var controls = DoorControls()
    var viewers: [ParticipantID: Viewer] = [:]
    var calls: [CallID: Call] = [:]
    /// The calls between viewers.
    var directCalls: [CallID: DirectCall] = [:]
    var ring: Ring?
    /// The last ring that is over: an answer that crossed with its end is no mistake of the page.
    var lastRing: (id: CallID, wasAnswered: Bool)?
    var isShuttingDown = false
    /// The rings that nobody answered and nobody has seen, the oldest first.
    var missed: [MissedRing] = []

    /// Whether somebody in a call has another name than the members were told.
    var hasRenamedMember = false
    private var presenceDue: Instant?
    private var lastPresence: Instant?
    private var outputs: [HubOutput] = []
    private var nextIndex = 0

    /// A hub of one door.
    public init(configuration: Configuration, devices: DoorDevices, random: any RandomSource) {
        self.configuration = configuration
        iceServers = configuration.iceServers
        self.devices = devices
        self.random = random
    }

    /// Whether the button was pressed and the ring goes on.
    public var isRinging: Bool { ring != nil }

    /// How many are in a call with the door.
    public var callCount: Int { calls.count }

    /// How many calls between two viewers there are, those that ring among them.
    public var directCallCount: Int { directCalls.count }

    /// How many pages are connected.
    public var viewerCount: Int { viewers.count }

    /// When `handle(.timePassed, at:)` is due; nil for never. Noted when something happens, for it is asked far more often.
    public private(set) var deadline: Instant?

    private func nextDeadline() -> Instant? {
        earliest(
            ring?.ends, presenceDue, calls.values.compactMap { earliest(durationLimit($0), limit(of: $0).at) }.min(),
            directCalls.values.compactMap { $0.limit(configuration.maxCallDuration)?.at }.min())
    }

    /// Acts on what happened.
    public mutating func handle(_ input: HubInput, at now: Instant) {
        // What was due comes first: a ring that ran out cannot be answered, however late its timer.
        passTime(at: now)
        switch input {
        case .viewerConnected(let id): connect(id, at: now)
        case .viewerDisconnected(let id): disconnect(id, at: now)
        case .viewerExpelled(let id): disconnect(id, mayResume: false, at: now)
        case .message(let id, let message):
            if admit(id, at: now) { take(message, from: id, at: now) }
        case .badMessage(let id, let complaint):
            if admit(id, at: now) { refuse(id, .badMessage, complaint.reason, inReplyTo: complaint.type) }
        case .buttonPressed(let wallClock): press(wallClock: wallClock, at: now)
        case .negotiation(let call, let step):
            negotiate(step, in: call, at: now)
        case .negotiationFailed(let call, let reason):
            if let viewer = calls[call]?.viewer { refuse(viewer, .negotiationFailed, reason, call: call) }
        case .peerConnected(let call): connected(call, at: now)
        case .peerClosed(let call): closed(call, at: now)
        case .peerFailed(let call, let reason): failed(call, reason, at: now)
        case .callRevoked(let call):
            // at once: there is nobody to wait for
            if let member = calls[call] { end(call, .hangup, by: party(member), detail: "signed out", at: now) }
        case .devicesChanged(let new): change(to: new)
        case .settingsChanged(let new): change(to: new, at: now)
        case .iceServersChanged(let servers):
            guard servers != iceServers else { break }
            iceServers = servers
            tellAll { _ in .iceServers(servers) }
        case .watchersChanged(let count):
            watchers = count
            announcePresence(at: now)
        case .channelOpened(let call): openChannel(call)
        case .channelClosed(let call): calls[call]?.hasChannel = false
        case .channelMessage(let call, let message): take(message, on: call, at: now)
        case .badChannelMessage(let call, let complaint): refuseOnChannel(call, complaint, at: now)
        case .controlsChanged(let new): change(to: new)
        case .actuated(let control, let call, let id, let outcome):
            actuated(control, call, messageID: id, outcome)
        case .snapshotTaken(let call, let id, let outcome): acknowledge(outcome, of: id, on: call)
        case .shutdown: shutDown(at: now)
        case .timePassed: break
        }
        passTime(at: now)
        deadline = nextDeadline()
    }

    /// The next thing to do, in order; nil when there is nothing.
    public mutating func nextOutput() -> HubOutput? {
        guard nextIndex < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            nextIndex = 0
            return nil
        }
        defer { nextIndex += 1 }
        return outputs[nextIndex]
    }

    // MARK: Telling

    mutating func emit(_ output: HubOutput) {
        outputs.append(output)
    }

    mutating func tell(_ viewer: ParticipantID, _ message: DoorMessage) {
        guard viewers[viewer] != nil else { return }
        emit(.send(message, to: viewer))
    }

    /// Tells every page, in the order of their identifiers, so that a run can be replayed.
    mutating func tellAll(_ message: (ParticipantID) -> DoorMessage) {
        for viewer in viewers.keys.sorted(by: { $0.rawValue < $1.rawValue }) { tell(viewer, message(viewer)) }
    }

    mutating func refuse(
        _ viewer: ParticipantID, _ code: CallErrorCode, _ reason: String, call: CallID? = nil, inReplyTo: String? = nil
    ) {
        tell(viewer, .callError(code, message: reason, call: call, inReplyTo: inReplyTo))
        emit(.log(.refused(viewer, code, reason)))
    }

    func party(_ viewer: ParticipantID) -> Party {
        Party(id: viewer, name: viewers[viewer]?.name ?? "")
    }

    func party(_ call: Call) -> Party { Party(id: call.viewer, name: call.name) }

    /// Tells everyone who is there: at once, or as soon as `presenceInterval` has passed since the last time.
    mutating func announcePresence(at now: Instant) {
        guard presenceDue == nil else { return }
        presenceDue = max(now, lastPresence.map { $0 + configuration.presenceInterval } ?? now)
    }

    // MARK: Time

    private mutating func passTime(at now: Instant) {
        if let ring, ring.ends <= now { endRing(.unanswered, at: now) }
        for (id, call) in calls.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            if let limit = durationLimit(call), limit <= now {
                end(id, .maxDuration, at: now)
            } else if case let limit = limit(of: call), let due = limit.at, due <= now {
                end(id, limit.reason, by: limit.isHisDoing ? party(call) : nil, detail: limit.detail, at: now)
            }
        }
        endDirectCallsDue(at: now)
        if let due = presenceDue, due <= now {
            presenceDue = nil
            lastPresence = now
            let message = presence()
            tellAll { _ in message }
            if hasRenamedMember { tellMembers() }
        }
    }

    private func durationLimit(_ call: Call) -> Instant? {
        configuration.maxCallDuration.map { call.began + $0 }
    }

    /// When the call ends for what is missing, and with which reason.
    private func limit(of call: Call) -> (at: Instant?, reason: EndReason, isHisDoing: Bool, detail: String?) {
        if let until = call.awayUntil { return (until, .hangup, false, "the page was closed or lost") }
        return switch call.media {
        case .connecting(let by): (by, .peerFailed, false, "no connection came about")
        case .connected: (nil, .connectionLost, false, nil)
        case .over(let until): (until, .hangup, true, nil)
        }
    }

    private func presence() -> DoorMessage {
        let door = Presence(
            id: .door, name: configuration.doorName, kind: .door, inCall: !calls.isEmpty || watchers > 0)
        let pages = viewers.sorted { ($0.value.name, $0.key.rawValue) < ($1.value.name, $1.key.rawValue) }.map {
            Presence(
                id: $0.key, name: $0.value.name, kind: .viewer, inCall: $0.value.call != nil,
                availability: $0.value.takesCalls ? $0.value.isFree ? .free : .busy : nil)
        }
        return .presence([door] + pages, watchers: watchers)
    }
}
