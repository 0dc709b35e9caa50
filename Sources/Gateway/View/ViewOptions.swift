public import ICE

/// What `doorward view` is told.
public struct ViewOptions: Equatable, Sendable {
    /// The WHEP address.
    public var url = ""
    /// The bearer token to show.
    public var token: String?
    /// How long to watch; nil for as long as nobody stops it.
    public var duration: Duration?
    /// The file for the picture, H.264 as a byte stream (Annex B).
    public var videoFile: String?
    /// The file for the sound, Opus in Ogg.
    public var audioFile: String?
    /// Whether the server may show any certificate.
    public var trustsAnyCertificate = false
    /// STUN and TURN servers to use; empty for those that the WHEP server names.
    public var iceServers: [RTCIceServerURL] = []
    /// The user name at the TURN servers.
    public var iceUsername = ""
    /// The password there.
    public var iceCredential = ""
    /// The PEM file of the authorities that vouch for TURN servers under TLS; nil for the system's.
    public var iceAuthorities: String?
    /// Whether everything is to go by a TURN server.
    public var isRelayOnly = false

    /// Understands the arguments of `view`.
    static func parse(_ arguments: ArraySlice<String>) throws(Command.UsageError) -> ViewOptions {
        var options = ViewOptions()
        var rest = arguments
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            func value() throws(Command.UsageError) -> String {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst(), !value.isEmpty else {
                    throw Command.UsageError(description: "\(name) needs a value")
                }
                return value
            }
            switch name {
            case "--token": options.token = try value()
            case "--duration":
                let text = try value()
                guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
                    throw Command.UsageError(description: "--duration needs seconds, not “\(text)”")
                }
                options.duration = .milliseconds(Int64(seconds * 1000))
            case "--save-video": options.videoFile = try value()
            case "--save-audio": options.audioFile = try value()
            case "--ice-server":
                let text = try value()
                guard let url = RTCIceServerURL(text) else {
                    throw Command.UsageError(description: "--ice-server needs the URI of a server, not “\(text)”")
                }
                options.iceServers.append(url)
            case "--ice-username": options.iceUsername = try value()
            case "--ice-credential": options.iceCredential = try value()
            case "--ice-authorities": options.iceAuthorities = try value()
            case "--relay-only" where parts.count == 1: options.isRelayOnly = true
            case "--insecure" where parts.count == 1: options.trustsAnyCertificate = true
            default:
                // an address may have an equals sign in its query
                guard options.url.isEmpty, !argument.hasPrefix("-") else {
                    throw Command.UsageError(description: "view takes no “\(argument)”")
                }
                options.url = argument
            }
        }
        guard !options.url.isEmpty else { throw Command.UsageError(description: "view needs the address to call") }
        return options
    }
}
