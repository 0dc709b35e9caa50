import Wire

/// What comes in: the peer's checks (RFC 8445 §7.3).
extension ICEAgent {
    /// Early checks that are kept, each from another address.
    private static let maximumEarlyChecks = 16

    mutating func receive(_ datagram: [UInt8], local: SocketAddress, remote: SocketAddress, at now: Instant) {
        guard let message = try? STUNMessage(parsing: datagram) else { return discard(.malformed) }
        guard message.method == .binding else { return discard(.unexpectedMessage) }
        guard bases.contains(where: { $0.address == local }) else { return discard(.unknownLocalAddress) }
        switch message.messageClass {
        case .request: receiveRequest(message, local: local, remote: remote, at: now)
        case .successResponse, .errorResponse: receiveResponse(message, local: local, remote: remote, at: now)
        // Binding indications are keepalives (RFC 8445 §11); without integrity they show nothing.
        case .indication: discard(.unexpectedMessage)
        }
    }

    private mutating func receiveRequest(
        _ message: STUNMessage, local: SocketAddress, remote: SocketAddress, at now: Instant
    ) {
        // RFC 8489 §9.1.3: without integrity or user name 400; for another user, or with another password, 401.
        guard message.hasIntegrity, let username = message.username, let fragments = UsernamePair(username) else {
            refuse(message, 400, "Bad Request", from: local, to: remote)
            return discard(.unauthenticated)
        }
        let isCurrent = fragments.receiver == session.local.credentials.usernameFragment
        guard let authentication = isCurrent ? session.local : earlierSession(of: fragments.receiver) else {
            refuse(message, 401, "Unauthenticated", from: local, to: remote)
            return discard(.unknownUsernameFragment)
        }
        guard message.isAuthentic(authentication.key) else {
            refuse(message, 401, "Unauthenticated", from: local, to: remote)
            return discard(.unauthenticated)
        }
        let unknown = message.unknownRequiredAttributes
        guard unknown.isEmpty else {
            refuse(
                message, 420, "Unknown Attribute", key: authentication.key, adding: [.unknownAttributes(unknown)],
                from: local, to: remote)
            return discard(.unknownAttribute)
        }
        statistics.requestsReceived += 1
        if isCurrent, let (theirRole, theirTieBreaker) = message.role, theirRole == role {
            guard yields(to: theirTieBreaker) else {
                refuse(message, 487, "Role Conflict", key: authentication.key, from: local, to: remote)
                return
            }
        }
        respond(message, key: authentication.key, from: local, to: remote)
        if isCurrent {
            accept(message, senderFragment: fragments.sender, local: local, remote: remote, at: now)
        } else if selected?.runs(from: local, to: remote) == true {
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
        _ message: STUNMessage, senderFragment: String, local: SocketAddress, remote: SocketAddress, at now: Instant
    ) {
        // A check must have a PRIORITY (RFC 8445 §7.1.1); one without is answered and ranks last.
        let priority = min(max(message.priority ?? 1, 1), UInt32(Int32.max))
        let nominates = message.hasUseCandidate
        if let credentials = remoteCredentials {
            guard senderFragment == credentials.usernameFragment else { return discard(.unknownUsernameFragment) }
            noteCheck(from: remote, to: local, priority: priority, nominates: nominates, at: now)
            return
        }
        if let index = session.earlyChecks.firstIndex(where: { $0.local == local && $0.remote == remote }) {
            session.earlyChecks[index].nominates = session.earlyChecks[index].nominates || nominates
        } else if session.earlyChecks.count < ICEAgent.maximumEarlyChecks {
            session.earlyChecks.append(
                .init(
                    local: local, remote: remote, senderFragment: senderFragment, priority: priority,
                    nominates: nominates))
        } else {
            discard(.tooMany)
        }
    }

    /// An authentic check of the current session has come from `remote`: RFC 8445 §7.3.1.3 to §7.3.1.5.
    mutating func noteCheck(
        from remote: SocketAddress, to local: SocketAddress, priority: UInt32, nominates: Bool, at now: Instant
    ) {
        if selected?.runs(from: local, to: remote) == true { selected?.consent.heard(at: now) }
        guard !session.isOver, let base = bases.first(where: { $0.address == local }), base.reaches(remote),
            let own = session.localCandidate(at: local),
            let candidate = session.remoteCandidate(at: remote) ?? learnRemote(remote, priority: priority)
        else { return }
        session.hasHeardOfCandidates = true
        let id = session.checkList.add(
            base: base, local: own, remote: candidate, at: remote, role: role, limit: configuration.maximumPairs)
        guard let id else { return discard(.tooMany) }
        if nominates, role == .controlled { session.checkList[id]?.nominatedAt = now }
        trigger(pair: id, at: now)
        considerSelecting(pair: id, at: now)
    }

    /// RFC 8445 §7.3.1.3: a peer-reflexive candidate, with a foundation of its own.
    private mutating func learnRemote(_ address: SocketAddress, priority: UInt32) -> ICECandidate? {
        guard session.remoteCandidates.count < configuration.maximumRemoteCandidates else {
            discard(.tooMany)
            return nil
        }
        learnedCandidates += 1
        let candidate = ICECandidate(
            foundation: "learned\(learnedCandidates)", priority: priority, address: .ip(address.unscoped.ip),
            port: address.port, kind: .peerReflexive)
        session.remoteCandidates.append(candidate)
        return candidate
    }

    private mutating func respond(
        _ message: STUNMessage, key: STUNKey, from local: SocketAddress, to remote: SocketAddress
    ) {
        let response = STUNMessage(
            .successResponse, transactionID: message.transactionID, attributes: [.xorMappedAddress(remote)])
        statistics.responsesSent += 1
        transmit(response.serialized(key: key), from: local, to: remote)
    }

    private mutating func refuse(
        _ message: STUNMessage, _ code: UInt16, _ reason: String, key: STUNKey? = nil,
        adding more: [STUNAttribute] = [],
        from local: SocketAddress, to remote: SocketAddress
    ) {
        let response = STUNMessage(
            .errorResponse, transactionID: message.transactionID, attributes: [.errorCode(code, reason: reason)] + more)
        statistics.responsesSent += 1
        transmit(response.serialized(key: key), from: local, to: remote)
    }
}
