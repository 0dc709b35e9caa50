import Media
import PeerConnection
import Wire

/// Names in candidates: the viewers', and by option our own.
extension Daemon {
    /// A peer needs the addresses of a name.
    func lookUp(_ name: String, for session: SessionID, at now: Instant) {
        let loop = loop
        names.startResolver { [loop] name, addresses in
            loop.submit { $0.take($0.names.answer(name, addresses), at: MonotonicClock.now) }
        }
        names.lookUp(name, for: session, at: now)
        serveNames(at: now)
    }

    /// Opens the sockets of multicast DNS where something is to be asked or answered, sends what is to be sent, and
    /// tells the peers what was found. With `anew` the machine's addresses have changed.
    func serveNames(at now: Instant, anew: Bool = false) {
        if names.open(anew: anew, forget: { loop.forget($0.descriptor) }) {
            for descriptor in names.sockets.map(\.descriptor) {
                loop.watch(descriptor, for: .readable) { daemon, _ in
                    daemon.names.receive(on: descriptor, at: MonotonicClock.now)
                    daemon.serveNames(at: MonotonicClock.now)
                }
            }
        }
        names.advance(at: now)
        for answer in names.drain() { take(answer, at: now) }
    }

    private func take(_ answer: NameService.Answer, at now: Instant) {
        log.debug("names: \(answer.name) is \(answer.addresses)")
        for id in answer.sessions {
            sessions[id]?.peer.handle(.nameResolved(answer.name, answer.addresses), at: now)
        }
    }

    /// Gives the addresses that came a name and takes those of the ones that went back, where addresses are hidden.
    func nameAddresses(_ change: MediaSockets.Change, at now: Instant) {
        guard configuration.network.hideAddresses else { return }
        for socket in change.closed { names.withdraw(socket.local.ip, at: now) }
        for socket in change.opened { names.publish(socket.local.ip, at: now) }
    }

    /// Tells a peer of our addresses by name.
    func tellNames(to session: Session, at now: Instant) {
        for (address, name) in names.ownNames {
            session.peer.handle(.localAddressNamed(address, name), at: now)
        }
    }
}
