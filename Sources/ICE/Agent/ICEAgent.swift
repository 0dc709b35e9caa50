import Wire

/// An ICE agent (RFC 8445, trickle RFC 8838, consent RFC 7675) for one component over UDP and TCP (RFC 6544), as WebRTC
/// with BUNDLE and rtcp-mux needs it. It opens no socket: the shell gives it the addresses of sockets that may be shared
/// by many agents, and connections where it asks for them.
///
/// Ordinary checks, and requests to STUN servers, leave at most every Ta. Triggered and nominating checks leave at
/// once: each answers an authentic message that has just come in, so the peer's pacing is theirs, and a call on a local
/// network is set up in two round trips instead of several Ta.
public struct ICEAgent {
    /// Which side nominates.
    public internal(set) var role: ICERole
    /// W3C's `RTCIceTransport.state`.
    public private(set) var connectionState: ICEConnectionState = .new
    /// W3C's `RTCIceTransport.gatheringState`.
    public internal(set) var gatheringState: ICEGatheringState = .new
    /// When `handle(.timePassed, at:)` wants to be called; nil for never.
    public private(set) var deadline: Instant?
    /// What was counted.
    public internal(set) var statistics = ICEStatistics()

    /// The pair that everything goes by; nil until one is nominated and again when consent is lost. An ICE restart
    /// keeps it until the new session has its own.
    public var selectedPair: ICECandidatePair? { selected?.pair }
    /// The way along the selected pair: what each packet needs of it, which is little beside its candidates.
    public private(set) var selectedRoute: DatagramRoute?
    /// The current local credentials.
    public var credentials: ICECredentials { session.local.credentials }
    /// The remote credentials that belong to the current local ones; nil until they are known.
    public var remoteCredentials: ICECredentials? { session.remote?.credentials }
    /// The local candidates of the current session, peer-reflexive ones included.
    public var localCandidates: [ICECandidate] { session.localCandidates }
    /// The local candidates of the current session that a description tells: without peer-reflexive ones, and with names
    /// and external addresses for those that are hidden behind them.
    public var gatheredCandidates: [ICECandidate] { session.told.map(\.candidate) }
    /// The remote candidates of the current session that can be used, peer-reflexive ones included.
    public var remoteCandidates: [ICECandidate] { session.remoteCandidates }

    /// The username fragments that requests to this agent may be for: the current one and, while the selected pair is
    /// one from before an ICE restart, that one's.
    public var localUsernameFragments: [String] {
        let current = session.local.credentials.usernameFragment
        guard let selected, selected.session != session.number else { return [current] }
        return [current, selected.local.credentials.usernameFragment]
    }

    let configuration: ICEConfiguration
    let random: any RandomSource
    var tieBreaker: UInt64
    var bases: [Base] = []
    var stunServers: [SocketAddress] = []
    var addressNames: [IPAddress: String] = [:]
    var session: ICESession
    var upcoming = UpcomingRemote()
    var selected: SelectedPath? {
        didSet {
            selectedRoute = selected.map { DatagramRoute(of: $0.pair) }
            consentTimes = selected.map { ($0.consent.dueAt, $0.consent.disconnectsAt) }
        }
    }
    /// When the selected pair's consent needs something, and when it counts as silent.
    private(set) var consentTimes: (due: Instant, silence: Instant?)?
    var transactions: [STUNTransaction] = []
    var foundations: [FoundationKey] = []
    var learnedCandidates = 0
    let streamIDs: StreamIDSource
    var streams: [StreamID: ICEStream] = [:]
    /// The checks by the way they went.
    var checks: [Path: ICECandidatePairStatistics.Checks] = [:]
    /// When the next ordinary check, and the next request to a STUN server, may leave.
    var checkPacedAt = Instant.zero
    var gatheringPacedAt = Instant.zero
    private var outputs: [Output] = []
    private var drained = 0

    /// An agent with its first credentials.
    public init(
        role: ICERole, credentials: ICECredentials, random: any RandomSource, configuration: ICEConfiguration = .init(),
        streamIDs: StreamIDSource = StreamIDSource()
    ) {
        self.role = role
        self.random = random
        self.configuration = configuration
        self.streamIDs = streamIDs
        tieBreaker = random.next()
        session = ICESession(number: 0, credentials: credentials)
    }

    /// Takes in what has happened; `nextOutput` then tells what to do.
    public mutating func handle(_ input: Input, at now: Instant) {
        guard connectionState != .closed else { return }
        switch input {
        case .localAddressAdded(let address, let preference):
            addBase(Base(address: address, localPreference: preference))
            if configuration.usesActiveTCP {
                let active = SocketAddress(address.ip, port: Base.activePort)
                addBase(Base(address: active, localPreference: preference, transport: .activeTCP))
            }
        case .localAddressNamed(let address, let name):
            addressNames[address] = name
        case .tcpListenerAdded(let address, let preference):
            addBase(Base(address: address, localPreference: preference, transport: .passiveTCP))
        case .relayedAddressAdded(let address, let mapped, let server, let preference):
            let relay = Base.Transport.relay(Base.Relay(server: server, mapped: mapped))
            addBase(Base(address: address, localPreference: preference, transport: relay))
        case .relayedAddressRetired(let address):
            for index in bases.indices where bases[index].address == address { bases[index].isRetired = true }
        case .gatheringReopened(let withHosts):
            reopenGathering(withHosts: withHosts)
        case .localAddressRemoved(let address):
            removeBase(address, at: now)
        case .stunServerAdded(let server):
            addServer(server)
        case .gatheringEnded:
            session.gatherer.hasEnded = true
            beginGathering()
        case .remoteCredentials(let credentials, let isLite):
            takeRemoteCredentials(credentials, isLite: isLite, at: now)
        case .remoteCandidate(let candidate):
            takeRemoteCandidate(candidate)
        case .remoteEndOfCandidates:
            takeRemoteEndOfCandidates()
        case .datagram(let bytes, let local, let remote):
            receive(bytes, on: Path(local: local, remote: remote), at: now)
        case .received(let local, let remote):
            guard selected?.runs(on: Path(local: local, remote: remote)) == true else { return }
            selected?.consent.heard(at: now)
            // it comes with every packet, and while the path lives it can only be silent later than it would have been
            if connectionState == .completed || connectionState == .connected { return }
        case .streamOpened(let stream):
            streamOpened(stream)
        case .streamBytes(let stream, let bytes):
            receive(bytes, on: stream, at: now)
        case .streamClosed(let stream):
            streamClosed(stream, at: now)
        case .nameResolved(let name, let addresses):
            resolved(name, to: addresses)
        case .receivedOnStream(let stream):
            if selected?.pair.stream == stream { selected?.consent.heard(at: now) }
        case .restart(let credentials):
            restart(credentials, at: now)
        case .roleChanged(let role):
            takeRole(role)
        case .timePassed:
            break
        case .close:
            close()
        }
        if connectionState != .closed { advance(to: now) }
        noteDeadline()
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

    private func nextDeadline() -> Instant? {
        guard connectionState != .closed else { return nil }
        let nomination: Instant? = if case .open(let until) = session.nomination { until } else { nil }
        let patience = selectedRoute == nil && !session.isOver && !session.isPatienceOver ? session.patienceEnds : nil
        return earliest(
            transactionDeadline, hasOrdinaryCheck ? checkPacedAt : nil,
            session.gatherer.deadline(pacedAt: gatheringPacedAt, refreshes: refreshesBindings),
            nomination, patience, consentDeadline, streamDeadline)
    }

    /// Notes when it wants to be called: that is asked more often than it changes.
    mutating func noteDeadline() { deadline = nextDeadline() }

    private mutating func advance(to now: Instant) {
        expireTransactions(at: now)
        checkConsent(at: now)
        if let end = session.patienceEnds, now >= end { session.isPatienceOver = true }
        considerNomination(at: now)
        sendOrdinaryCheck(at: now)
        gather(at: now)
        changeConnectionState(to: currentConnectionState(at: now))
        closeUnusedStreams(at: now)
    }

    private mutating func close() {
        transactions = []
        for stream in streams.keys { closeStream(stream) }
        selected = nil
        changeConnectionState(to: .closed)
    }

    // W3C webrtc-pc §5.6.4, RTCIceTransportState.
    private func currentConnectionState(at now: Instant) -> ICEConnectionState {
        if let selected {
            let isSilent = selected.consent.isDisconnected(at: now)
            // "An ICE restart causes … a transition to connected if begun in the completed state. If begun in the
            // transient disconnected state, it causes a transition to checking".
            guard selected.session == session.number else { return isSilent ? .checking : .connected }
            guard !isSilent else { return .disconnected }
            let isFinished =
                session.hasEndOfRemoteCandidates && gatheringState == .complete && !session.checkList.isActive
                && session.unresolved.isEmpty
            return isFinished ? .completed : .connected
        }
        if session.isOver || hasFailed { return .failed }
        let hasBegun = session.remote != nil && (session.hasHeardOfCandidates || session.hasEndOfRemoteCandidates)
        return hasBegun || session.number > 0 ? .checking : .new
    }

    /// RFC 8863 §4: not before the patience ends, for the peer's own checks may still come. A pair that is still being
    /// checked, or nominated, holds the failure off.
    var hasFailed: Bool {
        guard session.isPatienceOver, !session.checkList.isActive else { return false }
        if case .inProgress = session.nomination { return false }
        return true
    }

    private mutating func changeConnectionState(to state: ICEConnectionState) {
        guard state != connectionState else { return }
        connectionState = state
        emit(.connectionStateChanged(state))
    }

    mutating func emit(_ event: Event) {
        outputs.append(.event(event))
    }

    mutating func emit(_ output: Output) {
        outputs.append(output)
    }

    mutating func transmit(_ datagram: [UInt8], on path: Path) {
        guard let stream = path.stream else {
            return outputs.append(.transmit(datagram, from: path.local, to: path.remote))
        }
        write(datagram, on: stream)
    }

    mutating func discard(_ reason: ICEStatistics.DiscardReason) {
        statistics.discards[reason, default: 0] += 1
    }
}
