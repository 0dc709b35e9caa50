public import Wire

extension TURNClient {
    /// What a client is made with.
    public struct Configuration: Sendable {
        /// The server, as it is named in reports, and its name for TLS.
        public var url: RTCIceServerURL
        /// Who we are there.
        public var username: String
        /// The password there.
        public var credential: String
        /// When the credentials stop being valid; nil where nobody knows.
        public var expiresAt: Instant?
        /// Whether an IPv6 address is asked for beside the IPv4 one (RFC 8656 §7.1).
        public var requestsBothFamilies = true
        /// The times of requests; the time for gathering is that of each step to the allocation.
        public var timing = ICEConfiguration()

        /// The configuration of a client of the server `url`.
        public init(url: RTCIceServerURL, username: String, credential: String, expiresAt: Instant? = nil) {
            self.url = url
            self.username = username
            self.credential = credential
            self.expiresAt = expiresAt
        }
    }

    /// The 5-tuple (RFC 8656 §2.2) that an allocation is bound to: a socket of its own, or a connection.
    public struct Transport: Hashable, Sendable {
        /// The shell's name for it.
        public let stream: StreamID
        /// Whether it is a connection, under TLS or not, whose bytes come as the network cuts them; else a UDP socket,
        /// whose datagrams come whole or not at all.
        public let isReliable: Bool
        /// The client's own address.
        public let local: SocketAddress
        /// The server's.
        public let server: SocketAddress

        /// A socket or connection of the shell's.
        public init(_ stream: StreamID, isReliable: Bool, local: SocketAddress, server: SocketAddress) {
            self.stream = stream
            self.isReliable = isReliable
            self.local = local
            self.server = server
        }
    }

    /// What a client is told.
    public enum Input: Sendable {
        /// The socket is bound, or the connection (with TLS where that is wanted) stands.
        case transportOpened(Transport)
        /// It could not be made, or is gone; the text says why.
        case transportClosed(String)
        /// The server has sent a datagram, or bytes on the connection.
        case received([UInt8])
        /// Data will go to this address, and may come from it.
        case permissionWanted(IPAddress)
        /// Much data will go to this address: a channel is bound to it (RFC 8656 §12).
        case channelWanted(SocketAddress)
        /// Send these bytes to the peer at this address.
        case dataReady([UInt8], to: SocketAddress)
        /// The shell has fetched new credentials.
        case credentialsChanged(username: String, credential: String, expiresAt: Instant?)
        /// Whether the server still has the allocation is to be found out.
        case refreshWanted
        /// The deadline has passed.
        case timePassed
        /// The allocation is not needed any more.
        case close
    }

    /// What the shell does for a client.
    public enum Output: Hashable, Sendable {
        /// Send these bytes to the server, on the client's transport.
        case transmit([UInt8])
        /// These bytes came from the peer at `from` to the relayed address `to`.
        case data([UInt8], from: SocketAddress, to: SocketAddress)
        /// Something has changed.
        case event(Event)
    }

    /// What a client tells.
    public enum Event: Hashable, Sendable {
        /// The transport is of no more use; one to this server is wanted, under TLS with this name in its certificate
        /// where the URL is secure. RFC 8489 §10 (300 Try Alternate), RFC 8656 §7.4 (437 Allocation Mismatch).
        case transportWanted(server: SocketAddress, name: String)
        /// The server has allocated these addresses, one for a family; `mapped` is ours as it sees it.
        case allocated([SocketAddress], mapped: SocketAddress?)
        /// There is no allocation and will be none: W3C's `icecandidateerror`.
        case failed(TURNError)
        /// The allocation is gone.
        case lost(TURNError)
        /// The credentials will soon stop being valid, or have: `credentialsChanged` is waited for.
        case credentialsWanted
        /// The server takes the new credentials for a new allocation only (441, RFC 8656 §7.2): this one lives on with
        /// the old ones for as long as it can, and another client had better take over.
        case replacementWanted
    }

    /// How far a client is.
    public enum State: String, Hashable, Sendable {
        /// Waits for its transport.
        case waiting
        /// Asks the server.
        case allocating
        /// Relays.
        case allocated
        /// Has failed, was lost, or closed.
        case ended
    }

    /// Why something was not used, or not sent.
    public enum DiscardReason: String, Hashable, Sendable, CaseIterable {
        /// What the server sent breaks the format of STUN or of ChannelData.
        case malformed
        /// A method or class that a server does not send.
        case unexpectedMessage = "unexpected-message"
        /// A response to no request of this client.
        case unknownTransaction = "unknown-transaction"
        /// A response without the right integrity.
        case unauthenticated
        /// Data on a channel that was not bound.
        case unknownChannel = "unknown-channel"
        /// Data from or for an address of a family that was not allocated, or before there is an allocation.
        case noAddress = "no-address"
        /// Data for a peer that the server does not let us send to.
        case notPermitted = "not-permitted"
        /// More peers, or more data for peers without permission yet, than are kept.
        case tooMany = "too-many"
        /// A peer, or the way to it, has refused what was relayed (RFC 8656 §11.6).
        case icmp
    }
}

/// Why a TURN server does not relay: W3C's `RTCPeerConnectionIceErrorEvent` without its addresses.
public struct TURNError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The server's code (RFC 8489 §14.8), or 701 where the server was not reached (W3C §4.8.3).
    public let code: UInt16
    /// The server's reason phrase, or ours.
    public let reason: String

    /// An error of a code and a reason.
    public init(code: UInt16, reason: String) {
        self.code = code
        self.reason = reason
    }

    /// W3C: "If no host candidate can reach the server, errorCode will be set to the value 701".
    static func unreachable(_ reason: String) -> TURNError {
        TURNError(code: 701, reason: reason)
    }

    /// The code and the reason.
    public var description: String { "\(code) \(reason)" }
}
