import Wire

/// The URI of a STUN server (RFC 7064) or a TURN server (RFC 7065).
public struct RTCIceServerURL: Hashable, Sendable, CustomStringConvertible {
    /// The scheme.
    public enum Scheme: String, CaseIterable, Sendable {
        /// STUN over UDP.
        case stun
        /// STUN over TLS.
        case stuns
        /// TURN over UDP or TCP.
        case turn
        /// TURN over TLS or DTLS.
        case turns

        /// Whether the server is spoken to under TLS (or DTLS).
        public var isSecure: Bool { self == .stuns || self == .turns }
        /// Whether the server relays.
        public var relays: Bool { self == .turn || self == .turns }
    }

    /// The transport that a TURN URI asks for.
    public enum Transport: String, CaseIterable, Sendable {
        /// UDP, or DTLS with `turns`.
        case udp
        /// TCP, or TLS with `turns`.
        case tcp
    }

    /// The scheme.
    public let scheme: Scheme
    /// A name or an IPv4 or IPv6 address, without brackets.
    public let host: String
    /// The port; the scheme's own where the URI names none.
    public let port: UInt16
    /// The transport; nil where the URI names none.
    public let transport: Transport?

    /// The URI `text`; where it names no scheme, `host:port`, it gets `defaultScheme`. Nil where it is none.
    public init?(_ text: String, defaultScheme: Scheme? = nil) {
        var rest = text[...]
        var named = defaultScheme
        // RFC 3986 §3.1: schemes do not care for case.
        if let own = Scheme.allCases.first(where: { text.lowercased().hasPrefix($0.rawValue + ":") }) {
            named = own
            rest = rest.dropFirst(own.rawValue.count + 1)
        }
        guard let scheme = named else { return nil }
        // RFC 7065 §3.1: turnURI = scheme ":" host [ ":" port ] [ "?transport=" transport ]; a STUN URI has no query.
        var transport: Transport?
        if let query = rest.firstIndex(of: "?") {
            let name = "?transport="
            guard scheme.relays, rest[query...].hasPrefix(name) else { return nil }
            transport = Transport(rawValue: String(rest[query...].dropFirst(name.count)))
            guard transport != nil else { return nil }
            rest = rest[..<query]
        }
        guard let (host, port) = Self.hostAndPort(rest) else { return nil }
        self.scheme = scheme
        self.host = host
        self.port = port ?? (scheme.isSecure ? 5349 : 3478)
        self.transport = transport
    }

    /// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; the port is nil where there is none.
    private static func hostAndPort(_ text: Substring) -> (host: String, port: UInt16?)? {
        let host: Substring
        let tail: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            guard IPAddress(host)?.isIPv6 == true else { return nil }
            tail = text[text.index(after: end)...]
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            let isHostCharacter = { (byte: UInt8) in
                byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
                    || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            }
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isHostCharacter) else { return nil }
            tail = text[end...]
        }
        if tail.isEmpty { return (String(host), nil) }
        let digits = tail.dropFirst()
        guard tail.hasPrefix(":"), digits.allSatisfy(\.isASCIIDigit), let port = UInt16(digits), port > 0 else {
            return nil
        }
        return (String(host), port)
    }

    /// Whether the server is reached by a TCP connection: what the URI asks for, else what its scheme is for.
    public var usesTCP: Bool { transport.map { $0 == .tcp } ?? scheme.isSecure }

    /// `turn:turn.example.org:3478?transport=udp`, as the page's RTCPeerConnection takes it.
    public var description: String {
        let host = host.contains(":") ? "[\(host)]" : host
        let query = transport.map { "?transport=\($0.rawValue)" } ?? ""
        return "\(scheme.rawValue):\(host):\(port)\(query)"
    }
}

extension Character {
    /// Whether it is one of 0 to 9; other scripts' digits, which `Int` refuses too, are not.
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
