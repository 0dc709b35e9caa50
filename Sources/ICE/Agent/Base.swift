import Wire

/// A socket of the shell, the base of local candidates (RFC 8445 §4).
struct Base: Equatable {
    /// What a base sends and receives by.
    enum Transport: Equatable {
        /// UDP.
        case udp
        /// UDP from an address that a TURN server has allocated.
        case relay(Relay)
        /// TCP connections that this side opens (RFC 6544 §3).
        case activeTCP
        /// TCP connections that the peer opens.
        case passiveTCP

        /// The candidate's transport, with its `tcptype`.
        var candidateTransport: ICECandidate.Transport {
            switch self {
            case .udp, .relay: .udp
            case .activeTCP: .tcp(type: "active")
            case .passiveTCP: .tcp(type: "passive")
            }
        }

        /// The transport of the peer's candidates that checks go to from here. RFC 6544 §6.2: an active candidate pairs
        /// with a passive one. A passive one waits: "the agent MUST remove pairs where the local candidate is passive",
        /// which come back as connections that were accepted.
        var counterpart: ICECandidate.Transport? {
            switch self {
            case .udp, .relay: .udp
            case .activeTCP: .tcp(type: "passive")
            case .passiveTCP: nil
            }
        }

        /// Whether it is TCP between the peers; what goes to a TURN server by TCP is UDP from there.
        var isTCP: Bool {
            switch self {
            case .udp, .relay: false
            case .activeTCP, .passiveTCP: true
            }
        }
    }

    /// Where a relayed address comes from.
    struct Relay: Equatable {
        /// The server that has allocated it.
        let server: IPAddress
        /// The address that the server sees, for the `raddr`.
        let mapped: SocketAddress
    }

    let address: SocketAddress
    let localPreference: UInt16
    var transport = Transport.udp
    /// Whether it will soon be gone: what goes by it goes on, a new session has no candidates of it.
    var isRetired = false

    /// The type of its own candidate.
    var kind: ICECandidate.Kind {
        if case .relay = transport { .relayed } else { .host }
    }

    /// RFC 6544 §4.5: the port of an active candidate, which nothing listens at, is 9 (discard).
    static let activePort: UInt16 = 9

    /// RFC 8445 §7.1.1: the PRIORITY of a check is the priority that a peer-reflexive candidate found by it would have.
    var checkPriority: UInt32 { priority(of: .peerReflexive) }

    /// The priority of a candidate of this base.
    func priority(of kind: ICECandidate.Kind) -> UInt32 {
        ICECandidate.priority(of: kind, transport: transport.candidateTransport, localPreference: localPreference)
    }

    /// Whether a datagram can go from here to `remote`. RFC 8445 §6.1.2.2: candidates of one address family pair, and
    /// "IPv6 link-local addresses MUST NOT be paired with other than link-local addresses".
    func reaches(_ remote: SocketAddress) -> Bool {
        guard address.ip.isIPv6 == remote.ip.isIPv6 else { return false }
        return !address.ip.isIPv6 || address.ip.isLinkLocal == remote.ip.isLinkLocal
    }
}
