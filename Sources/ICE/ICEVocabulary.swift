import Wire

/// W3C's `RTCIceTransportState`.
public enum ICEConnectionState: String, Hashable, Sendable {
    /// Waits for the remote credentials or candidates.
    case new
    /// Checks pairs, or waits for the peer's checks, and has not found a pair that works.
    case checking
    /// Has a selected pair; candidates or checks may still come.
    case connected
    /// Has a selected pair, both sides' candidates are all known and no check is left.
    case completed
    /// The selected pair is silent; it may recover.
    case disconnected
    /// No pair works, or consent has expired; only a restart helps.
    case failed
    /// The agent was closed and does nothing any more.
    case closed
}

/// W3C's `RTCIceGathererState`.
public enum ICEGatheringState: String, Hashable, Sendable {
    /// No local address was given.
    case new
    /// Local addresses or the answers of STUN servers are still to come.
    case gathering
    /// Every local candidate is known.
    case complete
}

extension ICEAgent {
    /// What an agent is told.
    public enum Input: Sendable {
        /// The shell has bound a UDP socket: a host candidate and the base of others. `preference` is the local
        /// preference (RFC 8445 §5.1.2.1) that orders the candidates of one type, each address with one of its own.
        case localAddressAdded(SocketAddress, preference: UInt16)
        /// From now on the peer is told this `.local` name, which the shell answers for (RFC 8828 §5.2), instead of the
        /// address.
        case localAddressNamed(IPAddress, String)
        /// The shell listens for TCP connections there: a passive candidate (RFC 6544 §3). Those that it accepts come by
        /// `acceptStream`.
        case tcpListenerAdded(SocketAddress, preference: UInt16)
        /// The TURN server `server` has allocated an address: a relayed candidate, whose `raddr` is `mapped`. What is to
        /// be sent from there goes to the server in what way its client wants.
        case relayedAddressAdded(SocketAddress, mapped: SocketAddress, server: IPAddress, preference: UInt16)
        /// A relayed address will soon be gone: the session that the next restart begins does without it.
        case relayedAddressRetired(SocketAddress)
        /// What the next restart gathers is from relayed addresses alone unless `withHosts`, from the STUN servers that are
        /// told after it, and until `gatheringEnded`.
        case gatheringReopened(withHosts: Bool)
        /// The shell has closed the sockets at this address, or their interface has gone.
        case localAddressRemoved(SocketAddress)
        /// A STUN server that tells server-reflexive candidates.
        case stunServerAdded(SocketAddress)
        /// Every local address and STUN server was given.
        case gatheringEnded
        /// The credentials of the remote description. After a first pair of credentials others belong to the session
        /// that the next `restart` begins, or that the last one began.
        case remoteCredentials(ICECredentials, isLite: Bool)
        /// A candidate of the remote description, or one that trickled in.
        case remoteCandidate(ICECandidate)
        /// The remote side has no more candidates (RFC 8838 §13).
        case remoteEndOfCandidates
        /// A datagram that `isSTUN` came from `remote` to the socket bound to `local`.
        case datagram([UInt8], local: SocketAddress, remote: SocketAddress)
        /// Media or other authenticated traffic has come in: the pair lives. Need not be told of every packet.
        case received(local: SocketAddress, remote: SocketAddress)
        /// The connection that `streamWanted` asked for is open.
        case streamOpened(StreamID)
        /// Bytes came on a connection, cut as the network happened to bring them.
        case streamBytes(StreamID, [UInt8])
        /// The peer has closed a connection, or it broke, or it could not be opened.
        case streamClosed(StreamID)
        /// Media or other authenticated traffic has come in on a connection.
        case receivedOnStream(StreamID)
        /// The addresses of a name that `nameWanted` asked for; none where there is no such name.
        case nameResolved(String, [IPAddress])
        /// ICE restart with these new local credentials (RFC 8445 §9); the selected pair stays until there is a new
        /// one.
        case restart(ICECredentials)
        /// The descriptions' exchange decided the role (RFC 8445 §6.1.1).
        case roleChanged(ICERole)
        /// The deadline has passed.
        case timePassed
        /// The peer connection is closed.
        case close
    }

    /// What the shell does for an agent.
    public enum Output: Hashable, Sendable {
        /// Send the datagram from the socket bound to `from`.
        case transmit([UInt8], from: SocketAddress, to: SocketAddress)
        /// Write the bytes, a frame (RFC 4571), to the connection.
        case write([UInt8], on: StreamID, from: SocketAddress, to: SocketAddress)
        /// A frame that is no STUN has come on the connection.
        case frame([UInt8], on: StreamID, local: SocketAddress, remote: SocketAddress)
        /// Something has changed.
        case event(Event)
    }

    /// What an agent tells.
    public enum Event: Hashable, Sendable {
        /// A local candidate to trickle.
        case candidateGathered(ICECandidate)
        /// `gatheringState` has changed to this.
        case gatheringStateChanged(ICEGatheringState)
        /// `connectionState` has changed to this.
        case connectionStateChanged(ICEConnectionState)
        /// Everything goes by this pair from now on.
        case selectedPairChanged(ICECandidatePair)
        /// A peer at the address `for` will send to the relayed address `at`, once its server lets it.
        case permissionWanted(at: SocketAddress, for: IPAddress)
        /// A role conflict was solved by taking this role (RFC 8445 §7.3.1.1).
        case roleChanged(ICERole)
        /// Open a TCP connection from any port of the address `from`. `streamOpened` or `streamClosed` tells what became
        /// of it.
        case streamWanted(StreamID, from: IPAddress, to: SocketAddress)
        /// Close the connection, or open it no more; nothing is to be told of it afterwards.
        case streamUnwanted(StreamID)
        /// A remote candidate has this name for an address. `nameResolved` tells what it stands for.
        case nameWanted(String)
        /// A STUN server has refused to tell `base` its reflexive address (its error code), or has not answered (701, W3C
        /// webrtc-pc §4.8.2).
        case gatheringFailed(server: SocketAddress, base: SocketAddress, code: UInt16, reason: String)
    }
}
