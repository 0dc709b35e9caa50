/// An HTTP request for anything but a page file.
public struct HTTPRequest: Hashable, Sendable {
    /// The method, in capitals.
    public var method: String
    /// The path, percent-decoded and without dot segments; begins with a slash.
    public var path: String
    /// The query's parameters, percent-decoded; one without an equals sign has an empty value, the last of equal names
    /// counts.
    public var query: [String: String]
    /// The header fields by their names in lower case: those that libwebsockets knows, which are HTTP's own.
    public var headers: [String: String]
    /// The body.
    public var body: [UInt8]
    /// The address of the other side, without its port.
    public var remoteAddress: String
    /// The `Host` that the client asked, with the port where it gave one.
    public var host: String
    /// Whether it came over TLS.
    public var isSecure: Bool

    /// A request.
    public init(
        method: String, path: String, query: [String: String] = [:], headers: [String: String] = [:],
        body: [UInt8] = [],
        remoteAddress: String = "", host: String = "", isSecure: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.host = host
        self.isSecure = isSecure
    }

    /// Whether a browser sent this for a page of another origin than this server's (RFC 6454 §7); nil where it does not
    /// say whose page it was for.
    public var isFromForeignPage: Bool? {
        headers["origin"].map { !Origin.isOwn($0, host: host, allowed: []) }
    }
}

extension HTTPRequest {
    /// The name or the address in `host`, in lower case and without the port; an IPv6 address keeps its brackets.
    public var hostName: String { Origin.hostName(of: host) }
}

/// The answer to an HTTP request.
public struct HTTPResponse: Hashable, Sendable {
    /// A header field.
    public struct Header: Hashable, Sendable {
        /// The name, in any case.
        public var name: String
        /// The value; what HTTP does not allow in one (control characters) becomes a space.
        public var value: String

        /// The field `name: value`.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The status code.
    public var status: Int
    /// The header fields. The server adds `Date`, `Content-Length`, `Connection`, `X-Content-Type-Options: nosniff`
    /// and, unless given here, `Cache-Control: no-store`, `Referrer-Policy: no-referrer` and a `Content-Security-Policy`
    /// that lets nothing be loaded and nobody frame it.
    public var headers: [Header]
    /// The body.
    public var body: [UInt8]

    /// An answer.
    public init(status: Int, headers: [Header] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer of plain text.
    public init(status: Int, text: String, headers: [Header] = []) {
        self.init(
            status: status, headers: [Header("Content-Type", "text/plain; charset=utf-8")] + headers,
            body: Array(text.utf8))
    }

    /// 404, for what nobody serves.
    public static let notFound = HTTPResponse(status: 404, text: "Not found\n")

    /// 405, naming the methods that are served.
    public static func methodNotAllowed(allow: String) -> HTTPResponse {
        HTTPResponse(status: 405, text: "Method not allowed\n", headers: [Header("Allow", allow)])
    }
}
