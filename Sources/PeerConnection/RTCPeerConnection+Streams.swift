import ICE
public import Wire

/// TCP connections between this peer and the shell.
extension RTCPeerConnection {
    /// The shell has accepted a connection from `remote` at the listening socket `local` (`tcpListenerAdded`), and its
    /// first frame is a check for `usernameFragment`. Everything that it brings, that frame included, is then told by
    /// `streamBytes`. Nil where it is not wanted and to be closed.
    public mutating func acceptStream(
        for usernameFragment: String, local: SocketAddress, remote: SocketAddress, at now: Instant
    ) -> StreamID? {
        guard let index = transports.firstIndex(where: { $0.ice.localUsernameFragments.contains(usernameFragment) })
        else { return nil }
        return transports[index].ice.acceptStream(local: local, remote: remote, at: now)
    }

    /// Tells whom `stream` belongs to.
    mutating func handle(_ event: PeerTransport.StreamEvent, of stream: StreamID, at now: Instant) {
        for index in transports.indices where transports[index].handle(event, of: stream, at: now) { return }
        discard(.unwanted)
    }

    /// A frame on a connection of the `index`th transport is what a datagram is on a socket; the agent has kept the
    /// checks for itself.
    mutating func receive(_ frame: [UInt8], on stream: StreamID, ofTransport index: Int, at now: Instant) {
        switch frame.first {
        case .some(20...63):
            guard transports[index].ice.knows(stream) else { return discard(.unknownSource) }
            if let reason = transports[index].receiveDTLS(frame, at: now) { discard(reason) }
        case .some(128...191):
            if receiveMedia(frame, by: index, at: now) {
                transports[index].ice.handle(.receivedOnStream(stream), at: now)
            }
        default:
            discard(.unknownProtocol)
        }
    }
}
