internal import CMosquitto
internal import Glibc
private import Synchronization

/// Keeps one connection to an MQTT 5 broker, on a thread of its own, and makes it again whenever it is lost.
///
/// What happens waits, bounded, until `takeEvents` is called: while too much waits nothing is read from the broker. What
/// is published while there is no connection goes nowhere. All methods may be called from any thread.
public final class MQTTClient: Sendable {
    /// What bounds it.
    enum Limits {
        /// Events that wait to be taken.
        static let events = 256
        /// The bytes in them.
        static let eventBytes = 4 << 20
        /// Messages that the broker has not acknowledged.
        static let messages = 1024
        /// The bytes in them.
        static let messageBytes = 8 << 20
        /// How long `stop` waits for the good-bye to leave.
        static let farewellMilliseconds: Int32 = 1500
    }

    private struct State {
        var thread: pthread_t?
        var isStopping = false
        var isConnected = false
        var events: [MQTTEvent] = []
        var eventBytes = 0
        var outbox: [MQTTMessage] = []
    }

    let configuration: MQTTConfiguration
    let pause: @Sendable (Duration?) -> Duration
    private let onEvents: @Sendable () -> Void
    private let state = Mutex(State())
    let waker: Int32

    /// A client that calls `onEvents`, on its own thread, whenever there are events to take and there were none before.
    /// There it also asks `pause` how long to wait before it tries again; it is told how long the connection was there,
    /// nil where none came about.
    public init(
        configuration: MQTTConfiguration, pause: @escaping @Sendable (Duration?) -> Duration,
        onEvents: @escaping @Sendable () -> Void
    ) {
        self.configuration = configuration
        self.pause = pause
        self.onEvents = onEvents
        waker = doorward_mqtt_waker()
        precondition(waker >= 0, "eventfd exists since Linux 2.6.22")
    }

    deinit {
        close(waker)
    }

    /// Starts the thread. A client starts once.
    public func start() {
        Library.prepare()
        // signals are for the daemon's own threads
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                doorward_mqtt_name_thread("meeting")
                MQTTLoop(Unmanaged<MQTTClient>.fromOpaque(raw).takeRetainedValue()).run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "a thread can be made at start-up: \(String(cString: strerror(code)))")
        state.withLock { state in
            precondition(state.thread == nil, "a client starts once")
            state.thread = thread
        }
    }

    /// Publishes `message` if there is a connection.
    public func publish(_ message: MQTTMessage) {
        let isFirst = state.withLock { state in
            guard state.isConnected, state.outbox.count <= Limits.messages else { return false }
            state.outbox.append(message)
            return state.outbox.count == 1
        }
        if isFirst { doorward_mqtt_wake(waker) }
    }

    /// What happened since the last call, in order.
    public func takeEvents() -> [MQTTEvent] {
        let events = state.withLock { state in
            defer {
                state.events = []
                state.eventBytes = 0
            }
            return state.events
        }
        if !events.isEmpty { doorward_mqtt_wake(waker) }
        return events
    }

    /// Says good-bye to the broker, after what was published before, and ends the thread; one that waits for a broker
    /// which does not answer is left to the end of the process.
    public func stop() {
        let thread = state.withLock { state in
            state.isStopping = true
            defer { state.thread = nil }
            return state.thread
        }
        doorward_mqtt_wake(waker)
        if let thread { _ = doorward_mqtt_join(thread, Limits.farewellMilliseconds) }
    }

    // MARK: For the thread

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Whether so much waits to be taken that nothing more is to be read.
    var isFull: Bool {
        state.withLock { $0.events.count >= Limits.events || $0.eventBytes >= Limits.eventBytes }
    }

    /// What is to be published.
    func takeOutbox() -> [MQTTMessage] {
        state.withLock { state in
            defer { state.outbox = [] }
            return state.outbox
        }
    }

    func tell(_ event: MQTTEvent) {
        let isFirst = state.withLock { state in
            switch event {
            case .connected: state.isConnected = true
            case .message(let message): state.eventBytes += message.payload.count + message.topic.utf8.count
            case .unpublished: break
            case .disconnected:
                state.isConnected = false
                state.outbox = []
            }
            state.events.append(event)
            return state.events.count == 1
        }
        if isFirst { onEvents() }
    }
}

/// libmosquitto itself, which is prepared once for the whole process.
enum Library {
    private static let isPrepared = mosquitto_lib_init() == 0

    static func prepare() {
        precondition(isPrepared, "libmosquitto is there")
    }
}
