import Wire

extension SCTPAssociation {
    /// Whether data may leave (RFC 9260 §6).
    private var maySendData: Bool {
        switch state {
        case .established, .shutdownPending, .shutdownReceived: true
        case .closed, .cookieWait, .cookieEchoed, .shutdownSent, .shutdownAckSent: false
        }
    }

    private var canAbandon: Bool { extensions.contains(.forwardTSN) }

    /// The largest payload of a fragment: chunks are padded to multiples of four.
    private var maximumFragment: Int {
        let room = configuration.maximumPacketSize - SCTPPacket.headerSize
        return (room - DataChunk.headerSize(isInterleaved: isInterleaving)) & ~3
    }

    /// Sends what can be sent now.
    mutating func flush(at now: Instant) {
        guard !hasEnded else { return }
        var packet = OutgoingPacket(self)
        for chunk in control { add(chunk, to: &packet) }
        control = []
        if acknowledgement.isDue { add(takeAcknowledgementToSend(), to: &packet) }
        if maySendData {
            abandonLost(at: now)
            sendData(&packet, at: now)
            addForwardTSN(to: &packet, at: now)
            addResetRequest(to: &packet, at: now)
        }
        continueShutdown(at: now)
        for chunk in control { add(chunk, to: &packet) }
        control = []
        finish(&packet)
    }

    // MARK: Packets

    /// A packet that is being filled.
    struct OutgoingPacket {
        fileprivate var bytes: [UInt8] = []
        fileprivate let maximum: Int

        fileprivate init(_ association: SCTPAssociation) {
            maximum = association.configuration.maximumPacketSize
        }
    }

    mutating func add(_ chunk: SCTPChunk, to packet: inout OutgoingPacket) {
        let size = chunk.size
        if !packet.bytes.isEmpty, packet.bytes.count + size > packet.maximum { finish(&packet) }
        if packet.bytes.isEmpty {
            packet.bytes = SCTPPacket.header(
                from: configuration.localPort, to: configuration.remotePort, verificationTag: remoteTag)
        }
        chunk.write(to: &packet.bytes)
    }

    private mutating func finish(_ packet: inout OutgoingPacket) {
        guard !packet.bytes.isEmpty else { return }
        SCTPPacket.seal(&packet.bytes)
        transmit(packet.bytes)
        packet.bytes = []
    }

    // MARK: Data

    /// Sends what was lost, then what is new, as far as the windows reach (§6.1).
    private mutating func sendData(_ packet: inout OutgoingPacket, at now: Instant) {
        if outstanding.bytesInFlight == 0 { congestion.resumed(after: timeout.value, at: now) }
        let limit = congestion.limit(inFlight: outstanding.bytesInFlight)
        var shrunk: Set<SCTPStreamIdentifier> = []
        var hasSent = false
        while outstanding.bytesInFlight < limit {
            let chunk: DataChunk
            if let lost = outstanding.nextLost(maximum: .max, at: now) {
                statistics.retransmittedChunks += 1
                chunk = lost
            } else {
                // §6.1 A: nothing beyond the other side's window, but one chunk in flight that finds out when it opens
                let free = remoteWindow - outstanding.bytesInFlight
                guard outstanding.bytesInFlight == 0 || free >= maximumFragment else { break }
                guard let fragment = nextFragment(&shrunk, at: now) else { break }
                chunk = outstanding.send(fragment, at: now)
                shrunk.insert(chunk.stream)
            }
            // an acknowledgement travels with data
            if acknowledgement.deadline != nil { add(takeAcknowledgementToSend(), to: &packet) }
            add(.data(chunk), to: &packet)
            hasSent = true
        }
        if hasSent {
            congestion.sent(at: now)
            startRetransmissionTimer(at: now)
        }
        for stream in shrunk.sorted() { emit(.bufferedAmountDecreased(stream)) }
    }

    private mutating func nextFragment(
        _ shrunk: inout Set<SCTPStreamIdentifier>, at now: Instant
    ) -> SendQueue.Fragment? {
        var given: [(SCTPStreamIdentifier, SendQueue.MessageContext, SendQueue.Fragment?)] = []
        let fragment = queue.next(
            maximum: maximumFragment, isInterleaved: isInterleaving, canAbandon: canAbandon, at: now
        ) { given.append(($0, $1, $2)) }
        for (stream, context, end) in given {
            outstanding.abandon(context, end: end, at: now)
            shrunk.insert(stream)
            if end != nil { startRetransmissionTimer(at: now) }
        }
        statistics.messagesAbandoned = outstanding.abandonedMessages
        return fragment
    }

    /// Gives up what has used up its retransmissions or its time (RFC 7496).
    private mutating func abandonLost(at now: Instant) {
        guard canAbandon, outstanding.hasLost else { return }
        var queue = queue
        self.queue = SendQueue()
        var shrunk: Set<SCTPStreamIdentifier> = []
        let isInterleaved = isInterleaving
        outstanding.abandonLost(at: now) { context, stream in
            let end = queue.abandon(context.number, of: stream, isInterleaved: isInterleaved)
            if end != nil { shrunk.insert(stream) }
            return end
        }
        self.queue = queue
        statistics.messagesAbandoned = outstanding.abandonedMessages
        for stream in shrunk.sorted() { emit(.bufferedAmountDecreased(stream)) }
    }

    /// Tells the other side what to skip (RFC 3758 §3.5 C3…C5): once when that changes, and once each round trip while
    /// it has not.
    private mutating func addForwardTSN(to packet: inout OutgoingPacket, at now: Instant) {
        guard let forward = outstanding.forwardTSN(isInterleaved: isInterleaving, maximum: 100) else { return }
        let patience = timeout.smoothedRoundTripTime ?? timeout.value
        if let last = lastForward, last.tsn == forward.newCumulativeTSN, now - last.at < patience { return }
        lastForward = (forward.newCumulativeTSN, now)
        startRetransmissionTimer(at: now)
        add(.forwardTSN(forward), to: &packet)
    }

    // MARK: Acknowledgements

    mutating func take(_ sack: SelectiveAcknowledgementChunk, at now: Instant) {
        let flight = outstanding.bytesInFlight
        guard let outcome = outstanding.handle(sack, isRecovering: congestion.isRecovering, at: now) else {
            return discard(.acknowledgement)
        }
        remoteWindow = Int(sack.receiverWindow)
        if let roundTripTime = outcome.roundTripTime { timeout.measured(roundTripTime) }
        congestion.acknowledged(outcome, cumulative: outstanding.cumulativeTSN, flight: flight)
        if outcome.hasFoundLoss { congestion.lossFound(lastSent: outstanding.nextTSN - 1) }
        if outcome.acknowledgedBytes > 0 || outcome.hasAdvanced {
            errorCount = 0
            restartHeartbeat(at: now)
        }
        // §6.3.2 R2, R3
        if outstanding.isEmpty {
            retransmissionDeadline = nil
            congestion.drained()
        } else if outcome.hasAdvanced {
            retransmissionDeadline = now + timeout.value
        }
    }

    private mutating func startRetransmissionTimer(at now: Instant) {
        if retransmissionDeadline == nil { retransmissionDeadline = now + timeout.value }
    }

    /// T3-rtx ran out (§6.3.3).
    mutating func retransmissionTimedOut(at now: Instant) {
        statistics.timeouts += 1
        countError()
        guard !hasEnded else { return }
        if outstanding.bytesInFlight > 0 { congestion.timedOut() }
        timeout.backOff()
        outstanding.loseAll()
        lastForward = nil
        retransmissionDeadline = now + timeout.value
    }
}
