public import Wire

/// A transport address that may lead to one of the two sides (RFC 8445 §4, RFC 8839 §5.1).
public struct ICECandidate: Hashable, Sendable {
    /// How a candidate was obtained, W3C's `RTCIceCandidateType`.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An address of an interface of the host.
        case host
        /// An address that a STUN server saw.
        case serverReflexive = "srflx"
        /// An address that the peer saw in a connectivity check.
        case peerReflexive = "prflx"
        /// An address on a TURN server.
        case relayed = "relay"

        /// RFC 8445 §5.1.2.2: 126 for host, 110 for peer-reflexive, 100 for server-reflexive, 0 for relayed candidates.
        public var typePreference: UInt32 {
            switch self {
            case .host: 126
            case .peerReflexive: 110
            case .serverReflexive: 100
            case .relayed: 0
            }
        }
    }

    /// The transport protocol; agents use UDP only.
    public enum Transport: Hashable, Sendable {
        /// `UDP`
        case udp
        /// `TCP` (RFC 6544), with its `tcptype` (`active`, `passive`, `so`) where one is given.
        case tcp(type: String?)
        /// Anything else, in lower case.
        case other(String)
    }

    /// A `connection-address`: an IP address, or a name that needs resolving (an mDNS `.local` name, RFC 8839 §5.1).
    public enum Address: Hashable, Sendable {
        /// An address to send to.
        case ip(IPAddress)
        /// A host name.
        case name(String)
    }

    /// The base (or for a relayed candidate the mapped address) that a candidate derives from: `raddr` and `rport`.
    public struct Related: Hashable, Sendable {
        /// The `raddr`.
        public var address: Address
        /// The `rport`.
        public var port: UInt16

        /// The related address of a candidate.
        public init(address: Address, port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    /// An extension that this agent has no use for, kept so that it survives being written again.
    public struct Extension: Hashable, Sendable {
        /// Its name, such as `network-id`.
        public var name: String
        /// Its value.
        public var value: String

        /// An extension attribute.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Equal for candidates of one type, base address, server and protocol: their checks likely share their fate.
    public var foundation: String
    /// 1 for RTP, 2 for RTCP; with rtcp-mux only 1 is used.
    public var component: UInt16
    /// The transport protocol.
    public var transport: Transport
    /// 1 to 2³¹ − 1, higher is better.
    public var priority: UInt32
    /// Where it can be reached.
    public var address: Address
    /// The port there.
    public var port: UInt16
    /// How it was obtained.
    public var kind: Kind
    /// What it derives from; nil for host candidates.
    public var related: Related?
    /// The `ufrag` extension: the description that it belongs to (RFC 8839 §5.4, W3C `usernameFragment`).
    public var usernameFragment: String?
    /// All other extensions, in their order (`generation`, `network-id`, `network-cost`, …).
    public var extensions: [Extension]

    /// A candidate of all its parts.
    public init(
        foundation: String, component: UInt16 = 1, transport: Transport = .udp, priority: UInt32, address: Address,
        port: UInt16, kind: Kind, related: Related? = nil, usernameFragment: String? = nil, extensions: [Extension] = []
    ) {
        self.foundation = foundation
        self.component = component
        self.transport = transport
        self.priority = priority
        self.address = address
        self.port = port
        self.kind = kind
        self.related = related
        self.usernameFragment = usernameFragment
        self.extensions = extensions
    }

    /// The transport address; nil while the address is a name.
    public var socketAddress: SocketAddress? {
        if case .ip(let ip) = address { SocketAddress(ip, port: port) } else { nil }
    }

    /// RFC 8445 §5.1.2.1: 2²⁴ × type preference + 2⁸ × local preference + (256 − component).
    public static func priority(of kind: Kind, localPreference: UInt16, component: UInt16 = 1) -> UInt32 {
        kind.typePreference << 24 | UInt32(localPreference) << 8 | (256 - UInt32(component))
    }
}

/// Two candidates that reach each other.
public struct ICECandidatePair: Hashable, Sendable {
    /// The local candidate: the address that the peer sees.
    public var local: ICECandidate
    /// The remote candidate.
    public var remote: ICECandidate
    /// The socket to send from, the local candidate's base.
    public var localAddress: SocketAddress
    /// The address to send to.
    public var remoteAddress: SocketAddress
    /// The TCP connection of a pair of TCP candidates (RFC 6544), on which every datagram is framed by its length (RFC
    /// 4571 §2).
    public var stream: StreamID?

    /// RFC 8445 §6.1.2.3: with G the controlling side's candidate's priority and D the controlled one's,
    /// 2³² × MIN(G,D) + 2 × MAX(G,D) + (G > D ? 1 : 0).
    public static func priority(local: UInt32, remote: UInt32, role: ICERole) -> UInt64 {
        let (controlling, controlled) = role == .controlling ? (local, remote) : (remote, local)
        // Two priorities of 2³¹ and more, which only a broken peer has, wrap instead of trapping.
        return UInt64(min(local, remote)) << 32 &+ UInt64(max(local, remote)) << 1
            &+ (controlling > controlled ? 1 : 0)
    }
}
