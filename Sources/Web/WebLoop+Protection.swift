// What may be asked over which connection, and what the page may do.
extension WebLoop {
    /// What is answered over plain HTTP, too: the page that tells how to come to trust HTTPS, and what it needs.
    private static let openFiles: Set = [
        "/certificate", "/certificate.js", "/strings.js", "/language.js", "/english.js", "/german.js", "/formats.js",
        "/style.css", "/icon.svg",
    ]

    /// Whether nobody in between can have read or changed a request: it came over TLS, or from this machine by a name
    /// that means this machine (W3C Secure Contexts §3.1), or there is no TLS here and a proxy before us has it.
    ///
    /// The name is looked at, too, because a page elsewhere may have a name of its own that leads to 127.0.0.1.
    func isTrustworthy(_ connection: Connection, _ head: RequestHead) -> Bool {
        guard configuration.securePort != nil, !connection.isSecure else { return true }
        return Origin.isLoopback(connection.remoteAddress) && Origin.isLoopback(Origin.hostName(of: head.host))
    }

    /// Where a request goes that came over plain HTTP and may not: a person to the page that explains, a program to the
    /// same address under HTTPS; nil where it may.
    func redirection(_ connection: Connection, _ head: RequestHead) -> HTTPResponse? {
        guard !isTrustworthy(connection, head), !WebLoop.openFiles.contains(head.path),
            !head.path.hasPrefix("/certificate/")
        else { return nil }
        if head.method == "GET" || head.method == "HEAD", head.headers["accept"]?.contains("text/html") == true {
            return HTTPResponse(status: 307, headers: [.init("Location", "/certificate")])
        }
        guard !head.host.isEmpty else { return HTTPResponse(status: 403, text: "Over HTTPS only\n") }
        // RFC 9110 §15.4.9: unlike 301 it keeps the method
        return HTTPResponse(
            status: 308, text: "Over HTTPS only\n",
            headers: [.init("Location", "\(secureOrigin(host: head.host))\(head.target)")])
    }

    /// This server under HTTPS, as a client knows it by `host`.
    private func secureOrigin(host: String) -> String {
        let port = mailbox.securePort
        return "https://\(Origin.hostName(of: host))" + (port == 443 ? "" : ":\(port)")
    }

    /// The header fields that say what the page may do, and who may do what with it.
    func protection(host: String) -> [HTTPResponse.Header] {
        // 'self' covers the page's own WebSocket by CSP level 3; older Safari wants it named. The page that explains
        // tries whether HTTPS is trusted.
        var sockets = host.isEmpty ? "" : " ws://\(host) wss://\(host)"
        if configuration.securePort != nil, !host.isEmpty { sockets += " \(secureOrigin(host: host))" }
        for origin in configuration.connectableOrigins { sockets += " \(origin)" }
        return [
            .init(
                "Content-Security-Policy",
                "default-src 'self'; connect-src 'self'\(sockets); img-src 'self' data: blob:; media-src 'self' blob:; "
                    + "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
            .init(
                "Permissions-Policy",
                "microphone=(self), camera=(self), geolocation=(), payment=(), usb=(), serial=(), display-capture=()"),
            .init("Referrer-Policy", "no-referrer"),
            .init("X-Frame-Options", "DENY"),
            .init("Cross-Origin-Opener-Policy", "same-origin"),
            .init("Cross-Origin-Resource-Policy", "same-origin"),
        ]
    }
}
