import DTLS
import ICE
import RTP
import SDP
import SRTP
import Wire

/// The transports: made, told apart, drained, and closed when nothing goes by them any more.
extension RTCPeerConnection {
    /// The transport `id`; nil where there is none (any more).
    func transport(_ id: PeerTransport.ID) -> PeerTransport? {
        transports.first { $0.id == id }
    }

    /// Where the transport `id` is among `transports`.
    func index(of id: PeerTransport.ID?) -> Int? {
        guard let id else { return nil }
        return transports.firstIndex { $0.id == id }
    }

    // MARK: Life

    /// Makes the transports that `plan` adds, and restarts those that it gives new credentials.
    mutating func realize(_ plan: TransportPlan, at now: Instant) {
        for id in plan.transports {
            let index = index(of: id)
            if let index { transports[index].leavePool() }
            guard let credentials = plan.credentials[id] else { continue }
            if let index {
                restart(index, with: credentials, at: now)
            } else {
                makeTransport(id, credentials: credentials, at: now)
            }
        }
    }

    mutating func makeTransport(
        _ id: PeerTransport.ID, credentials: ICECredentials, isPooled: Bool = false, at now: Instant
    ) {
        var transport = PeerTransport(
            id: id, role: iceRole ?? .controlling, credentials: credentials, random: random,
            configuration: configuration.ice, policy: configuration.iceTransportPolicy, streamIDs: streamIDs)
        transport.isPooled = isPooled
        transport.gatheringGeneration = gatheringGeneration
        for (address, name) in localAddresses.names { transport.nameAddress(address, name, at: now) }
        for entry in localAddresses.selection(beside: transports) {
            transport.addAddress(entry.address, preference: entry.preference, at: now)
        }
        for entry in localAddresses.listeners {
            transport.addTCPListener(entry.address, preference: entry.preference, at: now)
        }
        if localAddresses.hasEnded { transport.endAddresses() }
        nextTransportNumber = max(nextTransportNumber, id.rawValue + 1)
        transports.append(transport)
        addServers(toTransport: transports.count - 1, at: now)
    }

    /// Closes the transports that neither the last exchange nor the one under way uses; the pool serves the first alone.
    mutating func closeUnusedTransports(at now: Instant) {
        let used = Set(transportPlan.transports + (pendingTransportPlan?.transports ?? []))
        for index in transports.indices.reversed() where !used.contains(transports[index].id) {
            guard !transports[index].isPooled || negotiated.currentLocal != nil else { continue }
            closeTransport(index, at: now)
        }
    }

    mutating func closeTransport(_ index: Int, at now: Instant) {
        transports[index].dtls?.handle(.close, at: now)
        transports[index].close(at: now)
        finish(index, at: now)
        transports.remove(at: index)
    }

    /// Takes what a transport that was closed still wants done: to the connection its states are gone.
    mutating func finish(_ index: Int, at now: Instant) {
        while let event = transports[index].nextEvent(sendingTo: &outbox, at: now) {
            if case .streamUnwanted(let stream) = event { events.append(.streamUnwanted(stream)) }
        }
    }

    mutating func addLocalAddress(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        localAddresses.add(.init(address: address, preference: preference))
        for index in transports.indices where !transports[index].addresses.contains(where: { $0.ip == address.ip }) {
            transports[index].addAddress(address, preference: preference, at: now)
        }
    }

    mutating func nameLocalAddress(_ address: IPAddress, _ name: String, at now: Instant) {
        localAddresses.names[address] = name
        for index in transports.indices { transports[index].nameAddress(address, name, at: now) }
    }

    mutating func addTCPListener(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        localAddresses.addListener(.init(address: address, preference: preference))
        for index in transports.indices {
            transports[index].addTCPListener(address, preference: preference, at: now)
        }
    }

    mutating func removeLocalAddress(_ address: SocketAddress, at now: Instant) {
        localAddresses.remove(address)
        for index in transports.indices { transports[index].removeAddress(address, at: now) }
    }

    mutating func endLocalAddresses(at now: Instant) {
        localAddresses.hasEnded = true
        for index in transports.indices { transports[index].endAddresses() }
        fillPool(at: now)
    }

    // MARK: What arrives

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
            guard let index = destination(ofSTUN: bytes) else { return discard(.unknownSource) }
            transports[index].ice.handle(.datagram(bytes, local: local, remote: remote), at: now)
        case .some(20...63):
            // DTLS answers anybody, and a stranger's ClientHello would be taken for the peer's: only where authentic
            // checks have come from, or where our own go, is the peer
            guard let index = destination(from: remote, to: local) else { return discard(.unknownSource) }
            transports[index].traffic.noteReceived(bytes: bytes.count, at: local, from: remote, at: now)
            if let reason = transports[index].receiveDTLS(bytes, at: now) { discard(reason) }
        case .some(128...191):
            // whoever has the keys may have moved; ICE will learn the new address from his checks
            guard let index = transports.count == 1 ? 0 : destination(from: remote, to: local) else {
                return discard(transports.isEmpty ? .noKeys : .unknownSource)
            }
            if receiveMedia(bytes, by: index, at: now) {
                transports[index].traffic.noteReceived(bytes: bytes.count, at: local, from: remote, at: now)
                transports[index].ice.handle(.received(local: local, remote: remote), at: now)
            }
        default:
            discard(.unknownProtocol)
        }
    }

    /// The transport that a STUN message is for.
    private func destination(ofSTUN bytes: [UInt8]) -> Int? {
        guard transports.count > 1 else { return transports.isEmpty ? nil : 0 }
        let fragment = ICEAgent.localUsernameFragment(of: bytes)
        // what none expects, the first one counts
        return transports.firstIndex { $0.expects(bytes, for: fragment) } ?? 0
    }

    /// The transport whose peer is at `remote`: the one that has selected this way, else one that has found it.
    private func destination(from remote: SocketAddress, to local: SocketAddress) -> Int? {
        guard transports.count > 1 else {
            return transports.first?.knows(remote, from: local) == true ? 0 : nil
        }
        let selected = transports.firstIndex { $0.ice.selects(remote, from: local) }
        return selected ?? transports.firstIndex { $0.knows(remote, from: local) }
    }

    // MARK: What they tell

    /// Takes everything that the transports want done, and follows their states.
    mutating func drainTransports(at now: Instant) {
        var index = 0
        while index < transports.count {
            announce(index)
            while let event = transports[index].nextEvent(sendingTo: &outbox, at: now) {
                handle(event, ofTransport: index, at: now)
            }
            index += 1
        }
        updateConnectionState(at: now)
    }

    private mutating func handle(_ event: PeerTransport.Event, ofTransport index: Int, at now: Instant) {
        switch event {
        case .candidateGathered(let candidate):
            emit(candidate, ofTransport: index)
        case .gatheringStateChanged:
            if transports[index].gatheringState == .complete { emit(nil, ofTransport: index) }
            updateGatheringState()
        case .iceStateChanged:
            updateICEConnectionState()
        case .frame(let frame, let stream):
            receive(frame, on: stream, ofTransport: index, at: now)
        case .datagram(let bytes, let local, let remote):
            receive(bytes, local: local, remote: remote, at: now)
        case .streamWanted(let stream, let local, let remote, let name):
            events.append(.streamWanted(stream, from: local, to: remote, tls: name))
        case .relaySocketWanted(let stream, let local, let server):
            events.append(.relaySocketWanted(stream, from: local, to: server))
        case .relayFailed(let url, let error, let local):
            events.append(
                .iceCandidateError(
                    RTCIceCandidateError(
                        address: local.ip.description, port: local.port, url: url.description, errorCode: error.code,
                        errorText: error.reason)))
        case .credentialsWanted(let url):
            let isTold = events[nextEvent...].contains {
                if case .iceCredentialsWanted(url) = $0 { true } else { false }
            }
            if !isTold { events.append(.iceCredentialsWanted(url)) }
        case .restartWanted:
            restartIce()
        case .streamUnwanted(let stream):
            events.append(.streamUnwanted(stream))
        case .nameWanted(let name):
            events.append(.nameWanted(name))
        case .candidateError(let error):
            events.append(.iceCandidateError(error))
        case .paired:
            if milestones.paired == nil { milestones.paired = now }
        case .keyed:
            if milestones.keyed == nil { milestones.keyed = now }
            channels.connected(transports[index].id, at: now)
            drainDataChannels(at: now)
        case .applicationData(let packet):
            channels.receive(packet, by: transports[index].id, at: now)
            drainDataChannels(at: now)
        case .closed:
            channels.transportEnded(transports[index].id, nil)
            drainDataChannels(at: now)
            // RFC 8827 §6.5: a close alert ends the association; the connection with the last of them
            if used.allSatisfy({ $0.dtlsState == .closed }) { close(at: now) }
        case .failed:
            channels.transportEnded(transports[index].id, .dtlsFailure)
            drainDataChannels(at: now)
        }
    }

    // MARK: States (W3C §4.3)

    /// Follows what has become of the states because transports are gone.
    mutating func updateTransportStates(at now: Instant) {
        updateGatheringState()
        updateICEConnectionState()
        updateConnectionState(at: now)
    }

    /// RTCIceGatheringState, W3C §4.3.2.
    mutating func updateGatheringState() {
        guard connectionState != .closed else { return }
        let state: ICEGatheringState =
            // transports that were made together gather together, although they are drained one after the other
            if used.contains(where: { $0.gatheringState == .gathering || $0.ice.gatheringState == .gathering }) {
                .gathering
            } else if !used.isEmpty, used.allSatisfy({ $0.gatheringState == .complete }) {
                .complete
            } else {
                .new
            }
        guard state != iceGatheringState else { return }
        iceGatheringState = state
        events.append(.iceGatheringStateChanged(state))
    }

    /// RTCIceConnectionState, W3C §4.3.4: the first of these that holds.
    mutating func updateICEConnectionState() {
        let state: ICEConnectionState =
            if connectionState == .closed {
                .closed
            } else {
                Self.iceConnectionState(of: used.map(\.iceState))
            }
        guard state != iceConnectionState else { return }
        iceConnectionState = state
        events.append(.iceConnectionStateChanged(state))
    }

    static func iceConnectionState(of states: [ICEConnectionState]) -> ICEConnectionState {
        if states.contains(.failed) { return .failed }
        if states.contains(.disconnected) { return .disconnected }
        if states.allSatisfy({ $0 == .new || $0 == .closed }) { return .new }
        if states.contains(where: { $0 == .new || $0 == .checking }) { return .checking }
        return states.allSatisfy { $0 == .completed || $0 == .closed } ? .completed : .connected
    }

    /// RTCPeerConnectionState, W3C §4.3.3: the first of these that holds.
    mutating func updateConnectionState(at now: Instant) {
        guard connectionState != .closed else { return }
        let ice = iceConnectionState
        let state: RTCPeerConnectionState =
            if ice == .failed || anyUsed({ _, dtls in dtls == .failed }) {
                .failed
            } else if ice == .disconnected {
                .disconnected
            } else if !anyUsed({ ice, dtls in ice != .new || dtls != .new }) {
                .new
            } else if (ice == .connected || ice == .completed)
                && !anyUsed({ _, dtls in dtls != .connected && dtls != .closed })
            {
                .connected
            } else {
                .connecting
            }
        guard state != connectionState else { return }
        connectionState = state
        if state == .failed { failureReason = transports.lazy.compactMap(\.failureReason).first }
        if state == .connected {
            failureReason = nil
            media.start(at: now)
        }
        events.append(.connectionStateChanged(state))
    }

    /// Whether the states of a transport in use are such. It is asked after everything that happens: the transports are
    /// read where they are, for they are large.
    private func anyUsed(_ isSuch: (ICEConnectionState, DTLSTransport.State) -> Bool) -> Bool {
        transports.indices.contains { index in
            !transports[index].isPooled && isSuch(transports[index].iceState, transports[index].dtlsState)
        }
    }
}
