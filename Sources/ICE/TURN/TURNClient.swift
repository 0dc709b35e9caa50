public import Wire

/// A client of one allocation on a TURN server (RFC 8656), over UDP, TCP or TLS. It opens nothing itself: the shell
/// makes the transport, and makes another where the client asks for it.
///
///               transportOpened               success
///     waiting ──────────────────► allocating ─────────► allocated ──► ended
///        ▲                             │                               ▲
///        └── 300 Try Alternate, 437 ───┴──── any other error, silence ─┘
///
/// Requests are authenticated by long-term credentials. An allocation is refreshed a minute before it expires, so are
/// the permissions and channels that are in use; those that are not lapse.
public struct TURNClient {
    /// How far it is.
    public internal(set) var state = State.waiting
    /// What the server has allocated: at most one address of each family.
    public internal(set) var relayedAddresses: [SocketAddress] = []
    /// What was not used, or not sent, by reason.
    public internal(set) var discards: [DiscardReason: Int] = [:]
    /// Requests sent, without retransmissions.
    public internal(set) var requestsSent = 0
    /// The transport; nil while one is waited for.
    public internal(set) var transport: Transport?

    let configuration: Configuration
    let random: any RandomSource
    var credentials: LongTermCredentials
    /// Those that the allocation was made with, while new ones are tried on it.
    var formerCredentials: LongTermCredentials?
    /// When the shell is asked for new credentials; nil when it was, or when they last.
    var credentialsWantedAt: Instant?
    var requests: [TURNRequest] = []
    var reader = TURNStreamReader()
    /// When a transport, or the answer to Allocate, is given up.
    var patienceEnds: Instant?
    /// Servers that were asked, so that no circle of redirections is followed (RFC 8489 §10).
    var triedServers: [SocketAddress] = []
    var mismatches = 0
    /// The address families that are asked for.
    var families = Families.both
    var expiresAt: Instant?
    var refreshAt: Instant?
    var permissions: [TURNPermission] = []
    var channels: [TURNChannel] = []
    var nextChannelNumber: UInt16 = 0x4000
    private var outputs: [Output] = []
    private var drained = 0

    enum Families {
        case ipv4, both, ipv6
    }

    /// A client that waits for its transport.
    public init(configuration: Configuration, random: any RandomSource, at now: Instant) {
        self.configuration = configuration
        self.random = random
        credentials = LongTermCredentials(username: configuration.username, password: configuration.credential)
        families = configuration.requestsBothFamilies ? .both : .ipv4
        patienceEnds = now + configuration.timing.gatheringTimeout
        credentialsWantedAt = Self.renewal(of: configuration.expiresAt, at: now)
    }

    /// Takes in what has happened; `nextOutput` then tells what to do.
    public mutating func handle(_ input: Input, at now: Instant) {
        guard state != .ended else { return }
        switch input {
        case .transportOpened(let transport):
            if state == .waiting { begin(on: transport, at: now) }
        case .transportClosed(let reason):
            end(.unreachable(reason))
        case .received(let bytes):
            if transport?.isReliable == true { receive(stream: bytes, at: now) } else { receive(bytes, at: now) }
        case .permissionWanted(let ip):
            _ = permission(for: ip, at: now)
        case .channelWanted(let peer):
            bindChannel(to: peer, at: now)
        case .dataReady(let bytes, let peer):
            send(bytes, to: peer, at: now)
        case .credentialsChanged(let username, let credential, let expiresAt):
            change(username: username, credential: credential, expiresAt: expiresAt, at: now)
        case .refreshWanted:
            // of an allocation that a server has lost, by a start of its own, nothing else tells for many minutes
            if state == .allocated, !requests.contains(where: { $0.purpose == .refresh }) { refresh(at: now) }
        case .timePassed:
            advance(to: now)
        case .close:
            close(at: now)
        }
    }

    /// The next thing to do; nil when nothing is left.
    public mutating func nextOutput() -> Output? {
        guard drained < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            drained = 0
            return nil
        }
        defer { drained += 1 }
        return outputs[drained]
    }

    /// When `handle(.timePassed, at:)` wants to be called; nil for never.
    public var deadline: Instant? {
        guard state != .ended else { return nil }
        return earliest(
            patienceEnds, requests.lazy.map(\.timer.deadline).min(), expiresAt, refreshAt, credentialsWantedAt,
            permissions.lazy.compactMap(\.deadline).min(), channels.lazy.compactMap(\.deadline).min())
    }

    private mutating func advance(to now: Instant) {
        if let end = patienceEnds, now >= end {
            patienceEnds = nil
            return self.end(.unreachable(state == .waiting ? "not connected in time" : "no answer in time"))
        }
        if let wanted = credentialsWantedAt, now >= wanted {
            credentialsWantedAt = nil
            emit(.credentialsWanted)
        }
        if let end = expiresAt, now >= end {
            return self.end(TURNError(code: 437, reason: "The allocation has expired"))
        }
        stepRequests(at: now)
        guard state == .allocated else { return }
        if let refresh = refreshAt, now >= refresh { self.refresh(at: now) }
        renewPermissions(at: now)
        renewChannels(at: now)
    }

    /// RFC 8656 §8: a Refresh with a lifetime of zero ends the allocation. It is sent once: the shell closes its sockets
    /// at once, and an allocation that is not refreshed ends by itself.
    private mutating func close(at now: Instant) {
        if state == .allocated { request(.release, method: .refresh, attributes: [.lifetime(0)], at: now) }
        finish()
    }

    /// The client is of no more use.
    mutating func end(_ error: TURNError) {
        emit(state == .allocated ? .lost(error) : .failed(error))
        finish()
    }

    private mutating func finish() {
        state = .ended
        relayedAddresses = []
        requests = []
        permissions = []
        channels = []
    }

    mutating func emit(_ event: Event) {
        outputs.append(.event(event))
    }

    mutating func output(_ output: Output) {
        outputs.append(output)
    }

    mutating func discard(_ reason: DiscardReason) {
        discards[reason, default: 0] += 1
    }

    /// The relayed address that peers of the family of `ip` see.
    func relayedAddress(for ip: IPAddress) -> SocketAddress? {
        relayedAddresses.first { $0.ip.isIPv6 == ip.isIPv6 }
    }

    // MARK: Credentials

    /// A minute before the credentials stop being valid, or a quarter of their time where that is short.
    private static func renewal(of expiry: Instant?, at now: Instant) -> Instant? {
        expiry.map { $0 - min(.seconds(60), max($0 - now, .zero) / 4) }
    }

    private mutating func change(username: String, credential: String, expiresAt: Instant?, at now: Instant) {
        credentialsWantedAt = Self.renewal(of: expiresAt, at: now)
        guard username != credentials.username || credential != credentials.password else { return }
        formerCredentials = state == .allocated ? formerCredentials ?? credentials : nil
        credentials = credentials.replaced(username: username, password: credential)
        if state == .allocated { refresh(at: now) }
    }
}
