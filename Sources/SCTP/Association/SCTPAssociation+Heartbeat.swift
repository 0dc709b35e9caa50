import Wire

/// When to see whether an idle path lives, and how long it takes (RFC 9260 §8.3).
struct Heartbeat: Sendable {
    var deadline: Instant?
    /// What the one that waits for its answer said, and when.
    var unanswered: (nonce: UInt64, sent: Instant)?
}

extension SCTPAssociation {
    /// The path was seen to live.
    mutating func restartHeartbeat(at now: Instant) {
        guard let interval = configuration.heartbeatInterval else { return }
        // "the RTO … plus HB.interval with jittering of ± 50 % of the RTO"
        let jitter = timeout.value * random.below(1024) / 1024
        heartbeat.deadline = now + interval + timeout.value / 2 + jitter
    }

    mutating func sendHeartbeat(at now: Instant) {
        if heartbeat.unanswered != nil { countError() }
        guard !hasEnded else { return }
        restartHeartbeat(at: now)
        guard state == .established, outstanding.isEmpty else {
            heartbeat.unanswered = nil
            return
        }
        let nonce = random.next()
        heartbeat.unanswered = (nonce, now)
        var information: [UInt8] = []
        information.append(uint64: nonce)
        control.append(.heartbeat(information[...]))
    }

    mutating func takeHeartbeat(_ information: ArraySlice<UInt8>) {
        // what would not fit a packet of ours came from nobody who follows the path's MTU
        guard remoteTag != 0, information.count <= configuration.maximumPacketSize / 2 else {
            return discard(.unexpected)
        }
        control.append(.heartbeatAcknowledgement(information))
    }

    mutating func takeHeartbeatAcknowledgement(_ information: ArraySlice<UInt8>, at now: Instant) {
        var reader = ByteReader(information)
        // the random number makes sure that it answers what was sent
        guard let unanswered = heartbeat.unanswered, (try? reader.uint64()) == unanswered.nonce else {
            return discard(.unexpected)
        }
        heartbeat.unanswered = nil
        errorCount = 0
        timeout.measured(now - unanswered.sent)
    }
}
