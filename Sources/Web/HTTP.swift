/// An HTTP request for anything but a page file.
public struct HTTPRequest: Hashable, Sendable {
    /// The method, in capitals.
    public var method: String
    /// The path, percent-decoded and without dot segments; begins with a slash.
    public var path: String
    /// What follows the first question mark, as it came; empty without one.
    public var query: String
    /// The header fields by their names in lower case.
    public var headers: [String: String]
    /// The body.
    public var body: [UInt8]
    /// The address of the other side, without its port.
    public var remoteAddress: String
    /// The `Host` that the client asked, with the port where it gave one.
    public var host: String

    /// A request.
    public init(
        method: String, path: String, query: String = "", headers: [String: String] = [:], body: [UInt8] = [],
        remoteAddress: String = "", host: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.host = host
    }
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
    /// The header fields. `Content-Length` and `Date`-like housekeeping is the server's; it adds
    /// `X-Content-Type-Options: nosniff` by itself.
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
}
