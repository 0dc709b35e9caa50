public import ICE
public import PeerConnection
public import Wire

extension Configuration {
    /// Which addresses are used.
    public enum AddressFamily: String, CaseIterable, Sendable {
        /// All.
        case any
        /// IPv4 only.
        case ipv4
        /// IPv6 only.
        case ipv6
    }

    /// How peers reach the daemon.
    public struct Network: Sendable, Equatable {
        /// The UDP ports that media may use; nil for any.
        public var udpPorts: ClosedRange<UInt16>?
        /// Whether viewers may connect over TCP where UDP does not get through (RFC 6544).
        public var tcp = true
        /// The network interfaces that media may use, by name or pattern, those after `!` excepted; empty for all.
        public var interfaces: [String] = []
        /// The address family that media may use.
        public var addressFamily = AddressFamily.any
        /// Addresses that the network forwards to this machine.
        public var externalAddresses: [IPAddress] = []
        /// Whether viewers are told of those alone.
        public var externalAddressesOnly = false
        /// Whether viewers are told names, which only the home network can resolve, in place of addresses.
        public var hideAddresses = false
        /// Servers that tell the page and the daemon their public addresses.
        public var stunServers: [RTCIceServerURL] = []
        /// The STUN server that is asked where there are neither others nor TURN servers; nil for none.
        public var stunFallback = RTCIceServerURL("stun:stun.l.google.com:19302")
        /// Servers that relay where nothing else gets through, for the page and the daemon.
        public var turnServers: [RTCIceServerURL] = []
        /// The name at the TURN servers.
        public var turnUsername = ""
        /// The password at the TURN servers.
        public var turnCredential = ""
        /// The secret that is shared with the TURN servers, of which names and passwords are made; empty for none.
        public var turnSecret = ""
        /// How long those are valid.
        public var turnCredentialLifetime = Duration.seconds(3600)
        /// The PEM file of the authorities that vouch for TURN servers under TLS; nil for the system's.
        public var turnAuthorities: String?
        /// Whether calls go by TURN servers alone, on both sides.
        public var iceTransportPolicy = RTCIceTransportPolicy.all
    }
}

extension Configuration.Network {
    static let section = ConfigurationSection(
        "network", \.network, "How media reaches the viewers.",
        [
            .init(
                "udp_port", \.udpPorts, .portRange,
                "The UDP port for media, or a range such as 50000-50100, for a firewall's sake. 0: any."),
            .init(
                "tcp", \.tcp, .boolean,
                """
                Whether viewers behind a firewall without UDP may connect over TCP, at the same port where it is free.
                """),
            .init(
                "interfaces", \.interfaces, .list(of: .text(1...16)),
                """
                The network interfaces that media may use, such as [eth0, "wl*"]; "!docker*" leaves some out.
                Empty: all.
                """),
            .init(
                "address_family", \.addressFamily, .choice,
                "The addresses that media may use: any, ipv4 or ipv6."),
            .init(
                "external_addresses", \.externalAddresses, .list(of: .address),
                """
                Addresses at which the network forwards the media ports to this machine, such as a router's or those
                of what a container runs on.
                """),
            .init(
                "external_addresses_only", \.externalAddressesOnly, .boolean,
                "Whether viewers are told of those in place of this machine's own, which they could not reach anyway."),
            .init(
                "hide_addresses", \.hideAddresses, .boolean,
                """
                Whether viewers are told random names in place of this machine's addresses, which only the home network
                resolves (mDNS).
                """),
            .init(
                "stun_servers", \.stunServers, .list(of: .iceServer([.stun])), variable: "STUN_SERVERS",
                """
                STUN servers, as host:port or stun:host:port, for viewers outside the home network.
                """),
            .init(
                "stun_fallback", \.stunFallback, .optional(.iceServer([.stun])),
                """
                The public STUN server that the door and the pages ask for their public addresses where no server stands in
                stun_servers or turn_servers. It learns those addresses, and nothing of the calls. Empty: none is asked, and
                calls find their way in the home network alone.
                """),
            .init(
                "turn_servers", \.turnServers, .list(of: .iceServer([.turn, .turns])), variable: "TURN_SERVER",
                """
                TURN servers that relay where nothing else gets through, or one server's ways in, such as
                ["turn:turn.example.org", "turn:turn.example.org?transport=tcp", "turns:turn.example.org"]: UDP, TCP, TLS.
                They need a name and a password, or a secret.
                """),
            .init(
                "turn_username", \.turnUsername, .text(0...512), variable: "TURN_USERNAME", "The user name there."),
            .init(
                "turn_credential", \.turnCredential, .text(0...512, isSecret: true), variable: "TURN_CREDENTIAL",
                "The password there."),
            .init(
                "turn_secret", \.turnSecret, .text(0...512, isSecret: true), variable: "TURN_SECRET",
                """
                In place of both: the secret shared with the servers (coturn's use-auth-secret), of which names and passwords
                are made that expire, and are renewed before they do. It never leaves this machine.
                """),
            .init(
                "turn_credential_lifetime_seconds", \.turnCredentialLifetime, .duration(.seconds, 4...604_800),
                "How long those are valid."),
            .init(
                "turn_authorities", \.turnAuthorities, .optionalText,
                """
                A PEM file with the certificates of the authorities that vouch for turns: servers, for this machine's own
                connections to them. Empty: those that the system trusts.
                """),
            .init(
                "ice_transport_policy", \.iceTransportPolicy, .choice,
                """
                all: media goes the shortest way there is. relay: by TURN servers alone, so that neither side of a call
                learns the other's address.
                """),
        ])
}
