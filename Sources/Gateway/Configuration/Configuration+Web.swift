import Certificates
import Wire

extension Configuration {
    /// Where the page is served.
    public struct Web: Sendable, Equatable {
        /// The address to listen at; nil for all interfaces, IPv4 and IPv6.
        public var address: IPAddress?
        /// The TCP port for plain HTTP; 0 lets the system choose.
        public var port: UInt16 = 8080
        /// Whether the page is served over HTTPS, and plain HTTP only explains how to get there.
        public var https = true
        /// The TCP port for HTTPS; 0 lets the system choose.
        public var httpsPort: UInt16 = 8443
        /// The PEM file of the owner's own certificate and of those who vouch for it; nil for the device's own.
        public var certificate: String?
        /// The PEM file of that certificate's key; nil where it is in the same file.
        public var key: String?
        /// Further names that the machine is reached by, for the device's own certificate.
        public var names: [String] = []
        /// Who says who may come in.
        public enum Authentication: String, CaseIterable, Sendable {
            /// The household: people pair, or are invited.
            case household
            /// Nobody here: something before the daemon does, or everybody may.
            case none
        }

        /// Who says who may come in.
        public var authentication = Authentication.household
        /// The folder whose files are served in place of the page built into the program; nil for that page.
        public var folder: String?
    }
}

extension Configuration.Web {
    static let section = ConfigurationSection(
        "web", \.web, "The viewer's page and the signalling.",
        [
            .init(
                "address", \.address, .ipAddress,
                """
                The IPv4 or IPv6 address to listen at, such as 192.168.1.20 or ::1.
                Empty: every interface, IPv4 and IPv6.
                """),
            .init(
                "port", \.port, .integer(0...65535),
                """
                The port for plain HTTP, where browsers are told how to get to HTTPS. 0: any free one; the log says which.
                """),
            .init(
                "https", \.https, .boolean,
                """
                Whether the page is served over HTTPS, without which browsers give no microphone. false: all is served over
                plain HTTP; for those who have a proxy with TLS before the door.
                """),
            .init("https_port", \.httpsPort, .integer(0...65535), "The port for HTTPS. 0: any free one."),
            .init(
                "certificate", \.certificate, .optionalText,
                """
                A PEM file with a certificate of your own, followed by those who vouch for it. It is read again when it
                changes. Empty: the door makes an authority of its own, which each device has to trust once.
                """),
            .init(
                "key", \.key, .optionalText,
                "A PEM file with that certificate's private key. Empty: it is in the same file."),
            .init(
                "names", \.names, .list(of: .hostName),
                """
                Further names that the door is reached by, such as [door.home.example]. An authority vouches for those that
                it was made with; to add more later, remove authority.pem from the state folder, and install the new one.
                """),
            .init(
                "authentication", \.authentication, .choice,
                """
                household: people pair with a code or are invited, and programs show tokens.
                none: whoever reaches the port sees and hears the door. For a proxy that asks who comes, or
                a network that only friends are in.
                """),
            .init(
                "folder", \.folder, .optionalText,
                "A folder whose files are served as the page. Empty: the page built into the program."),
        ])
}

extension SettingType<String> {
    /// The name of a host.
    static var hostName: Self {
        .init(scalar: "the name of a host", format: quote) { text, _ in
            let name = text.lowercased()
            return CertificateSubjects.isName(name) ? name : nil
        }
    }
}
