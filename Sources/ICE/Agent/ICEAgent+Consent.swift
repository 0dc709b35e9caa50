import Wire

/// Consent freshness on the selected pair (RFC 7675), which keeps NAT bindings alive as well (RFC 8445 §11).
extension ICEAgent {
    var consentDeadline: Instant? {
        // Once it has passed, the silence is told and is no deadline any more.
        let isTold = connectionState != .connected && connectionState != .completed
        return consentTimes.map { isTold ? $0.due : earliest($0.due, $0.silence) ?? $0.due }
    }

    mutating func checkConsent(at now: Instant) {
        guard let current = selected else { return }
        if now >= current.consent.expiresAt {
            loseConsent()
        } else if now >= current.consent.nextCheckAt {
            // RFC 7675 §5.1: each consent check is a transaction of its own and is not retransmitted.
            selected?.consent.checkSent(at: now)
            statistics.consentRequestsSent += 1
            count(on: current.path) { $0.consentRequestsSent += 1 }
            begin(
                .consent(role: role),
                attributes: checkAttributes(
                    local: current.local.credentials, remote: current.remote.credentials,
                    priority: priority(of: current)),
                on: current.path, sendKey: current.remote.key,
                rto: configuration.initialRTO, maximumTransmissions: 1, at: now)
            followPeer(at: now)
        }
    }

    /// A NAT may give the peer another address in mid-call, at a restart or when a binding ends. The peer's own checks
    /// then come from there, and are answered by peer-reflexive pairs; once the selected pair gives no sign of life, such
    /// a pair of the same socket that does takes its place. Nothing is nominated: the peer's path is the one it was.
    mutating func followPeer(at now: Instant) {
        guard let current = selected, current.session == session.number, !session.isOver,
            current.consent.unansweredSince != nil
        else { return }
        let moved = session.checkList.pairs.filter { pair in
            pair.id != current.pairID && pair.remote.kind == .peerReflexive
                && pair.base.address == current.pair.localAddress
                && (pair.stream == nil) == (current.pair.stream == nil)
                && pair.valid.map { $0.answeredAt > current.consent.heardAt } == true
        }
        let latest = moved.max { ($0.valid?.answeredAt ?? now) < ($1.valid?.answeredAt ?? now) }
        if let latest { select(pair: latest.id, at: now) }
    }

    mutating func consentGiven(roundTrip: Duration?, at now: Instant) {
        let interval = Consent.interval(configuration, random: random)
        selected?.consent.checkAnswered(roundTrip: roundTrip, nextCheckAt: now + interval, at: now)
    }

    /// RFC 7675 §5.1: "the endpoint MUST cease transmission". What was found in this session ends; an ICE restart under
    /// way goes on.
    private mutating func loseConsent() {
        guard let lost = selected else { return }
        selected = nil
        transactions.removeAll(where: \.isConsentCheck)
        statistics.currentRoundTripTime = nil
        guard lost.session == session.number else { return }
        session.isOver = true
        transactions = []
    }

    private func priority(of path: SelectedPath) -> UInt32 {
        let base = bases.first {
            $0.address == path.pair.localAddress && $0.transport.isTCP == (path.pair.stream != nil)
        }
        return base?.checkPriority ?? path.pair.local.priority
    }
}
