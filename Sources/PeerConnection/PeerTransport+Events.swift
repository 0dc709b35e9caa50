import ICE
import Wire

extension PeerTransport {
    /// What a transport tells the connection.
    enum Event {
        /// A local candidate to trickle.
        case candidateGathered(ICECandidate)
        /// `gatheringState` has changed.
        case gatheringStateChanged
        /// `iceState` has changed.
        case iceStateChanged
        /// A frame that is no STUN has come on a connection.
        case frame([UInt8], StreamID)
        /// A datagram has come to a relayed address.
        case datagram([UInt8], local: SocketAddress, remote: SocketAddress)
        /// A TCP connection is to be opened, with TLS where there is a name.
        case streamWanted(StreamID, from: IPAddress?, to: SocketAddress, tls: String?)
        /// A UDP socket of a TURN client's own is to be bound.
        case relaySocketWanted(StreamID, from: IPAddress, to: SocketAddress)
        /// A TCP connection is to be closed.
        case streamUnwanted(StreamID)
        /// The addresses of a name are to be found.
        case nameWanted(String)
        /// A TURN server does not relay.
        case relayFailed(RTCIceServerURL, TURNError, local: SocketAddress)
        /// The credentials at a TURN server expire.
        case credentialsWanted(RTCIceServerURL)
        /// ICE is to be restarted, for a relayed address will soon be gone and another has taken its place.
        case restartWanted
        /// A server has not told a candidate.
        case candidateError(RTCIceCandidateError)
        /// ICE has its first pair.
        case paired
        /// The handshake is done and the keys of SRTP are there.
        case keyed
        /// A message of the other side's application.
        case applicationData([UInt8])
        /// The other side has closed the association.
        case closed
        /// The association has failed.
        case failed
    }

    /// What became of a connection, or of a TURN client's socket.
    enum StreamEvent {
        case opened(local: SocketAddress, remote: SocketAddress)
        case bytes([UInt8])
        case closed(String?)
    }
}
