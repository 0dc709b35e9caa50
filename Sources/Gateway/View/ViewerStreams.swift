import Glibc
import PeerConnection
import Wire

/// The TCP connections of a viewer's peer.
final class ViewerStreams {
    private var streams: [StreamID: TCPStream] = [:]

    /// What to wait for.
    var waiting: [pollfd] {
        streams.values.map { stream in
            let isWriting = !stream.isOpen || stream.queued > 0
            return pollfd(fd: stream.descriptor, events: Int16(isWriting ? POLLIN | POLLOUT : POLLIN), revents: 0)
        }
    }

    /// Opens a connection that the peer wants; false where that cannot even be tried.
    func open(_ stream: StreamID, from local: IPAddress?, to remote: SocketAddress) -> Bool {
        do throws(SocketError) {
            streams[stream] = try TCPStream(connectingTo: remote, from: local)
            return true
        } catch {
            return false
        }
    }

    /// Closes a connection that the peer has no use for any more.
    func close(_ stream: StreamID) {
        streams[stream] = nil
    }

    /// Tells the peer what has come.
    func read(for peer: inout RTCPeerConnection, at now: Instant) {
        for (id, stream) in streams {
            if !stream.isOpen { finishConnecting(id, stream, for: &peer, at: now) }
            var isBusy = true
            while isBusy, stream.isOpen, streams[id] != nil {
                switch stream.read() {
                case .bytes(let bytes):
                    peer.handle(.streamBytes(id, bytes), at: now)
                case .nothing:
                    isBusy = false
                case .end:
                    streams[id] = nil
                    peer.handle(.streamClosed(id), at: now)
                }
            }
        }
    }

    private func finishConnecting(
        _ id: StreamID, _ stream: TCPStream, for peer: inout RTCPeerConnection, at now: Instant
    ) {
        var descriptor = pollfd(fd: stream.descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&descriptor, 1, 0) == 1 else { return }
        if let local = stream.finishConnecting() {
            peer.handle(.streamOpened(id, local: local, remote: stream.remote), at: now)
        } else {
            streams[id] = nil
            peer.handle(.streamClosed(id), at: now)
        }
    }

    /// Takes a frame of the outbox.
    func enqueue(_ frame: ArraySlice<UInt8>, on stream: StreamID) {
        _ = streams[stream]?.enqueue(frame)
    }

    /// Writes what waits; a connection that broke is found by reading.
    func flush() {
        for stream in streams.values where stream.isOpen { _ = stream.flush() }
    }
}
