public import ICE

extension Configuration {
    /// How peers reach the daemon.
    public struct Network: Sendable, Equatable {
        /// The UDP ports that media may use; nil for any.
        public var udpPorts: ClosedRange<UInt16>?
        /// The network interfaces that media may use, by name; empty for all.
        public var interfaces: [String] = []
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
                "interfaces", \.interfaces, .list(of: .text(1...15)),
                "The network interfaces that media may use, such as [eth0, wlan0]. Empty: all."),
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
