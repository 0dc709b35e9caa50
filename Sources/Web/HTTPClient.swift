/// HTTP/1.1 and HTTPS requests to a server anywhere, each on a connection of its own, by libwebsockets.
///
/// A call waits for the whole answer. Redirects are left to the caller, who knows which of them keep the method.
public struct HTTPClient: Sendable {
    /// Where a request goes.
    public struct Target: Hashable, Sendable {
        /// Whether it goes by TLS.
        public var isSecure: Bool
        /// A name, or an address without brackets.
        public var host: String
        /// The port.
        public var port: UInt16
        /// The path with its query, percent-encoded; begins with a slash.
        public var path: String

        /// The target at `host`.
        public init(isSecure: Bool, host: String, port: UInt16, path: String) {
            self.isSecure = isSecure
            self.host = host
            self.port = port
            self.path = path
        }

        /// What the `Host` field says: RFC 9110 §7.2, without the scheme's own port.
        var hostField: String {
            let name = host.contains(":") ? "[\(host)]" : host
            return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
        }
    }

    /// Why there was no answer.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// A sentence.
        public let description: String

        /// A failure for the reason `description`.
        public init(description: String) {
            self.description = description
        }
    }

    /// Whether a server may show any certificate, rather than one that the system's authorities vouch for.
    public var trustsAnyCertificate: Bool
    /// How long a server may take, from the start of an exchange to its end.
    public var timeout: Duration

    /// The longest answer that is taken.
    static let bodyLimit = 1 << 20

    /// A client that checks certificates, unless told otherwise.
    public init(trustsAnyCertificate: Bool = false, timeout: Duration = .seconds(10)) {
        self.trustsAnyCertificate = trustsAnyCertificate
        self.timeout = timeout
    }

    /// Sends a request and waits for the answer. Its header fields are those that libwebsockets knows; a field that
    /// came more than once is put together with commas (RFC 9110 §5.2).
    public func send(
        _ method: String, to target: Target, headers: [HTTPResponse.Header] = [], body: [UInt8] = []
    ) throws(Failure) -> HTTPResponse {
        let exchange = HTTPExchange(method: method, target: target, headers: headers, body: body)
        return try exchange.run(trustsAnyCertificate: trustsAnyCertificate, timeout: timeout)
    }
}
