import CLinux
import Glibc
import ICE
import Media
import PeerConnection
import Wire

/// The machine's addresses as they come and go.
extension Daemon {
    /// Opens and closes sockets as addresses come and go, and tells every peer.
    func refreshSockets(at now: Instant) {
        let change = sockets.refresh()
        for socket in change.closed { loop.forget(socket.descriptor) }
        for listener in change.closedListeners { loop.forget(listener.descriptor) }
        for socket in change.opened {
            let local = socket.local
            loop.watch(socket.descriptor, for: .readable) { daemon, _ in daemon.receive(on: local) }
        }
        for listener in change.openedListeners {
            let local = listener.local
            loop.watch(listener.descriptor, for: .readable) { daemon, _ in daemon.accept(at: local) }
        }
        guard !change.isEmpty else { return }
        nameAddresses(change, at: now)
        serveNames(at: now, anew: true)
        for session in sessions.values { tell(session, of: change, at: now) }
    }

    /// A peer whose path has lost its address, or is in trouble when another address comes, finds a new path at once
    /// instead of waiting for the old one's silence to be noticed.
    private func tell(_ session: Session, of change: MediaSockets.Change, at now: Instant) {
        let selected = session.peer.selectedPair?.localAddress.ip
        let isPathGone = change.closed.contains { $0.local.ip == selected }
        for socket in change.closed { session.peer.handle(.localAddressRemoved(socket.local), at: now) }
        for listener in change.closedListeners { session.peer.handle(.localAddressRemoved(listener.local), at: now) }
        tellNames(to: session, at: now)
        for (address, preference) in sockets.localAddresses
        where change.opened.contains(where: { $0.local == address }) {
            session.peer.handle(.localAddressAdded(address, preference: preference), at: now)
        }
        for (address, preference) in sockets.listenerAddresses
        where change.openedListeners.contains(where: { $0.local == address }) {
            session.peer.handle(.tcpListenerAdded(address, preference: preference), at: now)
        }
        let isInTrouble = [.disconnected, .failed].contains(session.peer.iceConnectionState)
        guard isPathGone || isInTrouble && !change.opened.isEmpty else { return }
        log.info("peer \(session.id): \(isPathGone ? "the address of its path is gone" : "a new address may help it")")
        session.peer.restartIce()
    }

    /// Follows the kernel's news of addresses.
    func watchAddresses() {
        routes = linux_route_socket()
        guard routes >= 0 else {
            return log.warning("network: changes are not seen until a call begins: \(String(cString: strerror(errno)))")
        }
        loop.watch(routes, for: .readable) { daemon, _ in
            guard linux_route_changed(daemon.routes) != 0 else { return }
            daemon.refreshSockets(at: MonotonicClock.now)
            daemon.refreshCertificate(at: MonotonicClock.now)
        }
    }
}
