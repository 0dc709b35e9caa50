import Glibc
import PeerConnection
import Wire

/// The streams of a viewer's peer: TCP connections, and what leads to TURN servers.
final class ViewerStreams {
    private var streams: [StreamID: any PeerStream] = [:]
    /// Those that were told to be open.
    private var opened: Set<StreamID> = []
    private var opener: StreamOpener

    /// Trusts the certificate authorities of the PEM file `authorities`, or the system's where none is given.
    init(authorities: String?) {
        opener = StreamOpener(authorities: authorities)
    }

    /// What to wait for.
    var waiting: [pollfd] {
        streams.values.map { stream in
            let events = stream.awaitsRoom ? POLLIN | POLLOUT : POLLIN
            return pollfd(fd: stream.descriptor, events: Int16(events), revents: 0)
        }
    }

    /// Opens a connection that the peer wants; nil, or why that cannot even be tried.
    func open(_ stream: StreamID, from local: IPAddress?, to remote: SocketAddress, tls name: String?) -> String? {
        do throws(SocketError) {
            streams[stream] = try opener.connect(to: remote, from: local, tls: name)
            return nil
        } catch {
            return error.description
        }
    }

    /// Binds a socket for a TURN server alone; nil, or why that cannot be done.
    func openRelaySocket(_ stream: StreamID, from local: IPAddress, to server: SocketAddress) -> String? {
        do throws(SocketError) {
            streams[stream] = try RelaySocket(from: local, to: server)
            return nil
        } catch {
            return error.description
        }
    }

    /// Closes a stream that the peer has no use for any more.
    func close(_ stream: StreamID) {
        guard let closed = streams.removeValue(forKey: stream) else { return }
        opened.remove(stream)
        _ = closed.flush()
        closed.finish()
    }

    /// Tells the peer what has become of the streams, and what has come.
    func read(for peer: inout RTCPeerConnection, at now: Instant) {
        for (id, stream) in streams {
            if !opened.contains(id) { finishOpening(id, stream, for: &peer, at: now) }
            while opened.contains(id) {
                let reading = stream.receive { peer.handle(.streamBytes(id, $0), at: now) }
                if reading == .end { end(id, stream, for: &peer, at: now) }
                if reading != .more { break }
            }
        }
    }

    private func finishOpening(
        _ id: StreamID, _ stream: any PeerStream, for peer: inout RTCPeerConnection, at now: Instant
    ) {
        switch stream.open() {
        case .underWay: break
        case .failed: end(id, stream, for: &peer, at: now)
        case .open:
            guard let local = stream.local else { return end(id, stream, for: &peer, at: now) }
            opened.insert(id)
            peer.handle(.streamOpened(id, local: local, remote: stream.remote), at: now)
        }
    }

    private func end(
        _ id: StreamID, _ stream: any PeerStream, for peer: inout RTCPeerConnection, at now: Instant
    ) {
        streams[id] = nil
        opened.remove(id)
        peer.handle(.streamClosed(id, reason: stream.failure), at: now)
    }

    /// Takes frames of an outbox.
    func send(_ storage: [UInt8], _ entries: ArraySlice<DatagramBatch.Entry>, on stream: StreamID) {
        _ = streams[stream]?.send(storage, entries)
    }

    /// Writes what waits; a connection that broke is found by reading.
    func flush() {
        for stream in streams.values where stream.isOpen && stream.awaitsRoom { _ = stream.flush() }
    }
}
