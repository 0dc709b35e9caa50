public import ICE
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
        /// The server that relays where nothing else gets through, for the page's RTCPeerConnection; nil for none.
        public var turnServer: RTCIceServerURL?
        /// The name at the TURN server.
        public var turnUsername = ""
        /// The password at the TURN server.
        public var turnCredential = ""
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
                None is asked unless it stands here.
                """),
            .init(
                "turn_server", \.turnServer, .optional(.iceServer([.turn, .turns])), variable: "TURN_SERVER",
                """
                The TURN server that the page may relay through, such as turn:turn.example.org:3478?transport=udp.
                It needs a name and a password. Empty: none.
                """),
            .init("turn_username", \.turnUsername, .text(0...512), variable: "TURN_USERNAME", "Its user name."),
            .init(
                "turn_credential", \.turnCredential, .text(0...512, isSecret: true), variable: "TURN_CREDENTIAL",
                "Its password."),
        ])
}
