import Wire

/// T2-shutdown, and T5-shutdown-guard, which bounds it all (RFC 9260 §9.2).
struct ShutdownTimer: Sendable {
    var deadline: Instant?
    var guardDeadline: Instant?
}

extension SCTPAssociation {
    mutating func shutdown(at now: Instant) {
        switch state {
        case .closed, .cookieWait, .cookieEchoed:
            abort(.userInitiatedAbort, reason: "")
        case .established:
            state = .shutdownPending
            // "T5-shutdown-guard … RECOMMENDED … 5 times RTO.Max"
            shutdownTimer.guardDeadline = now + configuration.maximumRetransmissionTimeout * 5
        case .shutdownPending, .shutdownSent, .shutdownReceived, .shutdownAckSent:
            break
        }
    }

    /// Goes on with the shutdown once everything has been acknowledged.
    mutating func continueShutdown(at now: Instant) {
        guard outstanding.isEmpty, queue.isEmpty else { return }
        switch state {
        case .shutdownPending:
            state = .shutdownSent
            sendShutdown(at: now)
        case .shutdownReceived:
            state = .shutdownAckSent
            sendShutdownAcknowledgement(at: now)
        default:
            break
        }
    }

    mutating func sendShutdown(at now: Instant) {
        control.append(.shutdown(cumulativeTSN: received.cumulative.rawValue))
        shutdownTimer.deadline = now + timeout.value
    }

    private mutating func sendShutdownAcknowledgement(at now: Instant) {
        control.append(.shutdownAcknowledgement)
        shutdownTimer.deadline = now + timeout.value
    }

    mutating func shutdownTimePassed(at now: Instant) {
        guard !hasEnded else { return }
        if let deadline = shutdownTimer.guardDeadline, deadline <= now {
            return abort(.userInitiatedAbort, reason: "", as: .failed(.unresponsive))
        }
        guard let deadline = shutdownTimer.deadline, deadline <= now else { return }
        countError()
        guard !hasEnded else { return }
        timeout.backOff()
        if state == .shutdownSent { sendShutdown(at: now) } else { sendShutdownAcknowledgement(at: now) }
    }

    mutating func takeShutdown(_ cumulativeTSN: UInt32, at now: Instant) {
        // it acknowledges as a SACK without gaps does, but says nothing of the window
        let acknowledgement = SelectiveAcknowledgementChunk(
            cumulativeTSN: cumulativeTSN, receiverWindow: UInt32(clamping: remoteWindow), gaps: [], duplicates: [])
        take(acknowledgement, at: now)
        switch state {
        case .established, .shutdownPending:
            state = .shutdownReceived
            shutdownTimer.guardDeadline = now + configuration.maximumRetransmissionTimeout * 5
        case .shutdownSent:
            // both at once
            state = .shutdownAckSent
            sendShutdownAcknowledgement(at: now)
        case .shutdownAckSent:
            sendShutdownAcknowledgement(at: now)
        case .shutdownReceived, .closed, .cookieWait, .cookieEchoed:
            break
        }
    }

    mutating func takeShutdownAcknowledgement() {
        switch state {
        case .shutdownSent, .shutdownAckSent:
            transmit([.shutdownComplete(isReflected: false)], tag: remoteTag)
            end(.closed)
        case .closed, .cookieWait, .cookieEchoed:
            // §8.5.1 E, §8.4 5: an association from before; its end is told to who still waits for it
            transmit([.shutdownComplete(isReflected: true)], tag: localTag)
        case .established, .shutdownPending, .shutdownReceived:
            discard(.unexpected)
        }
    }

    mutating func takeShutdownComplete() {
        // §8.5.1 C: "MUST … only in the SHUTDOWN-ACK-SENT state"
        guard state == .shutdownAckSent else { return discard(.unexpected) }
        end(.closed)
    }
}
