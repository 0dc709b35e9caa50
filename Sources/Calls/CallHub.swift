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

    /// A page that is connected.
    struct Viewer {
        var name: String
        /// Its call with the door; a viewer has at most one.
        var call: CallID?
        var bucket: TokenBucket
    }

    /// A call between the door and one viewer.
    struct Call {
        let viewer: ParticipantID
        let began: Instant
        var isConnected = false
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

    let configuration: Configuration
    let random: any RandomSource
    var devices: DoorDevices
    /// The servers that pages are told to use.
    var iceServers: [ICEServer]
    var watchers = 0
    var viewers: [ParticipantID: Viewer] = [:]
    var calls: [CallID: Call] = [:]
    var ring: Ring?
    /// The last ring that is over: an answer that crossed with its end is no mistake of the page.
    var lastRing: (id: CallID, wasAnswered: Bool)?
    var isShuttingDown = false

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

    /// How many calls there are.
    public var callCount: Int { calls.count }

    /// How many pages are connected.
    public var viewerCount: Int { viewers.count }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? {
        earliest(
            ring?.ends, presenceDue, calls.values.compactMap { earliest(durationLimit($0), connectLimit($0)) }.min())
    }

    /// Acts on what happened.
    public mutating func handle(_ input: HubInput, at now: Instant) {
        // What was due comes first: a ring that ran out cannot be answered, however late its timer.
        passTime(at: now)
        switch input {
        case .viewerConnected(let id): connect(id, at: now)
        case .viewerDisconnected(let id): disconnect(id, at: now)
        case .message(let id, let message):
            if admit(id, at: now) { take(message, from: id, at: now) }
        case .badMessage(let id, let complaint):
            if admit(id, at: now) { refuse(id, .badMessage, complaint.reason, inReplyTo: complaint.type) }
        case .buttonPressed(let wallClock): press(wallClock: wallClock, at: now)
        case .negotiation(let call, let step):
            if let viewer = calls[call]?.viewer { tell(viewer, .negotiation(call, step)) }
        case .negotiationFailed(let call, let reason):
            if let viewer = calls[call]?.viewer { refuse(viewer, .negotiationFailed, reason, call: call) }
        case .peerConnected(let call): connected(call, at: now)
        case .peerClosed(let call):
            if let viewer = calls[call]?.viewer { end(call, .hangup, by: party(viewer), at: now) }
        case .peerFailed(let call, let reason):
            end(call, calls[call]?.isConnected == true ? .connectionLost : .peerFailed, detail: reason, at: now)
        case .devicesChanged(let new): change(to: new)
        case .iceServersChanged(let servers):
            guard servers != iceServers else { break }
            iceServers = servers
            tellAll { _ in .iceServers(servers) }
        case .watchersChanged(let count):
            watchers = count
            announcePresence(at: now)
        case .shutdown: shutDown(at: now)
        case .timePassed: break
        }
        passTime(at: now)
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
            } else if let limit = connectLimit(call), limit <= now {
                end(id, .peerFailed, detail: "no connection came about", at: now)
            }
        }
        if let due = presenceDue, due <= now {
            presenceDue = nil
            lastPresence = now
            let message = presence()
            tellAll { _ in message }
        }
    }

    private func durationLimit(_ call: Call) -> Instant? {
        configuration.maxCallDuration.map { call.began + $0 }
    }

    private func connectLimit(_ call: Call) -> Instant? {
        call.isConnected ? nil : call.began + configuration.connectTimeout
    }

    private func presence() -> DoorMessage {
        let door = Presence(
            id: .door, name: configuration.doorName, kind: .door, inCall: !calls.isEmpty || watchers > 0)
        let pages = viewers.sorted { ($0.value.name, $0.key.rawValue) < ($1.value.name, $1.key.rawValue) }.map {
            Presence(id: $0.key, name: $0.value.name, kind: .viewer, inCall: $0.value.call != nil)
        }
        return .presence([door] + pages, watchers: watchers)
    }
}

/// A bucket that fills steadily and is drawn from by messages.
struct TokenBucket {
    private var tokens: Double
    private var filled: Instant
    private let rate: Double
    private let capacity: Double

    /// A full bucket of `capacity`, which gains `rate` tokens a second.
    init(rate: Int, capacity: Int, at now: Instant) {
        self.rate = Double(rate)
        self.capacity = Double(capacity)
        tokens = Double(capacity)
        filled = now
    }

    /// Takes one token; false where there is none.
    mutating func take(at now: Instant) -> Bool {
        tokens = min(capacity, tokens + (now - filled).inSeconds * rate)
        filled = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
