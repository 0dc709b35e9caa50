import Wire

/// Connectivity checks and nomination (RFC 8445 §7.2.4, §8.1).
extension ICEAgent {
    /// How long a peer that nominates one pair again and again must have left it out before a pair of lower priority
    /// that it nominates takes its place.
    private static let nominationMemory: Duration = .seconds(3)
    /// The least retransmission time of a nomination, whose path was measured (RFC 8489 §6.2.1, RFC 6298).
    private static let leastNominationRTO: Duration = .milliseconds(100)
    /// The path of a nomination has shown that it leads to the peer, so that silence means loss and no path: waiting ever
    /// longer would only delay the call (RFC 8489 §6.2.1's doubling is a SHOULD, for paths of which nothing is known).
    private static let longestNominationWait: Duration = .seconds(1)
    private static let nominationTransmissions = 10

    /// Whether an ordinary check can be made as soon as Ta allows.
    var hasOrdinaryCheck: Bool {
        session.remote != nil && !isConcluded && session.checkList.hasNext
    }

    mutating func sendOrdinaryCheck(at now: Instant) {
        guard now >= checkPacedAt, session.remote != nil, !isConcluded, let pair = session.checkList.next(as: role)
        else {
            return
        }
        checkPacedAt = now + configuration.pacingInterval
        check(pair, at: now)
    }

    /// A triggered check (RFC 8445 §7.3.1.4): a pair whose outcome is open, or was failure, is checked at once. What
    /// was on its way is not sent again, but may still be answered.
    mutating func trigger(pair id: Int, at now: Instant) {
        guard let pair = session.checkList[id], session.remote != nil else { return }
        switch pair.state {
        case .succeeded:
            return
        case .inProgress(let since) where now - since < configuration.pacingInterval / 5:
            // Its check has only just left, and may be the one that the peer's crossed; an eager peer must not make
            // this side as eager.
            return
        case .inProgress where pair.stream.map { streams[$0]?.isOpening == true } == true:
            return
        case .frozen, .waiting, .inProgress, .failed:
            cancelChecks(ofPair: id, at: now)
            check(pair, at: now)
        }
    }

    private mutating func check(_ pair: CheckPair, at now: Instant) {
        var pair = pair
        if pair.base.transport.isTCP, pair.stream == nil {
            // RFC 6544 §7.1: a check along an active candidate begins with its connection; along a passive one it waits
            // for the peer's.
            guard pair.base.transport == .activeTCP else {
                session.checkList[pair.id]?.state = .failed
                return
            }
            pair.stream = openStream(from: pair.base, to: pair.destination, at: now)
            session.checkList[pair.id]?.stream = pair.stream
        }
        // RFC 8445 §14.3: RTO = MAX (500 ms, Ta × (pairs waiting + pairs in progress)).
        let rto = max(
            configuration.initialRTO, configuration.pacingInterval * session.checkList.waitingOrInProgress)
        session.checkList[pair.id]?.state = .inProgress(since: now)
        request(.check(pair: pair.id, role: role, nominates: false), pair: pair, rto: rto, at: now)
    }

    private mutating func request(
        _ purpose: STUNTransaction.Purpose, pair: CheckPair, rto: Duration, at now: Instant
    ) {
        guard let remote = session.remote else { return }
        var attributes = checkAttributes(
            local: credentials, remote: remote.credentials, priority: pair.base.checkPriority)
        let nominates = if case .check(_, _, nominates: true) = purpose { true } else { false }
        if nominates { attributes.append(.useCandidate) }
        statistics.requestsSent += 1
        count(on: pair.path) { $0.requestsSent += 1 }
        begin(
            purpose, attributes: attributes, on: pair.path, sendKey: remote.key, rto: rto,
            maximumTransmissions: nominates
                ? max(Self.nominationTransmissions, configuration.maximumTransmissions)
                : configuration.maximumTransmissions,
            longestWait: nominates ? Self.longestNominationWait : nil, at: now)
    }

    /// RFC 8445 §7.1 and §7.2.2.
    func checkAttributes(local: ICECredentials, remote: ICECredentials, priority: UInt32) -> [STUNAttribute] {
        [
            .username("\(remote.usernameFragment):\(local.usernameFragment)"), .priority(priority),
            role == .controlling ? .iceControlling(tieBreaker) : .iceControlled(tieBreaker),
        ]
    }

    /// Regular nomination (RFC 8445 §8.1.1): the best valid pair, as soon as no better one is likely to become valid.
    /// Checks leave in order of priority, so a better pair that is still unanswered is probably never going to be.
    mutating func considerNomination(at now: Instant) {
        guard role == .controlling, !session.isOver, case .open = session.nomination else { return }
        session.nomination = .open(until: nil)
        guard let best = session.checkList.bestValid(as: role) else { return }
        let isBetterOpen = session.checkList.pairs.contains {
            $0.isActive && $0.priority(as: role) > best.priority
        }
        let until = best.valid.since + patience(for: best.pair, valid: best.valid)
        if isBetterOpen, now < until {
            session.nomination = .open(until: until)
            return
        }
        session.nomination = .inProgress(pair: best.pair.id)
        let rto = best.valid.roundTrip.map { max($0 * 3, ICEAgent.leastNominationRTO) } ?? configuration.initialRTO
        request(.check(pair: best.pair.id, role: role, nominates: true), pair: best.pair, rto: rto, at: now)
    }

    /// A success of the controlling side sends the check of a better pair off at once, instead of after Ta: the
    /// response that came makes room for it, and the nomination waits.
    mutating func checkBetterPair(at now: Instant) {
        guard role == .controlling, case .open = session.nomination, let best = session.checkList.bestValid(as: role),
            let better = session.checkList.next(as: role), better.priority(as: role) > best.priority
        else { return }
        check(better, at: now)
    }

    private func patience(for pair: CheckPair, valid: CheckPair.Valid) -> Duration {
        if pair.stream != nil { return configuration.streamNominationPatience }
        let isDirect = valid.local.kind == .host && (pair.remote.kind == .host || pair.remote.kind == .peerReflexive)
        let least = isDirect ? configuration.hostNominationPatience : configuration.reflexiveNominationPatience
        return max(least, min((valid.roundTrip ?? .zero) * 2, configuration.reflexiveNominationPatience))
    }

    /// The controlled side takes a nominated pair as soon as it is valid (RFC 8445 §7.3.1.5).
    ///
    /// Peers nominate in three ways, and each must end on the pair that the peer uses: once (RFC 8445); every pair,
    /// meaning the best (RFC 5245's aggressive nomination); or, as libwebrtc, the pair in use again and again, until it
    /// is another.
    mutating func considerSelecting(pair id: Int, at now: Instant) {
        guard role == .controlled, !session.isOver, let pair = session.checkList[id],
            let nominatedAt = pair.nominatedAt,
            let priority = pair.validPriority(as: role)
        else { return }
        guard let current = selected, current.session == session.number else { return select(pair: id, at: now) }
        if current.pairID == id {
            selected?.nominatedAt = nominatedAt
            return
        }
        let isBetter =
            ICECandidatePair.priority(
                local: current.pair.local.priority, remote: current.pair.remote.priority, role: role) < priority
        let isLeft = nominatedAt - current.nominatedAt > ICEAgent.nominationMemory
        if isBetter || isLeft || current.consent.isDisconnected(at: now) { select(pair: id, at: now) }
    }

    mutating func select(pair id: Int, at now: Instant) {
        guard let pair = session.checkList[id], let valid = pair.valid, let candidates = pair.candidatePair,
            let remote = session.remote
        else { return }
        // A pair that was valid for a while is asked for consent at once.
        let isFresh = now - valid.answeredAt < configuration.pacingInterval
        let interval = Consent.interval(configuration, random: random)
        selected = SelectedPath(
            session: session.number, pairID: id, local: session.local, remote: remote, pair: candidates,
            nominatedAt: pair.nominatedAt ?? now,
            consent: Consent(
                grantedAt: max(valid.answeredAt, pair.nominatedAt ?? valid.answeredAt), roundTrip: valid.roundTrip,
                nextCheckAt: isFresh ? now + interval : now, configuration: configuration, at: now))
        let gatherer = session.gatherer
        transactions.removeAll { $0.isConsentCheck || gatherer.isRefresh($0.purpose) }
        statistics.selectedCandidatePairChanges += 1
        statistics.currentRoundTripTime = valid.roundTrip
        emit(.selectedPairChanged(candidates))
        stopChecks(below: pair)
    }

    /// RFC 8445 §8.1.2: once a pair is nominated the others are no longer checked. On the controlled side those of
    /// higher priority go on, for the peer may yet nominate one of them.
    private mutating func stopChecks(below selected: CheckPair) {
        let role = role
        let removed = session.checkList.removeAll {
            $0.isActive && (role == .controlling || $0.priority(as: role) < selected.priority(as: role))
        }
        forgetChecks(ofPairs: removed)
    }
}
