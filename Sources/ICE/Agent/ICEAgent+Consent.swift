import Wire

/// Consent freshness on the selected pair (RFC 7675), which keeps NAT bindings alive as well (RFC 8445 §11).
extension ICEAgent {
    var consentDeadline: Instant? {
        guard let selected else { return nil }
        let consent = selected.consent
        // Once it has passed, the silence is told and is no deadline any more.
        let isTold = connectionState != .connected && connectionState != .completed
        let silence = isTold ? nil : consent.disconnectsAt
        return earliest(consent.nextCheckAt, consent.expiresAt, silence)
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
        }
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
