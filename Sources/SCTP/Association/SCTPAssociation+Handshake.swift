import Wire

/// The chunk that waits for its answer while an association begins (RFC 9260 §5.1), and T1.
struct Handshake: Sendable {
    var chunk: SCTPChunk?
    var interval: Duration = .zero
    var deadline: Instant?
}

extension SCTPAssociation {
    private var ownExtensions: SCTPExtensions {
        var extensions: SCTPExtensions = .reconfiguration
        if configuration.offersPartialReliability { extensions.insert(.forwardTSN) }
        if configuration.offersInterleaving { extensions.insert(.interleaving) }
        return extensions
    }

    mutating func start(at now: Instant) {
        guard state == .closed || state == .cookieEchoed else { return }
        state = .cookieWait
        let initiation = InitiationChunk(
            initiateTag: localTag, receiverWindow: UInt32(clamping: configuration.receiverWindow),
            outboundStreams: configuration.maximumStreams, inboundStreams: configuration.maximumStreams,
            initialTSN: localInitialTSN, extensions: ownExtensions)
        beginHandshake(with: .initiation(initiation), at: now)
    }

    /// Sends a chunk and repeats it until it is answered.
    private mutating func beginHandshake(with chunk: SCTPChunk, at now: Instant) {
        let interval = configuration.initialRetransmissionTimeout
        handshake = Handshake(chunk: chunk, interval: interval, deadline: now + interval)
        sendHandshake()
    }

    private mutating func sendHandshake() {
        guard let chunk = handshake.chunk else { return }
        // An INIT's tag is 0, for there is none yet (§8.5.1 A).
        transmit([chunk], tag: state == .cookieWait ? 0 : remoteTag)
    }

    /// T1 ran out (§5.1.6).
    mutating func repeatHandshake(at now: Instant) {
        countError()
        guard !hasEnded else { return }
        handshake.interval = min(handshake.interval * 2, configuration.maximumRetransmissionTimeout)
        handshake.deadline = now + handshake.interval
        sendHandshake()
    }

    /// INIT: answered out of what it says, so that nothing is kept for who never comes back (§5.1 B, §5.2.1, §5.2.2).
    mutating func take(_ initiation: InitiationChunk, at now: Instant) {
        guard initiation.initiateTag != 0 else { return discard(.malformed) }
        guard initiation.outboundStreams > 0, initiation.inboundStreams > 0 else {
            // §5.1: "the receiver MUST … ABORT"
            let cause = ErrorCause(.invalidMandatoryParameter)
            return transmit([.abort([cause], isReflected: false)], tag: initiation.initiateTag)
        }
        guard state != .shutdownAckSent else {
            // §9.2: "it SHOULD discard the INIT chunk and retransmit the SHUTDOWN ACK chunk"
            return control.append(.shutdownAcknowledgement)
        }
        var (tag, initialTSN) = (localTag, localInitialTSN)
        var tieTags: StateCookie.TieTags?
        if state != .closed, state != .cookieWait, state != .cookieEchoed {
            // §5.2.2: the association goes on until the cookie proves that the other side began anew
            (tag, initialTSN) = (Self.tag(random), random.uint32())
            tieTags = StateCookie.TieTags(local: localTag, remote: remoteTag)
        }
        let cookie = StateCookie(
            localTag: tag, remoteTag: initiation.initiateTag, localInitialTSN: initialTSN,
            remoteInitialTSN: initiation.initialTSN, remoteWindow: initiation.receiverWindow,
            outboundStreams: min(configuration.maximumStreams, initiation.inboundStreams),
            inboundStreams: min(configuration.maximumStreams, initiation.outboundStreams),
            extensions: ownExtensions.intersection(initiation.extensions), tieTags: tieTags, created: now)
        let answer = InitiationChunk(
            initiateTag: tag, receiverWindow: UInt32(clamping: configuration.receiverWindow),
            outboundStreams: configuration.maximumStreams, inboundStreams: configuration.maximumStreams,
            initialTSN: initialTSN, extensions: ownExtensions, cookie: ArraySlice(cookie.sealed(with: cookieKey)),
            unrecognized: initiation.unrecognized.filter { $0.count <= 256 }.prefix(2).map(\.self))
        transmit([.initiationAcknowledgement(answer)], tag: initiation.initiateTag)
    }

    /// INIT ACK (§5.1 C).
    mutating func takeAcknowledgement(_ initiation: InitiationChunk, at now: Instant) {
        // §5.2.3: "In any state other than the COOKIE-WAIT state, … discard"
        guard state == .cookieWait else { return discard(.unexpected) }
        guard initiation.initiateTag != 0, initiation.outboundStreams > 0, initiation.inboundStreams > 0,
            let cookie = initiation.cookie, cookie.count <= configuration.maximumPacketSize - 64
        else { return discard(.malformed) }
        agree(
            remoteTag: initiation.initiateTag, initialTSN: initiation.initialTSN, window: initiation.receiverWindow,
            outbound: min(configuration.maximumStreams, initiation.inboundStreams),
            inbound: min(configuration.maximumStreams, initiation.outboundStreams),
            ownExtensions.intersection(initiation.extensions))
        state = .cookieEchoed
        beginHandshake(with: .cookieEcho(cookie), at: now)
    }

    /// Takes over what both sides have said of themselves.
    private mutating func agree(
        remoteTag: UInt32, initialTSN: UInt32, window: UInt32, outbound: UInt16, inbound: UInt16,
        _ extensions: SCTPExtensions
    ) {
        self.remoteTag = remoteTag
        self.extensions = extensions
        outboundStreams = Int(outbound)
        inboundStreams = Int(inbound)
        remoteWindow = Int(window)
        received = ReceivedTSNs(initial: TSN(initial: initialTSN))
        reassembly = Reassembly(
            isInterleaved: isInterleaving, maximumMessageSize: configuration.maximumMessageSize)
        congestion = CongestionWindow(segment: configuration.maximumPacketSize, receiverWindow: remoteWindow)
        // RFC 6525 §5.1.1: request numbers begin with the initial TSNs
        resets.begin(local: localInitialTSN, remote: initialTSN)
    }

    /// COOKIE ECHO (§5.1 D, §5.2.4); false when the rest of the packet is not to be looked at.
    mutating func takeCookieEcho(_ bytes: ArraySlice<UInt8>, tag: UInt32, at now: Instant) -> Bool {
        guard let cookie = StateCookie(opening: bytes, with: cookieKey), cookie.localTag == tag else {
            discard(.cookie)
            return false
        }
        let isSame = cookie.localTag == localTag && cookie.remoteTag == remoteTag
        guard isSame || now - cookie.created <= configuration.cookieLifetime else {
            discard(.cookie)
            var staleness: [UInt8] = []
            let age = (now - cookie.created - configuration.cookieLifetime).nanoseconds / 1000
            staleness.append(uint32: UInt32(clamping: age))
            transmit([.error([ErrorCause(.staleCookie, staleness[...])])], tag: cookie.remoteTag)
            return false
        }
        switch state {
        case .closed, .cookieWait:
            // first, and §5.2.4 B of a side that has begun, too
            guard cookie.localTag == localTag else { break }
            agree(cookie)
            establish(at: now)
            return true
        case .cookieEchoed:
            guard cookie.localTag == localTag else { break }
            // §5.2.4 B: the other side began anew meanwhile; D: both began at once
            if !isSame { agree(cookie) }
            establish(at: now)
            return true
        case .established, .shutdownPending, .shutdownSent, .shutdownReceived, .shutdownAckSent:
            // §5.2.4 D: our COOKIE ACK was lost
            if isSame {
                control.append(.cookieAcknowledgement)
                return true
            }
            let tags = StateCookie.TieTags(local: localTag, remote: remoteTag)
            guard cookie.tieTags == tags, cookie.localTag != localTag, cookie.remoteTag != remoteTag else { break }
            return restart(cookie, at: now)
        }
        discard(.cookie)
        return false
    }

    private mutating func agree(_ cookie: StateCookie) {
        agree(
            remoteTag: cookie.remoteTag, initialTSN: cookie.remoteInitialTSN, window: cookie.remoteWindow,
            outbound: cookie.outboundStreams, inbound: cookie.inboundStreams, cookie.extensions)
    }

    private mutating func establish(at now: Instant) {
        control.append(.cookieAcknowledgement)
        enterEstablished(at: now)
    }

    private mutating func enterEstablished(at now: Instant) {
        handshake = Handshake()
        errorCount = 0
        state = .established
        restartHeartbeat(at: now)
        emit(.established(outboundStreams: outboundStreams))
    }

    /// The other side lost the association and began anew (§5.2.4.1, action A).
    private mutating func restart(_ cookie: StateCookie, at now: Instant) -> Bool {
        guard state != .shutdownAckSent else {
            // "it MUST NOT set up a new association but instead resend the SHUTDOWN ACK chunk and send an ERROR"
            control += [.shutdownAcknowledgement, .error([ErrorCause(.cookieReceivedWhileShuttingDown)])]
            return false
        }
        localTag = cookie.localTag
        localInitialTSN = cookie.localInitialTSN
        outstanding = OutstandingQueue(initial: TSN(initial: localInitialTSN))
        timeout = RetransmissionTimeout(configuration)
        queue.removeAll()
        resets = StreamResets()
        shutdownTimer = ShutdownTimer()
        acknowledgement = PendingAcknowledgement()
        retransmissionDeadline = nil
        lastForward = nil
        errorCount = 0
        agree(cookie)
        state = .established
        control = [.cookieAcknowledgement]
        restartHeartbeat(at: now)
        emit(.restarted)
        return true
    }

    /// COOKIE ACK (§5.1 E).
    mutating func takeCookieAcknowledgement(at now: Instant) {
        // §5.2.5: "At any state other than COOKIE-ECHOED, an endpoint SHOULD silently discard"
        guard state == .cookieEchoed else { return }
        enterEstablished(at: now)
    }
}
