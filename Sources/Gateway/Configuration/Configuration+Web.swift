import Wire

extension Configuration {
    /// Where the page is served.
    public struct Web: Sendable, Equatable {
        /// The address to listen at; nil for all interfaces, IPv4 and IPv6.
        public var address: IPAddress?
        /// The TCP port; 0 lets the system choose.
        public var port: UInt16 = 8080
        /// The folder whose files are served in place of the page built into the program; nil for that page.
        public var folder: String?
    }
}

extension Configuration.Web {
    static let section = ConfigurationSection(
        "web", \.web, "The viewer's page and the signalling, both on one TCP port.",
        [
            .init(
                "address", \.address, .ipAddress,
                """
                The IPv4 or IPv6 address to listen at, such as 192.168.1.20 or ::1.
                Empty: every interface, IPv4 and IPv6.
                """),
            .init("port", \.port, .integer(0...65535), "The port. 0: any free one; the log says which."),
            .init(
                "folder", \.folder, .optionalText,
                "A folder whose files are served as the page. Empty: the page built into the program."),
        ])
}
