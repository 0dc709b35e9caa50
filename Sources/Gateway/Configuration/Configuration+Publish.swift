import FoundationEssentials
import Web

extension Configuration {
    /// Where the door's picture and sound go for more viewers than the uplink bears.
    public struct Publish: Sendable, Equatable {
        /// The WHIP address (RFC 9725); nil for none.
        public var whipURL: String?
        /// The bearer token there; empty for none.
        public var whipToken = ""
    }
}

extension Configuration.Publish {
    static let section = ConfigurationSection(
        "publish", \.publish, "A media server (SFU) that passes the door's one encode on to many viewers.",
        [
            .init(
                "whip_url", \.whipURL, .optional(.webAddress), variable: "WHIP_URL",
                """
                The server's WHIP address, such as https://sfu.example.org/whip/door. The door keeps sending picture and sound
                there, also while nobody watches at home. Empty: nowhere.
                """),
            .init(
                "whip_token", \.whipToken, .text(0...4096, isSecret: true), variable: "WHIP_TOKEN",
                "The bearer token that the server wants to see."),
        ])
}

extension SettingType<String> {
    /// An http or https address.
    static var webAddress: Self {
        .init(scalar: "an http or https address", format: quote) { text, _ in
            URL(string: text).flatMap { HTTPClient.Target($0) } == nil ? nil : text
        }
    }
}
