import FoundationEssentials
import Web

extension Configuration {
    /// The meeting point: an MQTT 5 broker by way of which pages outside the house reach the door.
    public struct Meeting: Sendable, Equatable {
        /// Where the door connects to; nil for nowhere.
        public var url: BrokerAddress?
        /// The door's user name there; empty for none.
        public var username = ""
        /// The door's password there.
        public var password = ""
        /// The PEM file of the authorities that vouch for the broker; nil for the system's.
        public var authorities: String?
        /// What every topic begins with.
        public var topic = "doorward"
        /// Where pages connect to; nil where there is no meeting point.
        public var pageBrokerURL: String?
        /// The user name that pages share; empty for none.
        public var pageUsername = ""
        /// The password that pages share.
        public var pagePassword = ""
        /// Where a copy of the page is on the web; nil for nowhere.
        public var pageURL: String?

        /// The origin of that address, for the page's leave to connect to it; nil where there is no meeting point.
        var pageBrokerOrigin: String? {
            guard url != nil, let address = pageBrokerURL, let url = URL(string: address), let scheme = url.scheme,
                let host = url.host
            else { return nil }
            let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
            return "\(scheme)://\(name)" + (url.port.map { ":\($0)" } ?? "")
        }
    }

    /// Where a broker listens.
    public struct BrokerAddress: Sendable, Equatable, CustomStringConvertible {
        /// Whether it is reached under TLS.
        public var isSecure: Bool
        /// Its name or address.
        public var host: String
        /// Its TCP port.
        public var port: UInt16

        /// The address that `text` is; nil where that is none.
        init?(_ text: String) {
            guard let url = URL(string: text), let scheme = url.scheme?.lowercased(),
                scheme == "mqtts" || scheme == "mqtt", let host = url.host, !host.isEmpty, url.path.count <= 1,
                url.query == nil, url.fragment == nil, url.user == nil, url.password == nil
            else { return nil }
            isSecure = scheme == "mqtts"
            guard let port = UInt16(exactly: url.port ?? (isSecure ? 8883 : 1883)), port > 0 else { return nil }
            self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
            self.port = port
        }

        /// The address as it is written.
        public var description: String {
            "\(isSecure ? "mqtts" : "mqtt")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }
}

extension Configuration.Meeting {
    static let section = ConfigurationSection(
        "meeting", \.meeting,
        "The meeting point, an MQTT 5 broker by way of which pages reach the door from outside the house.",
        [
            .init(
                "url", \.url, .optional(.brokerAddress),
                """
                The broker, such as mqtts://broker.example.org:8883. The door keeps one connection to it, and learns by it who
                calls from outside; the broker reads and changes none of what is said. Empty: there is none.
                """),
            .init("username", \.username, .text(0...512), "The door's user name there."),
            .init("password", \.password, .text(0...512, isSecret: true), "The door's password there."),
            .init(
                "ca_file", \.authorities, .optionalText,
                """
                A PEM file with the certificates of the authorities that vouch for the broker. Empty: those that the
                system trusts.
                """),
            .init(
                "topic", \.topic, .topic,
                "What every topic begins with, for brokers that give each user a part of their own."),
            .init(
                "page_broker_url", \.pageBrokerURL, .optional(.webSocketAddress),
                "The same broker as browsers reach it, such as wss://broker.example.org/mqtt."),
            .init(
                "page_username", \.pageUsername, .text(0...512),
                "The user name that all pages share there. Each page has a key of its own besides."),
            .init("page_password", \.pagePassword, .text(0...512, isSecret: true), "The password that they share."),
            .init(
                "page_url", \.pageURL, .optional(.webAddress),
                """
                Where a copy of the page is on the web, such as https://door.example.org/, for invitations that work
                outside the house. Empty: nowhere.
                """),
        ])
}

extension SettingType<Configuration.BrokerAddress> {
    /// The address of an MQTT broker.
    static var brokerAddress: Self {
        .init(scalar: "the address of a broker (mqtts://host:port)", format: { quote("\($0)") }) { text, _ in
            Configuration.BrokerAddress(text)
        }
    }
}

extension SettingType<String> {
    /// A ws or wss address.
    static var webSocketAddress: Self {
        .init(scalar: "a wss or ws address", format: quote) { text, _ in
            guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), scheme == "wss" || scheme == "ws",
                let host = url.host, !host.isEmpty, host.allSatisfy({ isHostCharacter($0) }), url.fragment == nil,
                url.user == nil
            else { return nil }
            return text
        }
    }

    private static func isHostCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || ".-:[]".contains(character))
    }

    /// What topics begin with.
    static var topic: Self {
        .init(scalar: "text of 1 to 64 characters without +, # and spaces", format: quote) { text, _ in
            let isFree = !text.contains { "+#\0$".contains($0) || $0.isWhitespace }
            let hasNames = text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
            return (1...64).contains(text.utf8.count) && isFree && hasNames ? text : nil
        }
    }
}
