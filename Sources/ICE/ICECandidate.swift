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

        /// The type preferences over TCP (RFC 6544 §4.2 leaves them open), as browsers have them: a direct connection
        /// comes before a relay and after everything direct over UDP.
        var tcpTypePreference: UInt32 {
            switch self {
            case .host: 90
            case .peerReflexive: 80
            case .serverReflexive: 70
            case .relayed: 0
            }
        }

        /// RFC 6544 §4.2: who opens connections is better placed to do so from a host than from behind a NAT.
        func directionPreference(_ type: String?) -> UInt32 {
            switch (self, type) {
            case (.host, "active"): 6
            case (.host, "passive"): 4
            case (.host, _): 2
            case (_, "active"): 4
            case (_, "passive"): 2
            case (_, _): 6
            }
        }
    }

    /// The transport protocol.
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

    /// Whether it is a TCP candidate.
    public var isTCP: Bool {
        if case .tcp = transport { true } else { false }
    }

    /// Whether both stand for one transport address.
    func isAtPlace(of other: ICECandidate) -> Bool {
        socketAddress == other.socketAddress && isTCP == other.isTCP
    }

    /// RFC 8445 §5.1.2.1: 2²⁴ × type preference + 2⁸ × local preference + (256 − component).
    ///
    /// RFC 6544 §4.2: over TCP the local preference is 2¹³ × direction preference + other preference, where the other
    /// preference has 13 bits, and the type preference is lower than over UDP: "it is RECOMMENDED to prefer UDP".
    public static func priority(
        of kind: Kind, transport: Transport = .udp, localPreference: UInt16, component: UInt16 = 1
    ) -> UInt32 {
        var (type, local) = (kind.typePreference, UInt32(localPreference))
        if case .tcp(let direction) = transport {
            type = kind.tcpTypePreference
            local = kind.directionPreference(direction) << 13 | local >> 3
        }
        return type << 24 | local << 8 | (256 - UInt32(component))
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
