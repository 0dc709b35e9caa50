import Wire

/// What the peer's descriptions tell, and ICE restarts.
extension ICEAgent {
    mutating func takeRemoteCredentials(_ credentials: ICECredentials, isLite: Bool, at now: Instant) {
        // RFC 8445 §6.1.1: "The full agent MUST take the controlling role" towards a lite one.
        if isLite { takeRole(.controlling) }
        switch session.remote?.credentials {
        case nil:
            upcoming.credentials = credentials
            beginSession(at: now)
        case credentials:
            break
        case _?:
            // The peer restarts ICE; the session that answers it begins with `restart`.
            if upcoming.credentials != credentials { upcoming = UpcomingRemote(credentials: credentials) }
        }
    }

    mutating func takeRemoteCandidate(_ candidate: ICECandidate) {
        let belongsToCurrent =
            session.remote != nil
            && (upcoming.credentials == nil || candidate.usernameFragment == remoteCredentials?.usernameFragment)
        if belongsToCurrent {
            addRemote(candidate)
        } else if upcoming.candidates.count < configuration.maximumRemoteCandidates {
            upcoming.candidates.append(candidate)
        } else {
            discard(.tooMany)
        }
    }

    mutating func takeRemoteEndOfCandidates() {
        if session.remote != nil, upcoming.credentials == nil {
            session.hasEndOfRemoteCandidates = true
        } else {
            upcoming.hasEndOfCandidates = true
        }
    }

    /// RFC 8445 §9: everything begins anew but the tie-breaker, the sockets and, until it is replaced, the selected
    /// pair.
    mutating func restart(_ credentials: ICECredentials, at now: Instant) {
        let hasEnded = session.gatherer.hasEnded
        session = ICESession(number: session.number + 1, credentials: credentials)
        transactions.removeAll { !$0.isConsentCheck }
        session.gatherer.hasEnded = hasEnded
        if gatheringState != .new {
            changeGatheringState(to: .gathering)
            for base in bases where !base.isRetired { gatherCandidates(of: base) }
        }
        if upcoming.credentials != nil { beginSession(at: now) }
    }

    /// Both sides' credentials are known: checks can be made, and those that came early count (RFC 8445 §7.3).
    private mutating func beginSession(at now: Instant) {
        guard let credentials = upcoming.credentials else { return }
        let known = upcoming
        upcoming = UpcomingRemote()
        session.remote = ICESession.Authentication(credentials)
        session.patienceEnds = now + configuration.connectivityPatience
        session.hasEndOfRemoteCandidates = known.hasEndOfCandidates
        for candidate in known.candidates { addRemote(candidate) }
        let early = session.earlyChecks
        session.earlyChecks = []
        for check in early where check.senderFragment == credentials.usernameFragment {
            noteCheck(on: check.path, priority: check.priority, nominates: check.nominates, at: now)
        }
    }

    private mutating func addRemote(_ candidate: ICECandidate) {
        if let fragment = candidate.usernameFragment, fragment != remoteCredentials?.usernameFragment {
            return discard(.staleCandidate)
        }
        guard candidate.component == 1 else { return discard(.unusedComponent) }
        session.hasHeardOfCandidates = true
        let transports: [ICECandidate.Transport] = [.udp, .tcp(type: "active"), .tcp(type: "passive")]
        guard transports.contains(candidate.transport) else { return discard(.unsupportedTransport) }
        guard let address = candidate.socketAddress else { return resolve(candidate) }
        guard !address.ip.isUnspecified, address.port != 0 else { return discard(.unusableAddress) }
        if let known = session.remoteCandidates.firstIndex(where: { $0.isAtPlace(of: candidate) }) {
            guard session.remoteCandidates[known].kind == .peerReflexive, candidate.kind != .peerReflexive else {
                return discard(.duplicateCandidate)
            }
            replaceRemote(at: known, with: candidate)
            return
        }
        guard session.remoteCandidates.count < configuration.maximumRemoteCandidates else { return discard(.tooMany) }
        session.remoteCandidates.append(candidate)
        for base in bases where !base.isRetired { addPair(base: base, remote: candidate) }
    }

    /// A browser hides its addresses behind mDNS names (RFC 8828 §5.2). Its own checks may show them sooner than the
    /// names do (peer-reflexive candidates).
    private mutating func resolve(_ candidate: ICECandidate) {
        guard case .name(let name) = candidate.address else { return }
        guard session.unresolved.count < configuration.maximumRemoteCandidates else { return discard(.tooMany) }
        let isAsked = session.unresolved.contains { $0.address == candidate.address }
        session.unresolved.append(candidate)
        if !isAsked { emit(.nameWanted(name)) }
    }

    /// RFC 8839 §5.1 as RFC 5245 §15.1: of several addresses "one is chosen, and that is used for the remainder of ICE
    /// processing"; here the first that can be reached.
    mutating func resolved(_ name: String, to addresses: [IPAddress]) {
        let named = session.unresolved.filter { $0.address == .name(name) }
        session.unresolved.removeAll { $0.address == .name(name) }
        for var candidate in named {
            let reachable = addresses.first { ip in
                bases.contains { $0.reaches(SocketAddress(ip, port: candidate.port)) }
            }
            guard let ip = reachable ?? addresses.first else {
                discard(.unresolvedName)
                continue
            }
            candidate.address = .ip(SocketAddress(ip, port: candidate.port).unscoped.ip)
            addRemote(candidate)
        }
    }

    /// A candidate that the peer's check has shown before its description told it.
    private mutating func replaceRemote(at index: Int, with candidate: ICECandidate) {
        session.remoteCandidates[index] = candidate
        session.checkList.replaceRemote(candidate)
        if selected?.session == session.number, selected?.pair.remote.isAtPlace(of: candidate) == true {
            selected?.pair.remote = candidate
        }
    }

    mutating func addPair(base: Base, remote: ICECandidate) {
        guard let address = remote.socketAddress, base.transport.counterpart == remote.transport,
            base.reaches(address), !isConcluded, let local = session.localCandidate(of: base)
        else { return }
        // RFC 8656 §9: what the peer sends gets through only once there is a permission
        if base.kind == .relayed { emit(.permissionWanted(at: base.address, for: address.ip)) }
        session.checkList.add(
            base: base, local: local, remote: remote, at: address, role: role, limit: configuration.maximumPairs)
    }

    /// Whether the controlling side has nominated: RFC 8445 §8.1.1 allows no other pair then, so none is checked.
    var isConcluded: Bool { session.isOver || session.nomination == .concluded }

    mutating func takeRole(_ role: ICERole) {
        guard role != self.role else { return }
        self.role = role
        if case .inProgress = session.nomination { session.nomination = .open(until: nil) }
    }
}
