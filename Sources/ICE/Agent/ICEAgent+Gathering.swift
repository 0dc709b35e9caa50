import Wire

/// RFC 8445 §5.1.1.3: candidates have one foundation when they have one type, base address, server and protocol.
struct FoundationKey: Equatable {
    let kind: ICECandidate.Kind
    let base: IPAddress
    let server: IPAddress?
    let transport: Base.Transport
}

/// Local candidates (RFC 8445 §5.1.1).
extension ICEAgent {
    mutating func addBase(_ base: Base) {
        guard !bases.contains(where: { $0.address == base.address && $0.transport == base.transport }) else { return }
        bases.append(base)
        gatherCandidates(of: base)
    }

    mutating func reopenGathering(withHosts: Bool) {
        for index in bases.indices where bases[index].kind == .host { bases[index].isRetired = !withHosts }
        stunServers = []
        session.gatherer.hasEnded = false
    }

    mutating func addServer(_ server: SocketAddress) {
        guard !stunServers.contains(server) else { return }
        stunServers.append(server)
        for base in bases where base.transport == .udp && !base.isRetired {
            session.gatherer.add(base: base.address, server: server)
        }
    }

    /// The host or relayed candidate of a base, its pairs, and the questions to the STUN servers.
    mutating func gatherCandidates(of base: Base) {
        beginGathering()
        var server: IPAddress?
        if case .relay(let relay) = base.transport { server = relay.server }
        let own = candidate(base.kind, at: base.address, of: base, server: server)
        session.localCandidates.append(own)
        let external = externalCandidates(of: base)
        // RFC 8445 §7.2.5.3.1: a check that shows one of them has found nothing new
        session.localCandidates += external
        if external.isEmpty || !configuration.externalAddressesReplaceHosts { tell(own, of: base) }
        for candidate in external { tell(candidate, of: base) }
        for remote in session.remoteCandidates { addPair(base: base, remote: remote) }
        // reflexive candidates over TCP need a NAT's cooperation that few give (RFC 6544 §5.1)
        guard base.transport == .udp else { return }
        for server in stunServers { session.gatherer.add(base: base.address, server: server) }
    }

    mutating func beginGathering() {
        if gatheringState == .new { changeGatheringState(to: .gathering) }
    }

    mutating func changeGatheringState(to state: ICEGatheringState) {
        guard state != gatheringState else { return }
        gatheringState = state
        emit(.gatheringStateChanged(state))
    }

    /// RFC 8445 §5.1.1.4: the bindings on NATs are kept alive until a pair is selected.
    var refreshesBindings: Bool {
        selected?.session != session.number && !session.isOver && !hasFailed
    }

    mutating func gather(at now: Instant) {
        let givenUp = session.gatherer.expire(at: now)
        for index in givenUp { reportFailure(ofBinding: index, code: 701, reason: "the server does not answer") }
        transactions.removeAll { transaction in givenUp.contains { transaction.purpose == .gathering(binding: $0) } }
        if now >= gatheringPacedAt, let index = session.gatherer.next(at: now, refreshes: refreshesBindings) {
            let binding = session.gatherer.bindings[index]
            session.gatherer.asked(index, configuration: configuration, at: now)
            gatheringPacedAt = now + configuration.pacingInterval
            transactions.removeAll { $0.purpose == .gathering(binding: index) }
            begin(
                .gathering(binding: index), attributes: [],
                on: Path(local: binding.base, remote: binding.server), sendKey: nil,
                rto: configuration.initialRTO, maximumTransmissions: configuration.maximumTransmissions, at: now)
        }
        if gatheringState != .new {
            changeGatheringState(to: session.gatherer.isComplete ? .complete : .gathering)
        }
    }

    /// The server of a binding has told nothing.
    mutating func reportFailure(ofBinding index: Int, code: UInt16, reason: String) {
        let binding = session.gatherer.bindings[index]
        emit(.gatheringFailed(server: binding.server, base: binding.base, code: code, reason: reason))
    }

    /// A STUN server has answered: its candidate is new unless it is the base itself (RFC 8445 §5.1.3) or known
    /// already.
    mutating func gathered(_ mapped: SocketAddress, binding index: Int, at now: Instant) {
        session.gatherer.answered(index, configuration: configuration, at: now)
        let binding = session.gatherer.bindings[index]
        guard let base = bases.first(where: { $0.address == binding.base && $0.transport == .udp }),
            !mapped.ip.isUnspecified, mapped.port != 0,
            session.localCandidate(at: mapped, of: base) == nil
        else { return }
        let reflexive = candidate(.serverReflexive, at: mapped, of: base, server: binding.server.ip)
        session.localCandidates.append(reflexive)
        tell(reflexive, of: base)
    }

    /// The external addresses that lead to a base: of type host where they stand for the host's own, else as if a server
    /// had told of them.
    private mutating func externalCandidates(of base: Base) -> [ICECandidate] {
        guard base.kind == .host, !base.address.ip.isLoopback, !base.address.ip.isLinkLocal else { return [] }
        var candidates: [ICECandidate] = []
        for ip in configuration.externalAddresses where ip.isIPv6 == base.address.ip.isIPv6 && ip != base.address.ip {
            let kind: ICECandidate.Kind = configuration.externalAddressesReplaceHosts ? .host : .serverReflexive
            // nobody connects to an active candidate
            guard base.transport != .activeTCP || kind == .host else { continue }
            candidates.append(
                candidate(kind, at: SocketAddress(ip, port: base.address.port), of: base, server: ip))
        }
        return candidates
    }

    /// Tells the peer of a candidate, without the address that a name stands for.
    private mutating func tell(_ candidate: ICECandidate, of base: Base) {
        var candidate = candidate
        if let name = addressNames[base.address.ip] {
            if candidate.address == .ip(base.address.unscoped.ip) { candidate.address = .name(name) }
            // draft-ietf-mmusic-mdns-ice-candidates §3.1.2.3: the related address must not show it either
            if candidate.related != nil {
                let nowhere = IPAddress(base.address.ip.isIPv6 ? "::" : "0.0.0.0")
                candidate.related = nowhere.map { ICECandidate.Related(address: .ip($0), port: 0) }
            }
        }
        session.told.append((base, candidate))
        emit(.candidateGathered(candidate))
    }

    /// A local candidate of its type, base and server.
    func candidate(
        _ kind: ICECandidate.Kind, at address: SocketAddress, of base: Base, foundation: String
    ) -> ICECandidate {
        var origin: SocketAddress? = kind == .host ? nil : base.address.unscoped
        // RFC 8839 §5.1: "for relayed candidates … the mapped address selected for the relayed candidate"
        if kind == .relayed, case .relay(let relay) = base.transport { origin = relay.mapped }
        return ICECandidate(
            foundation: foundation, transport: base.transport.candidateTransport, priority: base.priority(of: kind),
            address: .ip(address.unscoped.ip), port: address.port, kind: kind,
            related: origin.map { ICECandidate.Related(address: .ip($0.ip), port: $0.port) },
            usernameFragment: credentials.usernameFragment)
    }

    mutating func candidate(
        _ kind: ICECandidate.Kind, at address: SocketAddress, of base: Base, server: IPAddress?
    ) -> ICECandidate {
        let key = FoundationKey(kind: kind, base: base.address.ip, server: server, transport: base.transport)
        if !foundations.contains(key) { foundations.append(key) }
        let number = (foundations.firstIndex(of: key) ?? 0) + 1
        return candidate(kind, at: address, of: base, foundation: String(number))
    }

    /// The sockets at an address are gone, and everything that used them; with a UDP socket goes its address as one to
    /// open connections from.
    mutating func removeBase(_ address: SocketAddress, at now: Instant) {
        let active = SocketAddress(address.ip, port: Base.activePort)
        let isUDP = bases.contains { $0.address == address && $0.transport == .udp }
        let isGone = { (base: Base) in
            base.address == address || isUDP && base.transport == .activeTCP && base.address == active
        }
        let gone = bases.filter(isGone)
        bases.removeAll(where: isGone)
        session.localCandidates.removeAll { candidate in
            gone.contains { base in
                let ip = ICECandidate.Address.ip(base.address.unscoped.ip)
                let related = ICECandidate.Related(address: ip, port: base.address.port)
                return candidate.transport == base.transport.candidateTransport
                    && (candidate.socketAddress == base.address.unscoped || candidate.related == related)
            }
        }
        let untold = session.told.filter { isGone($0.base) }.map(\.candidate)
        session.told.removeAll { isGone($0.base) }
        session.localCandidates.removeAll(where: untold.contains)
        session.gatherer.remove(base: address)
        let removed = session.checkList.removeAll { isGone($0.base) }
        transactions.removeAll { transaction in gone.contains { $0.address == transaction.path.local } }
        for (id, stream) in streams where isGone(stream.base) { closeStream(id) }
        if case .inProgress(let pair) = session.nomination, removed.contains(pair) {
            session.nomination = .open(until: nil)
        }
        guard let lost = selected, gone.contains(where: { $0.address == lost.pair.localAddress }) else { return }
        loseSelectedPair(at: now)
    }

    /// Nothing can go by the selected pair any more.
    mutating func loseSelectedPair(at now: Instant) {
        guard let lost = selected else { return }
        selected = nil
        transactions.removeAll(where: \.isConsentCheck)
        guard lost.session == session.number else { return }
        if role == .controlling {
            // RFC 8445 §8.1.1: nominating another pair takes an ICE restart.
            session.isOver = true
        } else {
            // The peer may nominate another pair, if it does so soon.
            session.patienceEnds = now + configuration.connectivityPatience
            session.isPatienceOver = false
        }
    }
}
