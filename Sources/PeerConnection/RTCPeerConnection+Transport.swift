import DTLS
import ICE
import RTP
import SRTP
import Wire

extension RTCPeerConnection {
    /// DTLS datagrams kept until the transport's role is known: a whole flight of a ClientHello.
    private static let earlyDTLSLimit = 8

    /// RFC 7983 §7: the first byte tells the protocols on one transport apart.
    ///
    /// ```
    ///            +----------------+
    ///            |        [0..3] -+--> STUN
    ///            |      [20..63] -+--> DTLS
    ///            |    [128..191] -+--> RTP and RTCP, told apart by RFC 5761 §4
    ///            +----------------+
    /// ```
    mutating func receive(_ bytes: [UInt8], local: SocketAddress, remote: SocketAddress, at now: Instant) {
        switch bytes.first {
        case .some(0...3):
            ice.handle(.datagram(bytes, local: local, remote: remote), at: now)
        case .some(20...63):
            // DTLS answers anybody, and a stranger's ClientHello would be taken for the peer's: only where authentic
            // checks have come from, or where our own go, is the peer
            if ice.knows(remote, from: local) { receiveDTLS(bytes, at: now) } else { discard(.unknownSource) }
        case .some(128...191):
            if receiveMedia(bytes, at: now) { ice.handle(.received(local: local, remote: remote), at: now) }
        default:
            discard(.unknownProtocol)
        }
    }

    mutating func receiveDTLS(_ bytes: [UInt8], at now: Instant) {
        if let dtls {
            dtls.handle(.datagram(bytes), at: now)
        } else if earlyDTLS.count < Self.earlyDTLSLimit {
            earlyDTLS.append(bytes)
        } else {
            discard(.earlyDTLS)
        }
    }

    /// Makes the DTLS transport once its role is known, and gives it what came early.
    mutating func startDTLS(role: DTLSTransport.Role, fingerprints: [DTLSFingerprint], at now: Instant) {
        if dtls == nil {
            dtls = DTLSTransport(role: role, certificate: configuration.certificate)
            if hasSelectedPair { dtls?.handle(.start, at: now) }
            let early = earlyDTLS
            earlyDTLS = []
            for bytes in early { dtls?.handle(.datagram(bytes), at: now) }
        }
        dtls?.handle(.remoteFingerprints(fingerprints), at: now)
    }

    /// Takes everything that ICE and DTLS want done, and follows their states.
    mutating func drainTransport(at now: Instant) {
        var isBusy = true
        while isBusy {
            isBusy = false
            while let output = ice.nextOutput() {
                isBusy = true
                switch output {
                case .transmit(let bytes, let local, let remote): outbox.append(bytes, from: local, to: remote)
                case .write(let bytes, let stream, let local, let remote):
                    outbox.append(bytes, from: local, to: remote, on: stream)
                case .frame(let frame, let stream, _, _): receive(frame, on: stream, at: now)
                case .event(let event): handle(event, at: now)
                }
            }
            while let output = dtls?.nextOutput() {
                isBusy = true
                switch output {
                case .transmit(let bytes):
                    // no pair yet: a flight is repeated by its timer
                    if let pair = ice.selectedPair { outbox.append(by: pair) { $0 += bytes } }
                case .event(let event): handle(event, at: now)
                }
            }
        }
        updateConnectionState(at: now)
    }

    private mutating func handle(_ event: ICEAgent.Event, at now: Instant) {
        switch event {
        case .candidateGathered(let candidate):
            emit(candidate)
        case .gatheringStateChanged(let state):
            if state == .complete { emit(nil) }
            events.append(.iceGatheringStateChanged(state))
        case .connectionStateChanged(let state):
            if state == .failed { failureReason = .ice }
            events.append(.iceConnectionStateChanged(state))
        case .selectedPairChanged:
            dtls?.roundTripTime = ice.statistics.currentRoundTripTime
            if !hasSelectedPair {
                hasSelectedPair = true
                milestones.paired = now
                dtls?.handle(.start, at: now)
            }
        case .streamWanted(let stream, let local, let remote):
            events.append(.streamWanted(stream, from: local, to: remote, tls: nil))
        case .streamUnwanted(let stream):
            events.append(.streamUnwanted(stream))
        case .nameWanted(let name):
            events.append(.nameWanted(name))
        case .roleChanged:
            break
        }
    }

    private mutating func handle(_ event: DTLSTransport.Event, at now: Instant) {
        switch event {
        case .connected(let keys):
            profile = keys.profile
            milestones.keyed = now
            srtpSender = SRTPSender(profile: keys.profile, masterKey: keys.local)
            srtpReceiver = SRTPReceiver(profile: keys.profile, masterKey: keys.remote)
        case .applicationData:
            break  // no data channel was negotiated
        case .closed:
            close(at: now)  // RFC 8827 §6.5, W3C §4.4.1.6: a close alert ends the connection
        case .failed(let error):
            failureReason = .dtls(error)
        }
    }

    /// W3C §4.3.3, RTCPeerConnectionState: the first of these that holds.
    private mutating func updateConnectionState(at now: Instant) {
        guard connectionState != .closed else { return }
        let dtlsState = dtls?.state ?? .new
        let state: RTCPeerConnectionState =
            switch (ice.connectionState, dtlsState) {
            case (.failed, _), (_, .failed): .failed
            case (.disconnected, _): .disconnected
            case (.new, .new), (.closed, _): .new
            case (.connected, .connected), (.completed, .connected): .connected
            default: .connecting
            }
        guard state != connectionState else { return }
        connectionState = state
        if state == .connected {
            failureReason = nil
            media.start(at: now)
        }
        events.append(.connectionStateChanged(state))
    }
}
