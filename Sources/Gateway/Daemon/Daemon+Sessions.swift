import Calls
import Congestion
import ICE
import Media
import PeerConnection
import RTP
import Wire

/// The peers: made, fed, drained and ended.
extension Daemon {
    /// Players at once: more than an uplink at home carries. Calls have a limit of their own, the hub's, so that players
    /// never keep a page from the door.
    static let maximumPlayers = 16

    @discardableResult
    func startSession(for viewer: Session.Viewer, at now: Instant) -> Session {
        guard let certificate else { preconditionFailure("a daemon that started has a certificate") }
        refreshSockets(at: now)
        let id = SessionID(rawValue: nextSessionNumber)
        nextSessionNumber += 1
        var settings = RTCPeerConnection.Configuration(certificate: certificate)
        settings.bundlePolicy = .maxBundle
        settings.iceServers = configuration.network.iceServers(for: "door", at: .now)
        settings.iceTransportPolicy = configuration.network.iceTransportPolicy
        settings.unixEpoch = WallClock.unixEpoch(at: now)
        settings.usefulBitrate = usefulBitrate
        // what is shown to a newcomer is the encode that there is: it is begun with, and the first feedback corrects it
        settings.bandwidth.startBitrate = min(settings.usefulBitrate, settings.bandwidth.maximumBitrate)
        settings.h264Profile = video?.passedProfile ?? .constrainedBaseline
        settings.ice.usesActiveTCP = configuration.network.tcp
        settings.ice.externalAddresses = configuration.network.externalAddresses
        settings.ice.externalAddressesReplaceHosts = configuration.network.externalAddressesOnly
        let session = Session(id: id, viewer: viewer, configuration: settings, random: random, at: now)
        tellNames(to: session, at: now)
        for (address, preference) in sockets.localAddresses {
            session.peer.handle(.localAddressAdded(address, preference: preference), at: now)
        }
        for (address, preference) in sockets.listenerAddresses {
            session.peer.handle(.tcpListenerAdded(address, preference: preference), at: now)
        }
        // a WHIP server may name more servers
        if viewer != .publication { session.peer.handle(.localAddressesEnded, at: now) }
        sessions[id] = session
        switch viewer {
        case .call(let call): calls[call] = id
        case .player(let name): players[name] = id
        case .publication: break
        }
        return session
    }

    /// What a viewer's connection is to carry, in bits a second.
    var usefulBitrate: Double {
        Session.usefulBitrate(pictures: max(configuration.video.bitrateKbps * 1000, video?.passedBitrate ?? 0))
    }

    func endSession(_ id: SessionID, because reason: String, at now: Instant) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        encodings.watchersChanged()
        departed.add(session.peer)
        session.peer.close(at: now)
        sockets.send(&session.peer.outbox, for: id)
        // what is left of a connection's queue is the good-bye
        serveStreams(at: now)
        closeStreams(of: id)
        sockets.forget(id)
        voices?.remove(id)
        if case .player(let name) = session.viewer {
            players[name] = nil
            log.info("whep: a player is gone after \((now - session.began).inWords): \(reason)")
            hub.handle(.watchersChanged(players.count), at: now)
        }
        if case .publication = session.viewer { publicationEnded(session, because: reason, at: now) }
        log.debug("peer \(id): ended (\(reason)); \(session.peer.discards)")
    }

    // MARK: Network

    func receive(on local: SocketAddress) {
        guard let socket = sockets.sockets[local] else { return }
        let now = MonotonicClock.now
        // bounded, so that a flood on one socket does not keep the loop from everything else
        for _ in 0..<8 {
            let mayHaveMore = socket.receive { bytes, remote in
                guard let id = sockets.route(bytes, from: remote), let session = sessions[id] else { return }
                session.receive(bytes, local: local, from: remote, at: now)
            }
            guard mayHaveMore else { return }
        }
    }

    /// Sends what every peer has to send.
    func flush() {
        for session in sessions.values where session.isUnserved { session.serve(by: sockets) }
        serveStreams(at: MonotonicClock.now)
    }

    // MARK: Events

    func drainSessions(at now: Instant) {
        for session in sessions.values where session.isUndrained {
            while let event = session.nextOutput() { handle(event, of: session, at: now) }
        }
    }

    private func handle(_ event: RTCPeerConnection.Event, of session: Session, at now: Instant) {
        switch event {
        case .negotiationNeeded:
            negotiate(session, at: now)
        case .iceCandidate(let candidate):
            switch session.viewer {
            case .call(let call): hub.handle(.negotiation(call, .candidate(candidate)), at: now)
            case .publication: publish(candidate, of: session)
            case .player: break
            }
        case .connectionStateChanged(let state):
            log.debug("peer \(session.id): \(state.rawValue)")
            follow(state, of: session, at: now)
        case .packet(let transceiver, let packet, _):
            if session.isVoice(transceiver) { voices?.push(packet, from: session.id, at: now) }
        case .keyFrameRequested:
            video?[session.encodings.current].requestKeyFrame()
        case .streamWanted(let stream, let local, let remote, let name):
            openStream(stream, from: local, to: remote, tls: name, of: session, at: now)
        case .relaySocketWanted(let stream, let local, let server):
            openRelaySocket(stream, from: local, to: server, of: session, at: now)
        case .streamUnwanted(let stream):
            closeStream(stream, of: session, at: now)
        case .iceCredentialsWanted(let url):
            renewCredentials(at: url, of: session, at: now)
        case .nameWanted(let name):
            lookUp(name, for: session.id, at: now)
        case .iceCandidateError(let error):
            note(error, of: session, at: now)
        case .dataChannel(let channel):
            handle(channel: .opened(channel), of: session, at: now)
        case .dataChannelStateChanged(let channel, let state):
            if state == .closing || state == .closed { handle(channel: .closed(channel), of: session, at: now) }
        case .message(let channel, let message):
            handle(channel: .message(channel, message), of: session, at: now)
        case .signalingStateChanged, .iceGatheringStateChanged, .iceConnectionStateChanged, .track, .accessUnit,
            .transportFeedback, .receiverEstimatedMaximumBitrate, .dataChannelError, .bufferedAmountLow:
            break
        }
    }

    private func negotiate(_ session: Session, at now: Instant) {
        // a player's offer cannot be answered by one of ours: WHEP knows no such thing
        guard case .call(let call) = session.viewer else { return }
        do throws(RTCError) {
            if let offer = try session.negotiation.negotiationNeeded(on: &session.peer, at: now) {
                hub.handle(.negotiation(call, .description(offer)), at: now)
            }
        } catch {
            hub.handle(.negotiationFailed(call, error.description), at: now)
        }
    }

    private func follow(_ state: RTCPeerConnectionState, of session: Session, at now: Instant) {
        if case .call = session.viewer { recover(session, .connectionStateChanged(state), at: now) }
        switch (state, session.viewer) {
        case (.connected, _):
            let isFirst = session.connectedAt == nil
            session.becameConnected(at: now)
            encodings.watchersChanged()
            video?[session.encodings.wanted].requestKeyFrame(isNewcomer: true)
            guard isFirst else { return }
            switch session.viewer {
            case .call(let call): hub.handle(.peerConnected(call), at: now)
            case .publication: publicationConnected()
            case .player: break
            }
        case (.closed, .call(let call)):
            hub.handle(.peerClosed(call), at: now)
        case (.failed, .player), (.failed, .publication):
            endSession(session.id, because: session.peer.failureReason?.description ?? "unknown", at: now)
        case (.closed, .player):
            endSession(session.id, because: "the player closed the connection", at: now)
        case (.closed, .publication):
            endSession(session.id, because: "the server closed the connection", at: now)
        case (.failed, .call), (.new, _), (.connecting, _), (.disconnected, _):
            break
        }
    }

    // MARK: Recovery

    /// Tells the recovery of a call what happened, and does what it wants done. A player by WHEP can be offered nothing,
    /// and has its own: it comes again.
    func recover(_ session: Session, _ input: ConnectionRecovery.Input, at now: Instant) {
        guard case .call(let call) = session.viewer else { return }
        // of a connection that never was there is nothing to recover
        guard session.connectedAt != nil else {
            guard input == .connectionStateChanged(.failed) else { return }
            return hub.handle(.peerFailed(call, session.failure), at: now)
        }
        let lostAt = session.recovery.lostAt
        session.recovery.handle(input, at: now)
        while let output = session.recovery.nextOutput() {
            switch output {
            case .stateChanged(.steady):
                log.info("peer \(session.id): the path is back after \((now - (lostAt ?? now)).inWords)")
            case .stateChanged(.waiting): log.info("peer \(session.id): silent; waiting for it to come back")
            case .stateChanged(.restarting): log.info("peer \(session.id): looking for another path (ICE restart)")
            case .stateChanged: break
            case .restartIce: session.peer.restartIce()
            case .abandon, .reconnect:
                hub.handle(.peerFailed(call, session.failure), at: now)
            }
        }
    }

    // MARK: Media

    /// Sends `frame`, or keeps it until it is `due`.
    func take(_ frame: FrameSchedule.Frame, due: Instant?) {
        guard let due else { return send(frame) }
        if !isWatched { schedule.skip(to: MonotonicClock.now) }
        schedule.add(frame, due: due)
    }

    /// Sends what is due by now.
    func sendScheduled(at now: Instant) {
        while let frame = schedule.next(at: now) { send(frame) }
    }

    private func send(_ frame: FrameSchedule.Frame) {
        switch frame {
        case .picture(let frame, let encoding): send(picture: frame, of: encoding)
        case .sound(let packet): send(sound: packet)
        }
    }

    private func send(picture frame: PacketizedFrame, of encoding: Encoding) {
        let now = MonotonicClock.now
        var needsKeyFrame = false
        for session in sessions.values {
            let isFirst = session.firstFrameAt == nil
            if session.send(picture: frame, of: encoding, at: now) { needsKeyFrame = true }
            guard isFirst, session.firstFrameAt != nil else { continue }
            logFirstPicture(of: session, captured: frame.captured, at: now)
            checkProfile(of: session)
        }
        if needsKeyFrame { video?[encoding].requestKeyFrame() }
    }

    private func send(sound packet: PacketizedFrame) {
        let now = MonotonicClock.now
        for session in sessions.values { session.send(sound: packet, at: now) }
    }

    /// Where the time went from the call to its first picture.
    private func logFirstPicture(of session: Session, captured: Instant, at now: Instant) {
        let steps = session.milestones(at: now).map { "\($0.name) \(($0.at - session.began).inWords)" }
        log.info(
            "peer \(session.id): first picture sent \((now - session.began).inWords) after the call (\(steps.joined(separator: ", ")); the picture was \((now - captured).inWords) old)"
        )
    }
}
