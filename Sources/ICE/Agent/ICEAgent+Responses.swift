import Wire

/// What comes back: the responses to checks (RFC 8445 §7.2.5) and from STUN servers.
extension ICEAgent {
    /// Local candidates that are kept: a peer that tells another address each time fills no memory.
    private static let maximumLocalCandidates = 128

    mutating func receiveResponse(
        _ message: STUNMessage, on path: Path, at now: Instant
    ) {
        guard let index = transactions.firstIndex(where: { $0.id == message.transactionID }) else {
            return discard(.unknownTransaction)
        }
        let transaction = transactions[index]
        // RFC 8489 §9.1.4: a response without the right integrity counts as never received, so the request stays.
        if let key = transaction.key, !message.isAuthentic(key) { return discard(.unauthenticated) }
        let isSymmetric = transaction.path.isSame(as: path)
        if transaction.key == nil, !isSymmetric { return discard(.asymmetricResponse) }
        transactions.remove(at: index)
        guard isSymmetric else {
            // RFC 8445 §7.2.5.2.1: the addresses of a response MUST be those of the request, mirrored, or the pair
            // fails.
            requestFailed(transaction)
            return discard(.asymmetricResponse)
        }
        guard message.unknownRequiredAttributes.isEmpty else {
            requestFailed(transaction)
            return discard(.unknownAttribute)
        }
        guard message.messageClass == .successResponse else {
            requestRefused(transaction, code: message.errorCode)
            return
        }
        guard let mapped = message.mappedAddress else {
            requestFailed(transaction)
            return discard(.missingAttribute)
        }
        switch transaction.purpose {
        case .check(let pair, _, let nominates):
            measured(transaction, at: now)
            checkSucceeded(pair: pair, nominates: nominates, mapped: mapped, transaction: transaction, at: now)
        case .consent:
            measured(transaction, at: now)
            if let stream = transaction.path.stream { streams[stream]?.isProven = true }
            consentGiven(roundTrip: transaction.roundTrip(at: now), at: now)
        case .gathering(let binding):
            gathered(mapped, binding: binding, at: now)
        }
    }

    private mutating func measured(_ transaction: STUNTransaction, at now: Instant) {
        statistics.responsesReceived += 1
        let roundTrip = transaction.roundTrip(at: now)
        count(on: transaction.path) { checks in
            checks.responsesReceived += 1
            checks.currentRoundTripTime = roundTrip ?? checks.currentRoundTripTime
            checks.totalRoundTripTime += roundTrip ?? .zero
        }
        guard let roundTrip else { return }
        statistics.totalRoundTripTime += roundTrip
        if selected?.runs(on: transaction.path) == true {
            statistics.currentRoundTripTime = roundTrip
        }
    }

    private mutating func requestRefused(_ transaction: STUNTransaction, code: UInt16?) {
        switch transaction.purpose {
        case .check(let pair, let role, let nominates) where code == 487:
            resolveConflict(askedAs: role)
            if nominates, session.nomination == .inProgress(pair: pair) { session.nomination = .open(until: nil) }
            // RFC 8445 §7.2.5.1: the pair is checked again, in the new role.
            if session.checkList[pair]?.isInProgress == true { session.checkList[pair]?.state = .waiting }
        case .consent(let role) where code == 487:
            resolveConflict(askedAs: role)
        case .gathering(let binding):
            if !session.gatherer.isRefresh(transaction.purpose) {
                reportFailure(ofBinding: binding, code: code ?? 701, reason: "the server refuses")
            }
            requestFailed(transaction)
        default:
            requestFailed(transaction)
        }
    }

    /// RFC 8445 §7.2.5.1: the role changes, unless it has already since the request was made, and "the agent MUST
    /// change the tie-breaker value".
    private mutating func resolveConflict(askedAs role: ICERole) {
        guard role == self.role else { return }
        statistics.roleConflicts += 1
        tieBreaker = random.next()
        changeRole()
    }

    private mutating func requestFailed(_ transaction: STUNTransaction) {
        switch transaction.purpose {
        case .check(let pair, _, let nominates):
            if !transaction.isCancelled { checkFailed(pair: pair, nominates: nominates) }
        case .consent:
            break
        case .gathering(let binding):
            session.gatherer.refused(binding)
        }
    }

    mutating func checkFailed(pair id: Int, nominates: Bool) {
        if nominates {
            // The nomination did not succeed, so another pair may be nominated (RFC 8445 §8.1.1).
            guard session.nomination == .inProgress(pair: id) else { return }
            session.nomination = .open(until: nil)
            // Where it is the only pair that was ever valid, all that is left is to try it anew.
            let isAlone = !session.checkList.pairs.contains { $0.id != id && $0.valid != nil }
            guard !isAlone || session.isPatienceOver else {
                session.checkList[id]?.state = .waiting
                return
            }
        } else if session.checkList[id]?.isInProgress != true {
            return
        }
        session.checkList[id]?.state = .failed
        // a connection on which nothing is answered is of no use
        session.checkList[id]?.stream = nil
    }

    /// RFC 8445 §7.2.5.3.
    private mutating func checkSucceeded(
        pair id: Int, nominates: Bool, mapped: SocketAddress, transaction: STUNTransaction, at now: Instant
    ) {
        guard var pair = session.checkList[id] else { return }
        let local = localCandidate(mapped, of: pair.base)
        let roundTrip = transaction.roundTrip(at: now)
        if let stream = pair.stream { streams[stream]?.isProven = true }
        pair.state = .succeeded(
            CheckPair.Valid(
                local: local, since: pair.valid?.since ?? now, roundTrip: roundTrip ?? pair.valid?.roundTrip,
                answeredAt: now))
        session.checkList[id] = pair
        cancelChecks(ofPair: id, at: now)
        session.checkList.unfreeze(pair.foundation)
        if nominates, role == .controlling, session.nomination == .inProgress(pair: id) {
            session.nomination = .concluded
            select(pair: id, at: now)
        } else {
            checkBetterPair(at: now)
        }
        considerSelecting(pair: id, at: now)
        followPeer(at: now)
    }

    /// RFC 8445 §7.2.5.3.1: an address that no candidate has is a peer-reflexive candidate, with the priority that the
    /// check's PRIORITY had. The peer knows it already. An active candidate's connections leave from any port of its
    /// address (RFC 6544 §4.5).
    private mutating func localCandidate(_ mapped: SocketAddress, of base: Base) -> ICECandidate {
        if let known = session.localCandidate(at: mapped, of: base) { return known }
        if base.transport == .activeTCP, mapped.ip == base.address.unscoped.ip,
            let host = session.localCandidate(of: base)
        {
            return host
        }
        let learned = candidate(.peerReflexive, at: mapped, of: base, server: nil)
        if session.localCandidates.count < ICEAgent.maximumLocalCandidates { session.localCandidates.append(learned) }
        return learned
    }
}
