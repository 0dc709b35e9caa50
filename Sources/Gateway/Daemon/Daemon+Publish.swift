import ICE
import Media
import PeerConnection
import SDP
import Wire

/// Publishing by WHIP: one more viewer of the one encode, with a path and a bandwidth of its own.
extension Daemon {
    /// How long an offer waits for the addresses that STUN and TURN servers tell; what comes later trickles.
    private static let offerPatience = Duration.milliseconds(1500)

    func startPublishing(at now: Instant) {
        guard let url = configuration.publish.whipURL else { return }
        log.info("whip: publishing to \(url)")
        publisher = Publisher(url: url, token: configuration.publish.whipToken, at: now)
    }

    /// Does what is due.
    func advancePublisher(at now: Instant) {
        guard let publisher else { return }
        switch publisher.state {
        case .waiting(let until) where until <= now && stoppingUntil == nil: beginOffer(by: publisher, at: now)
        case .gathering(let id, let until):
            guard let session = sessions[id] else { return tryAgain(publisher, at: now) }
            if until <= now || session.peer.iceGatheringState == .complete { send(offerOf: session, by: publisher) }
        case .waiting, .offering, .published, .stopped: break
        }
    }

    private func beginOffer(by publisher: Publisher, at now: Instant) {
        let session = startSession(for: .publication, at: now)
        publisher.candidates = []
        session.addTracks()
        do throws(RTCError) {
            try session.peer.setLocalDescription(at: now)
        } catch {
            preconditionFailure("a new connection can offer: \(error)")
        }
        let hasServers = !configuration.network.iceServers(for: "door", at: .now).isEmpty
        publisher.state = .gathering(session.id, until: hasServers ? now + Self.offerPatience : now)
    }

    private func send(offerOf session: Session, by publisher: Publisher) {
        let (id, loop) = (session.id, loop)
        publisher.state = .offering(id)
        publisher.candidates = []
        publisher.offer(session.peer.localDescription?.sdp ?? "") { [loop] answer in
            loop.submit { $0.take(answer, for: id, at: MonotonicClock.now) }
        }
    }

    /// The server has answered.
    private func take(_ answer: Publisher.Answer, for id: SessionID, at now: Instant) {
        guard let publisher else { return }
        switch answer {
        case .success(let taken):
            guard case .offering(id) = publisher.state, let session = sessions[id] else {
                // the peer was given up meanwhile
                return publisher.end(taken)
            }
            publisher.state = .published(id, taken)
            do throws(RTCError) {
                try session.peer.setRemoteDescription(.init(type: .answer, sdp: taken.answer), at: now)
            } catch {
                return endSession(id, because: "its answer cannot be used: \(error)", at: now)
            }
            // RFC 9725 §4.6: servers that are to be used besides the door's own
            let named = taken.iceServers.compactMap(\.peerServer)
            if !named.isEmpty {
                session.peer.setIceServers(configuration.network.iceServers(for: "door", at: .now) + named, at: now)
            }
            session.peer.handle(.localAddressesEnded, at: now)
            publisher.trickle()
        case .failure(let failure):
            guard case .offering(id) = publisher.state else { return }
            publisher.state = .waiting(until: now + publisher.delays.failed(asked: failure.retryAfter, random: random))
            log.warning("whip: \(failure)")
            endSession(id, because: "the server has not taken it", at: now)
        }
    }

    /// A candidate that the offer does not have.
    func publish(_ candidate: RTCIceCandidate, of session: Session) {
        guard let publisher, publisher.session == session.id, !candidate.candidate.isEmpty else { return }
        let section = TrickleFragment.Section(mid: candidate.sdpMid, candidates: [candidate.candidate])
        let password = (try? SessionDescription(parsing: session.peer.localDescription?.sdp ?? ""))?.media.first?.icePwd
        publisher.candidates.append(
            TrickleFragment(iceUfrag: candidate.usernameFragment, icePwd: password, sections: [section]))
        publisher.trickle()
    }

    /// Media goes.
    func publicationConnected() {
        publisher?.delays.succeeded()
        log.info("whip: the server has picture and sound")
    }

    /// The peer is gone, whatever the server thinks.
    func publicationEnded(_ session: Session, because reason: String, at now: Instant) {
        guard let publisher, publisher.session == session.id else { return }
        if case .published(_, let taken) = publisher.state { publisher.end(taken) }
        let line = "whip: over after \((now - session.began).inWords): \(reason)"
        if stoppingUntil == nil { log.warning(line) } else { log.info(line) }
        tryAgain(publisher, at: now)
    }

    private func tryAgain(_ publisher: Publisher, at now: Instant) {
        publisher.state = .waiting(until: now + publisher.delays.failed(random: random))
    }
}
