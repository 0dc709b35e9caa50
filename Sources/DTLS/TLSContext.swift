import COpenSSL

/// Whom a TLS client trusts (`SSL_CTX`), made once for all its connections.
public final class TLSContext: Sendable {
    // OpenSSL's own lock and reference count guard it, and nobody changes it once it is set up.
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Trusts the certificate authorities of the PEM file at `authorities`, or those that the system trusts where none
    /// is given.
    public init(authorities: String? = nil) throws(TLSError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw .lastInOpenSSL }
        pointer = context
        ERR_clear_error()
        // RFC 8446 and RFC 9325 §3.1.1: TLS 1.2 at least
        guard doorward_ssl_ctx_set_least_tls_1_2(context) == 1 else { throw .lastInOpenSSL }
        let isTrusting =
            authorities.map { SSL_CTX_load_verify_locations(context, $0, nil) }
            ?? SSL_CTX_set_default_verify_paths(context)
        guard isTrusting == 1 else { throw .lastInOpenSSL }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        doorward_ssl_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
    }

    deinit {
        SSL_CTX_free(pointer)
    }
}

/// Why a TLS connection did not come about, or ended.
public enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The server's certificate is not trusted, or is not its name's; the text is OpenSSL's.
    case untrusted(String)
    /// The connection ended without the other side's close_notify, or before the handshake's end.
    case truncated
    /// The other side broke a rule of the protocol, or the two sides have nothing in common; the text is OpenSSL's.
    case failed(String)

    static var lastInOpenSSL: TLSError {
        let code = ERR_peek_error()
        guard code != 0, let text = ERR_reason_error_string(code) else { return .failed("unknown") }
        return .failed(String(cString: text))
    }

    /// A sentence for people.
    public var description: String {
        switch self {
        case .untrusted(let reason): "the server's certificate is not trusted: \(reason)"
        case .truncated: "the connection was cut off"
        case .failed(let reason): "TLS failed: \(reason)"
        }
    }
}
