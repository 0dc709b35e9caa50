public import Wire

/// How a connection that has lost its path gets it back, step by step, and when it is given up.
///
/// ```
///            disconnected       patience over, failed, or connecting    patience over, or failed
///   steady ──────────────► waiting ───────────────────────► restarting ─────────────────────────┐
///     ▲ ▲                    │                                  │                                ▼
///     │ └────────────────────┴──────────── connected ───────────┘          ┌────────────► reconnecting(n)
///     │                                                                    │ attempt failed      │
///     └─────────────────────────────────────── connected ──────────────────┴─────────────────────┘
///                                            from everywhere, at the limit: abandoned
/// ```
///
/// Connectivity that is in doubt often comes back by itself (W3C §5.6.4: `disconnected` is "intermittent"), so it is waited for
/// first. An ICE restart then finds a new path for the same association (RFC 8445 §9), and where that finds none a fresh
/// connection is made, after a delay that doubles with each attempt.
///
/// Like every machine here it is told what happened, then drained; it restarts and connects nothing by itself.
public struct ConnectionRecovery: Sendable {
    /// How long each step is given.
    public struct Patience: Hashable, Sendable {
        /// How long `disconnected` is waited out.
        public var disconnected = Duration.seconds(3)
        /// How long an ICE restart may take.
        public var restart = Duration.seconds(12)
        /// The wait before the first fresh connection.
        public var firstDelay = Duration.milliseconds(500)
        /// The longest wait before a fresh connection.
        public var longestDelay = Duration.seconds(8)
        /// How long a fresh connection may take.
        public var attempt = Duration.seconds(10)
        /// From the loss on, when the connection is given up.
        public var limit = Duration.seconds(60)
        /// Whether a fresh connection can be made from this side.
        public var canReconnect = true

        /// The defaults.
        public init() {}
    }

    /// Where the recovery stands.
    public enum State: Hashable, Sendable {
        /// The connection is up, or was never.
        case steady
        /// Connectivity is in doubt and waited for.
        case waiting
        /// An ICE restart is under way.
        case restarting
        /// A fresh connection, counted from 1, waits for its turn.
        case delaying(attempt: Int)
        /// A fresh connection is under way.
        case reconnecting(attempt: Int)
        /// It is given up.
        case abandoned
    }

    /// What happened.
    public enum Input: Hashable, Sendable {
        /// `connectionstatechange` of the present connection.
        case connectionStateChanged(RTCPeerConnectionState)
        /// The present connection, or the attempt at one, is over: it was closed, refused, or never answered.
        case connectionEnded
        /// The other side can be asked (again): what waits for its turn has it now.
        case otherSideReachable
        /// The deadline may have passed.
        case timePassed
    }

    /// What is to be done, or told.
    public enum Output: Hashable, Sendable {
        /// `state` has changed to this.
        case stateChanged(State)
        /// Call `restartIce()`.
        case restartIce
        /// Close what is left of the connection and make a fresh one.
        case reconnect
        /// Give the connection up.
        case abandon
    }

    /// How long each step is given.
    public let patience: Patience
    /// Where the recovery stands.
    public private(set) var state = State.steady
    /// Since when the connection is lost; nil while it is not.
    public private(set) var lostAt: Instant?
    private var wasConnected = false
    private var stepEnds: Instant?
    private var outputs: [Output] = []

    /// The recovery of a connection that is not lost.
    public init(patience: Patience = Patience()) {
        self.patience = patience
    }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? {
        state == .abandoned ? nil : earliest(stepEnds, lostAt.map { $0 + patience.limit })
    }

    /// Takes note of `input`, which happened at `now`.
    public mutating func handle(_ input: Input, at now: Instant) {
        guard state != .abandoned else { return }
        switch input {
        case .connectionStateChanged(.connected):
            wasConnected = true
            lostAt = nil
            stepEnds = nil
            change(to: .steady)
        case .connectionStateChanged(.disconnected):
            guard state == .steady else { break }
            lostAt = now
            stepEnds = now + patience.disconnected
            change(to: .waiting)
        case .connectionStateChanged(.failed):
            connectionFailed(at: now)
        case .connectionStateChanged(.connecting):
            followRestart(at: now)
        case .connectionStateChanged:
            break
        case .connectionEnded:
            endConnection(at: now)
        case .otherSideReachable:
            switch state {
            case .delaying(let attempt), .reconnecting(let attempt): reconnect(attempt: attempt, at: now)
            case .steady, .waiting, .restarting, .abandoned: break
            }
        case .timePassed:
            passTime(at: now)
        }
        if let lostAt, now >= lostAt + patience.limit { abandon() }
    }

    /// The next thing to do, in order; nil when there is nothing.
    public mutating func nextOutput() -> Output? {
        outputs.isEmpty ? nil : outputs.removeFirst()
    }

    private mutating func passTime(at now: Instant) {
        guard let stepEnds, now >= stepEnds else { return }
        switch state {
        case .waiting: restart(at: now)
        case .restarting: delay(attempt: 1, at: now)
        case .delaying(let attempt): reconnect(attempt: attempt, at: now)
        case .reconnecting(let attempt): delay(attempt: attempt + 1, at: now)
        case .steady, .abandoned: break
        }
    }

    private mutating func connectionFailed(at now: Instant) {
        switch state {
        case .steady where lostAt == nil:
            lostAt = now
            restart(at: now)
        case .steady, .waiting: restart(at: now)
        case .restarting: delay(attempt: 1, at: now)
        case .reconnecting(let attempt): delay(attempt: attempt + 1, at: now)
        case .delaying, .abandoned: break
        }
    }

    /// The other side has noticed the loss first, and restarts ICE; or the path was lost while a restart was under way, which
    /// is never `disconnected` (W3C §5.6.4: one "begun in the transient disconnected state … causes a transition to checking").
    private mutating func followRestart(at now: Instant) {
        guard wasConnected, state == .steady || state == .waiting else { return }
        lostAt = lostAt ?? now
        stepEnds = now + patience.restart
        change(to: .restarting)
    }

    private mutating func endConnection(at now: Instant) {
        lostAt = lostAt ?? now
        switch state {
        case .steady, .waiting, .restarting: delay(attempt: 1, at: now)
        case .reconnecting(let attempt): delay(attempt: attempt + 1, at: now)
        case .delaying, .abandoned: break
        }
    }

    private mutating func reconnect(attempt: Int, at now: Instant) {
        stepEnds = now + patience.attempt
        change(to: .reconnecting(attempt: attempt))
        outputs.append(.reconnect)
    }

    private mutating func restart(at now: Instant) {
        stepEnds = now + patience.restart
        change(to: .restarting)
        outputs.append(.restartIce)
    }

    private mutating func delay(attempt: Int, at now: Instant) {
        guard patience.canReconnect else { return abandon() }
        let doubled = patience.firstDelay * (1 << min(attempt - 1, 16))
        stepEnds = now + min(doubled, patience.longestDelay)
        change(to: .delaying(attempt: attempt))
    }

    private mutating func abandon() {
        guard state != .abandoned else { return }
        stepEnds = nil
        change(to: .abandoned)
        outputs.append(.abandon)
    }

    private mutating func change(to new: State) {
        guard new != state else { return }
        state = new
        outputs.append(.stateChanged(new))
    }
}
