/// Whether a page from one origin may use this server's WebSocket, and change anything.
enum Origin {
    /// Whether `origin` (the `Origin` field) is the server itself as the client knows it (`host`, the `Host` field), or
    /// one of `allowed`.
    ///
    /// WebSockets are outside the same-origin policy: without this check any page on the web could use the browser of
    /// someone at home to open the door's socket (RFC 6455 §10.2); and to send a request, of which the policy keeps only
    /// the answer from it.
    static func isOwn(_ origin: String, host: String, allowed: [String]) -> Bool {
        let origin = origin.lowercased()
        if allowed.contains(where: { $0.lowercased() == origin }) { return true }
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where origin.hasPrefix(scheme) {
            let strip = { (authority: Substring) in
                authority.hasSuffix(port) ? authority.dropLast(port.count) : authority
            }
            return strip(origin.dropFirst(scheme.count)) == strip(host.lowercased()[...])
        }
        return false
    }

    /// The name or address in a `Host` field, in lower case and without the port; an IPv6 address keeps its brackets.
    static func hostName(of host: String) -> String {
        let name = host.lowercased()
        let isBracketed = name.hasPrefix("[")
        let end = isBracketed ? name.firstIndex(of: "]").map { name.index(after: $0) } : name.firstIndex(of: ":")
        return String(name[..<(end ?? name.endIndex)])
    }

    /// Whether a name or an address, with or without brackets, is this machine's to itself.
    static func isLoopback(_ name: String) -> Bool {
        name == "localhost" || name.hasSuffix(".localhost") || name == "[::1]" || name == "::1"
            || name.hasPrefix("127.") && name.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }

    /// Whether `host` has the characters of a host with a port, so that it may be repeated in a header field.
    static func isHost(_ host: String) -> Bool {
        !host.isEmpty && host.utf8.count <= 255
            && host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }
}
