import Wire

/// Whether and when data is to be acknowledged (RFC 9260 §6.2).
struct PendingAcknowledgement: Sendable {
    /// To be sent with the next packet, for which it does not wait.
    var isDue = false
    /// When it is due; nil when there is nothing to acknowledge.
    var deadline: Instant?
    /// Packets of data since the last.
    var packets = 0
}

extension SCTPAssociation {
    /// What of the window is free.
    var freeWindow: Int { configuration.receiverWindow - reassembly.bufferedBytes - resets.heldBytes }

    mutating func take(_ data: DataChunk, at now: Instant) {
        // §6.2: in SHUTDOWN-RECEIVED and later the other side has said that nothing more comes
        guard state != .shutdownReceived, state != .shutdownAckSent else { return discard(.unexpected) }
        guard !data.payload.isEmpty else {
            // §6.2: "an endpoint MUST … ABORT … No User Data"
            var tsn: [UInt8] = []
            tsn.append(uint32: data.tsn)
            transmit([.abort([ErrorCause(.noUserData, tsn[...])], isReflected: false)], tag: remoteTag)
            return end(.failed(.protocolViolation("data without data")))
        }
        guard data.isInterleaved == isInterleaving else {
            // RFC 8260 §2.2.1: "MUST … ABORT … Protocol Violation"
            return fail(.protocolViolation("a kind of data that was not agreed on"))
        }
        let tsn = TSN(data.tsn, near: received.cumulative)
        if data.wantsImmediateAcknowledgement { acknowledgement.isDue = true }
        switch received.novelty(of: tsn) {
        case .duplicate:
            // §6.2: a duplicate is told at once, for an acknowledgement was lost
            received.noteDuplicate(tsn)
            acknowledgement.isDue = true
            return discard(.duplicate)
        case .tooFar:
            return discard(.window)
        case .new:
            break
        }
        let isNext = tsn == received.cumulative + 1
        guard freeWindow > 0 || isNext else {
            acknowledgement.isDue = true
            return discard(.window)
        }
        // What is next can complete a message, even if the window is used up; but not for ever.
        guard -freeWindow <= configuration.receiverWindow + configuration.maximumMessageSize else {
            return fail(.outOfResource)
        }
        if Int(data.stream.rawValue) >= inboundStreams {
            // §6.5: acknowledged, reported and dropped; 1 is "Invalid Stream Identifier"
            var information: [UInt8] = []
            information.append(uint16: data.stream.rawValue)
            information.append(uint16: 0)
            control.append(.error([ErrorCause(code: 1, information: information[...])]))
            discard(.unexpected)
        } else if resets.hold(data, tsn) {
            // delivered when the reset has been done
        } else {
            deliver(data, tsn)
        }
        guard !hasEnded else { return }
        received.insert(tsn)
        finishDeferredReset()
    }

    /// Gives a chunk to reassembly, and tells the messages that it completes.
    mutating func deliver(_ data: DataChunk, _ tsn: TSN) {
        var messages: [SCTPMessage] = []
        do throws(SCTPError) {
            try reassembly.insert(data, tsn: tsn, to: &messages)
        } catch {
            return fail(error)
        }
        for message in messages { emit(.message(message)) }
    }

    /// A packet with data was taken: whether to acknowledge it now or with the next (§6.2: "at least … every second
    /// packet", and at once while there are gaps).
    mutating func dataPacketTaken(at now: Instant) {
        guard !hasEnded else { return }
        acknowledgement.packets += 1
        if acknowledgement.packets >= 2 || received.hasGaps || state == .shutdownSent { acknowledgement.isDue = true }
        if acknowledgement.deadline == nil { acknowledgement.deadline = now + configuration.acknowledgementDelay }
        // §9.2: in SHUTDOWN-SENT each packet of data is answered with SHUTDOWN, too
        if state == .shutdownSent { sendShutdown(at: now) }
    }

    /// The acknowledgement to send now.
    mutating func takeAcknowledgementToSend() -> SCTPChunk {
        acknowledgement = PendingAcknowledgement()
        return .selectiveAcknowledgement(received.acknowledgement(receiverWindow: freeWindow))
    }

    /// FORWARD-TSN (RFC 3758 §3.6).
    mutating func take(_ forward: ForwardTSNChunk, at now: Instant) {
        guard extensions.contains(.forwardTSN), forward.isInterleaved == isInterleaving else {
            return discard(.unexpected)
        }
        // "the data receiver MUST … immediately send a SACK" when it is old; a new one is answered as data is.
        acknowledgement.isDue = true
        let tsn = TSN(forward.newCumulativeTSN, near: received.cumulative)
        guard tsn > received.cumulative else { return discard(.duplicate) }
        received.skip(to: tsn)
        var messages: [SCTPMessage] = []
        reassembly.skip(forward, to: tsn, &messages)
        for message in messages { emit(.message(message)) }
        finishDeferredReset()
    }
}
