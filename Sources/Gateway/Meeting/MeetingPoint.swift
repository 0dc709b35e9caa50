import MQTT
import Meeting
import Synchronization
import Wire

/// The door's place at the meeting point: the connection to the broker, and the sessions that go by it.
final class MeetingPoint {
    /// How the connection stands.
    enum State {
        /// It is being made.
        case connecting
        /// It is there.
        case connected
        /// It is not, for this reason; it is tried again.
        case waiting(MQTTProblem)
    }

    /// How long the broker keeps what a page does not take at once.
    static let expiry = Duration.seconds(30)
    /// A connection that lasted so long went well; one that did not may be one of two that take each other's place.
    private static let success = Duration.seconds(30)

    let keys: X25519KeyPair
    let client: MQTTClient
    var sessions: MeetingSessions
    var state = State.connecting
    /// Whether the broker has refused to pass on what the door says since it let it in.
    var isUnheard = false
    /// Connections that came about.
    var connections = 0
    /// Messages that came for nobody.
    var strays = 0
    private let topics: MeetingTopics

    /// The place at the broker of `configuration`, whose `url` is there. `onEvents` is called on another thread.
    init(
        configuration: Configuration.Meeting, url: Configuration.BrokerAddress, keys: X25519KeyPair,
        random: any RandomSource, at now: Instant, onEvents: @escaping @Sendable () -> Void
    ) {
        self.keys = keys
        sessions = MeetingSessions(keys: keys, random: random, at: now)
        topics = MeetingTopics(prefix: configuration.topic, door: sessions.door)
        var settings = MQTTConfiguration(
            host: url.host, port: url.port, usesTLS: url.isSecure,
            // MQTT 5 §3.1.3.1: 23 letters and digits are what every broker takes
            clientID: "doorward" + sessions.door.rawValue.prefix(15), subscription: topics.everyInbox)
        settings.authorities = configuration.authorities
        settings.username = configuration.username
        settings.password = configuration.password
        settings.will = MQTTMessage(topic: topics.state, payload: Array("offline".utf8), isRetained: true)
        let pauses = Pauses()
        client = MQTTClient(configuration: settings, pause: { pauses.next(after: $0) }, onEvents: onEvents)
    }

    /// When `passTime` is due; nil for never.
    var deadline: Instant? { sessions.deadline }

    /// Ends what has been silent for too long.
    func passTime(at now: Instant) {
        sessions.handle(.timePassed, at: now)
    }

    /// Says good-bye, and ends the thread.
    func stop() {
        client.stop()
    }

    /// Tells pages that the door is there, by a new name each time: what was said before is over.
    func announce(random: any RandomSource) {
        let digits = String(random.next(), radix: 16)
        let name = String(repeating: "0", count: 16 - digits.count) + digits
        client.publish(MQTTMessage(topic: topics.state, payload: Array("online \(name)".utf8), isRetained: true))
    }

    func publish(_ payload: [UInt8], to mailbox: MeetingMailbox) {
        client.publish(MQTTMessage(topic: topics.outbox(of: mailbox), payload: payload, expiry: Self.expiry))
    }

    /// Whom a message is from; nil where it is from nobody who could be.
    func sender(of message: MQTTMessage) -> MeetingMailbox? {
        // one that was kept is none of a page that is here now
        message.isRetained ? nil : topics.mailbox(of: message.topic)
    }

    /// Whether the connection is there.
    var isConnected: Bool { if case .connected = state { true } else { false } }

    /// Why it is not; nil where it is, or nothing is known to be wrong.
    var problem: String? { if case .waiting(let problem) = state { problem.description } else { nil } }

    /// By what pages know the door there.
    var doorName: String { sessions.door.rawValue }

    /// How many pages are there by this way.
    var pageCount: Int { sessions.openCount }

    /// For people.
    var inWords: String {
        switch state {
        case .connecting: "connecting"
        case .connected: "connected"
        case .waiting: "waiting"
        }
    }

    /// What was discarded, by reason.
    var discards: [(label: String, value: Int)] {
        MeetingDiscard.allCases.map { ($0.rawValue, sessions.discards[$0] ?? 0) } + [("no_mailbox", strays)]
    }

    /// How long to wait before each attempt.
    private final class Pauses: Sendable {
        private let delays = Mutex(PublishDelays())

        func next(after lasted: Duration?) -> Duration {
            delays.withLock { delays in
                if let lasted, lasted >= MeetingPoint.success { delays.succeeded() }
                return delays.failed(random: SystemRandomSource())
            }
        }
    }
}

/// Where at the broker the door and its pages meet.
struct MeetingTopics {
    private let base: String

    /// The topics of `door`.
    init(prefix: String, door: DoorID) {
        base = "\(prefix)/\(door.rawValue)"
    }

    /// Whether the door is there, retained.
    var state: String { base + "/state" }
    /// What pages say to the door, all of them.
    var everyInbox: String { base + "/in/+" }

    /// What the door says to a page.
    func outbox(of mailbox: MeetingMailbox) -> String { "\(base)/out/\(mailbox.rawValue)" }

    /// Which page has said what came on `topic`.
    func mailbox(of topic: String) -> MeetingMailbox? {
        let inbox = base + "/in/"
        return topic.hasPrefix(inbox) ? MeetingMailbox(topic.dropFirst(inbox.count)) : nil
    }
}
