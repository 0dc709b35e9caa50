import Wire

extension SCTPAssociation {
    mutating func take(_ bytes: [UInt8], at now: Instant) {
        let packet: SCTPPacket
        do throws(SCTPPacket.ParsingError) {
            packet = try SCTPPacket(parsing: bytes)
        } catch {
            return discard(error == .wrongChecksum ? .checksum : .malformed)
        }
        guard packet.sourcePort == configuration.remotePort, packet.destinationPort == configuration.localPort else {
            return discard(.notOurs)
        }
        statistics.packetsReceived += 1
        var hasData = false
        for (index, chunk) in packet.chunks.enumerated() {
            guard !hasEnded, take(chunk, index: index, of: packet, &hasData, at: now) else { break }
        }
        if hasData { dataPacketTaken(at: now) }
    }

    /// Takes a chunk; false when the rest of the packet is not to be looked at.
    private mutating func take(
        _ chunk: SCTPChunk, index: Int, of packet: SCTPPacket, _ hasData: inout Bool, at now: Instant
    ) -> Bool {
        let tag = packet.verificationTag
        switch chunk {
        case .initiation(let initiation):
            // RFC 9260 §8.5.1 A: a tag of 0; §6.10: "INIT … MUST NOT be bundled"
            guard packet.chunks.count == 1, tag == 0 else { return refuse(.notOurs) }
            take(initiation, at: now)
            return true
        case .cookieEcho(let cookie):
            // the tag is the cookie's, which may be of another association (§5.2.4)
            guard index == 0 else { return refuse(.unexpected) }
            return takeCookieEcho(cookie, tag: tag, at: now)
        case .abort(let causes, let isReflected):
            // §8.5.1 B
            guard isReflected ? tag == remoteTag && remoteTag != 0 : tag == localTag else { return refuse(.notOurs) }
            takeAbort(causes)
            return false
        case .shutdownComplete(let isReflected):
            // §8.5.1 C
            guard isReflected ? tag == remoteTag && remoteTag != 0 : tag == localTag else { return refuse(.notOurs) }
            takeShutdownComplete()
            return true
        default:
            guard tag == localTag else { return refuse(.notOurs) }
            return takeTagged(chunk, &hasData, at: now)
        }
    }

    /// A chunk whose verification tag is ours.
    private mutating func takeTagged(_ chunk: SCTPChunk, _ hasData: inout Bool, at now: Instant) -> Bool {
        switch chunk {
        case .initiationAcknowledgement(let initiation): takeAcknowledgement(initiation, at: now)
        case .cookieAcknowledgement: takeCookieAcknowledgement(at: now)
        case .shutdownAcknowledgement: takeShutdownAcknowledgement()
        case .error(let causes): takeError(causes, at: now)
        case .heartbeat(let information): takeHeartbeat(information)
        case .unrecognized(let type, let whole): return takeUnrecognized(type, whole)
        case .data, .selectiveAcknowledgement, .heartbeatAcknowledgement, .shutdown, .reconfiguration, .forwardTSN:
            guard isEstablishedOrEnding else { return refuse(.unexpected) }
            takeEstablished(chunk, &hasData, at: now)
        case .initiation, .cookieEcho, .abort, .shutdownComplete: break
        }
        return true
    }

    /// A chunk that only an association has that was established.
    private mutating func takeEstablished(_ chunk: SCTPChunk, _ hasData: inout Bool, at now: Instant) {
        switch chunk {
        case .data(let data):
            hasData = true
            take(data, at: now)
        case .selectiveAcknowledgement(let sack): take(sack, at: now)
        case .heartbeatAcknowledgement(let information): takeHeartbeatAcknowledgement(information, at: now)
        case .shutdown(let cumulativeTSN): takeShutdown(cumulativeTSN, at: now)
        case .reconfiguration(let parameters): take(parameters, at: now)
        case .forwardTSN(let forward): take(forward, at: now)
        default: break
        }
    }

    /// Counts a packet that is of no use; false, so that nothing more of it is looked at.
    private mutating func refuse(_ reason: DiscardReason) -> Bool {
        discard(reason)
        return false
    }

    private var isEstablishedOrEnding: Bool {
        switch state {
        case .established, .shutdownPending, .shutdownSent, .shutdownReceived, .shutdownAckSent: true
        case .closed, .cookieWait, .cookieEchoed: false
        }
    }

    /// RFC 9260 §3.2: the two highest bits of a type that is not known say whether to look at the rest of the packet,
    /// and whether to report it.
    private mutating func takeUnrecognized(_ type: UInt8, _ whole: ArraySlice<UInt8>) -> Bool {
        discard(.unknownChunk)
        if type & 0x40 != 0, remoteTag != 0 {
            control.append(.error([ErrorCause(.unrecognizedChunkType, whole.prefix(256))]))
        }
        return type & 0x80 != 0
    }

    private mutating func takeAbort(_ causes: [ErrorCause]) {
        let reason = causes.first.map { String(decoding: $0.information.prefix(128), as: UTF8.self) } ?? ""
        let isText =
            causes.first?.code == ErrorCause.Code.userInitiatedAbort.rawValue
            || causes.first?.code == ErrorCause.Code.protocolViolation.rawValue
        guard state != .closed else { return discard(.unexpected) }
        end(.failed(.aborted(cause: causes.first?.code, reason: isText ? reason : "")))
    }

    private mutating func takeError(_ causes: [ErrorCause], at now: Instant) {
        if state == .cookieEchoed, causes.contains(where: { $0.code == ErrorCause.Code.staleCookie.rawValue }) {
            // RFC 9260 §5.2.6 (1): from the beginning
            start(at: now)
        }
    }
}
