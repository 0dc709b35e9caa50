import Wire

/// What comes in: the peer's checks (RFC 8445 §7.3).
extension ICEAgent {
    /// Early checks that are kept, each from another address.
    private static let maximumEarlyChecks = 16

    mutating func receive(_ datagram: [UInt8], on path: Path, at now: Instant) {
        guard let message = try? STUNMessage(parsing: datagram) else { return discard(.malformed) }
        guard message.method == .binding else { return discard(.unexpectedMessage) }
        guard base(of: path) != nil else { return discard(.unknownLocalAddress) }
        switch message.messageClass {
        case .request: receiveRequest(message, on: path, at: now)
        case .successResponse, .errorResponse: receiveResponse(message, on: path, at: now)
        // Binding indications are keepalives (RFC 8445 §11); without integrity they show nothing.
        case .indication: discard(.unexpectedMessage)
        }
    }

    private mutating func receiveRequest(
        _ message: STUNMessage, on path: Path, at now: Instant
    ) {
        // RFC 8489 §9.1.3: without integrity or user name 400; for another user, or with another password, 401.
        guard message.hasIntegrity, let username = message.username, let fragments = UsernamePair(username) else {
            refuse(message, 400, "Bad Request", on: path)
            return discard(.unauthenticated)
        }
        let isCurrent = fragments.receiver == session.local.credentials.usernameFragment
        guard let authentication = isCurrent ? session.local : earlierSession(of: fragments.receiver) else {
            refuse(message, 401, "Unauthenticated", on: path)
            return discard(.unknownUsernameFragment)
        }
        guard message.isAuthentic(authentication.key) else {
            refuse(message, 401, "Unauthenticated", on: path)
            return discard(.unauthenticated)
        }
        let credentials = isCurrent ? remoteCredentials : selected?.remote.credentials
        if let credentials, fragments.sender != credentials.usernameFragment {
            // A peer that restarts ICE checks from its new candidates before this side has the offer, and until it has the
            // answer, as libwebrtc does: by the old name of this side and its own new one. Were it answered, it would stay
            // with the old credentials on a pair that the new session cannot use.
            refuse(message, 401, "Unauthenticated", key: authentication.key, on: path)
            return discard(.unknownUsernameFragment)
        }
        let unknown = message.unknownRequiredAttributes
        guard unknown.isEmpty else {
            refuse(
                message, 420, "Unknown Attribute", key: authentication.key, adding: [.unknownAttributes(unknown)],
                on: path)
            return discard(.unknownAttribute)
        }
        statistics.requestsReceived += 1
        count(on: path) { $0.requestsReceived += 1 }
        if isCurrent, let (theirRole, theirTieBreaker) = message.role, theirRole == role {
            guard yields(to: theirTieBreaker) else {
                refuse(message, 487, "Role Conflict", key: authentication.key, on: path)
                return
            }
        }
        respond(message, key: authentication.key, on: path)
        if isCurrent {
            accept(message, senderFragment: fragments.sender, on: path, at: now)
        } else if selected?.runs(on: path) == true {
            selected?.consent.heard(at: now)
        }
    }

    /// The selected pair may be one from before an ICE restart, whose checks go on until there is a new one.
    private func earlierSession(of fragment: String) -> ICESession.Authentication? {
        guard let selected, selected.local.credentials.usernameFragment == fragment else { return nil }
        return selected.local
    }

    /// RFC 8445 §7.3.1.1: the larger tie-breaker takes the controlling role. True when this agent has changed to the
    /// other role, false when the peer has to.
    private mutating func yields(to theirTieBreaker: UInt64) -> Bool {
        statistics.roleConflicts += 1
        let isLarger = tieBreaker >= theirTieBreaker
        guard isLarger == (role == .controlled) else { return false }
        changeRole()
        return true
    }

    mutating func changeRole() {
        takeRole(role.opposite)
        emit(.roleChanged(role))
    }

    private mutating func accept(
        _ message: STUNMessage, senderFragment: String, on path: Path, at now: Instant
    ) {
        // A check must have a PRIORITY (RFC 8445 §7.1.1); one without is answered and ranks last.
        let priority = min(max(message.priority ?? 1, 1), UInt32(Int32.max))
        let nominates = message.hasUseCandidate
        if remoteCredentials != nil {
            noteCheck(on: path, priority: priority, nominates: nominates, at: now)
            return
        }
        if let index = session.earlyChecks.firstIndex(where: { $0.path == path }) {
            session.earlyChecks[index].nominates = session.earlyChecks[index].nominates || nominates
        } else if session.earlyChecks.count < ICEAgent.maximumEarlyChecks {
            session.earlyChecks.append(
                .init(path: path, senderFragment: senderFragment, priority: priority, nominates: nominates))
        } else {
            discard(.tooMany)
        }
    }

    /// An authentic check of the current session has come from `remote`: RFC 8445 §7.3.1.3 to §7.3.1.5.
    mutating func noteCheck(on path: Path, priority: UInt32, nominates: Bool, at now: Instant) {
        if let stream = path.stream { streams[stream]?.isProven = true }
        readopt(path, at: now)
        if selected?.runs(on: path) == true { selected?.consent.heard(at: now) }
        guard !session.isOver, let base = base(of: path), base.reaches(path.remote),
            let own = session.localCandidate(of: base),
            let candidate = session.checkList.pair(on: path)?.remote ?? session.remoteCandidate(at: path)
                ?? learnRemote(path, priority: priority)
        else { return }
        session.hasHeardOfCandidates = true
        let id = session.checkList.add(
            base: base, local: own, remote: candidate, at: path.remote, on: path.stream, role: role,
            limit: configuration.maximumPairs)
        guard let id else { return discard(.tooMany) }
        if nominates, role == .controlled { session.checkList[id]?.nominatedAt = now }
        trigger(pair: id, at: now)
        considerSelecting(pair: id, at: now)
    }

    /// The base that what travels on `path` leaves from; nil where it is gone, or was never given to this agent.
    func base(of path: Path) -> Base? {
        if let stream = path.stream { return streams[stream]?.base }
        return bases.first { !$0.transport.isTCP && $0.address == path.local }
    }

    /// RFC 8445 §7.3.1.3: a peer-reflexive candidate, with a foundation of its own. What has opened a connection is an
    /// active candidate (RFC 6544 §7.2).
    private mutating func learnRemote(_ path: Path, priority: UInt32) -> ICECandidate? {
        guard session.remoteCandidates.count < configuration.maximumRemoteCandidates else {
            discard(.tooMany)
            return nil
        }
        learnedCandidates += 1
        let candidate = ICECandidate(
            foundation: "learned\(learnedCandidates)", transport: path.stream == nil ? .udp : .tcp(type: "active"),
            priority: priority, address: .ip(path.remote.unscoped.ip), port: path.remote.port, kind: .peerReflexive)
        session.remoteCandidates.append(candidate)
        return candidate
    }

    private mutating func respond(
        _ message: STUNMessage, key: STUNKey, on path: Path
    ) {
        let response = STUNMessage(
            .successResponse, transactionID: message.transactionID, attributes: [.xorMappedAddress(path.remote)])
        statistics.responsesSent += 1
        count(on: path) { $0.responsesSent += 1 }
        transmit(response.serialized(key: key), on: path)
    }

    private mutating func refuse(
        _ message: STUNMessage, _ code: UInt16, _ reason: String, key: STUNKey? = nil,
        adding more: [STUNAttribute] = [], on path: Path
    ) {
        let response = STUNMessage(
            .errorResponse, transactionID: message.transactionID, attributes: [.errorCode(code, reason: reason)] + more)
        statistics.responsesSent += 1
        transmit(response.serialized(key: key), on: path)
    }
}
