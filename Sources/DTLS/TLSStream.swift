import COpenSSL

/// The client's side of one TLS connection, between the bytes of an application and those of a TCP connection, without
/// I/O.
///
///     connecting ─ handshake done, certificate trusted and the name's ─► open ─ close, close_notify ─► closed
///          └───────────────── anything else ──────────────► failed ◄──────┘
public final class TLSStream {
    /// How far it is.
    public enum State: Hashable, Sendable {
        /// The handshake is under way.
        case connecting
        /// Bytes can be exchanged.
        case open
        /// Either side has closed it.
        case closed
        /// It is of no use any more.
        case failed(TLSError)
    }

    /// How far it is.
    public private(set) var state = State.connecting
    /// The longest that is buffered of what the application sends before the handshake's end.
    private static let earlyLimit = 65536

    private let ssl: OpaquePointer
    /// What came over TCP, and what is to be sent by it. `ssl` owns both.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private var early: [UInt8] = []

    /// A connection to the server called `name`, an IP address or a name, which its certificate must be for (RFC 6125).
    public init(context: TLSContext, name: String) {
        guard let ssl = SSL_new(context.pointer), let incoming = BIO_new(BIO_s_mem()),
            let outgoing = BIO_new(BIO_s_mem())
        else { preconditionFailure("OpenSSL has memory") }
        self.ssl = ssl
        self.incoming = incoming
        self.outgoing = outgoing
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_connect_state(ssl)
        // RFC 6066 §3: literal addresses "are not permitted" as a server name
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) != 1 {
            ERR_clear_error()
            let isSet = doorward_ssl_set_server_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1
            if !isSet { state = .failed(.lastInOpenSSL) }
        }
        if state == .connecting { handshake() }
    }

    deinit {
        SSL_free(ssl)
    }

    /// Takes bytes that came over TCP and returns those of the application that they hold.
    public func receive(_ bytes: [UInt8]) -> [UInt8] {
        guard state == .connecting || state == .open, !bytes.isEmpty else { return [] }
        let written = BIO_write(incoming, bytes, Int32(clamping: bytes.count))
        guard written == bytes.count else {
            state = .failed(.failed("no memory"))
            return []
        }
        if state == .connecting { handshake() }
        guard state == .open else { return [] }
        return read()
    }

    /// The other side has closed the TCP connection. Without its close_notify before, what came may have been cut
    /// short (RFC 8446 §6.1).
    public func ended() {
        if state == .connecting || state == .open { state = .failed(.truncated) }
    }

    /// Takes bytes of the application, which leave encrypted by `takeOutgoing`; before the handshake's end they wait.
    public func send(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return }
        switch state {
        case .connecting where early.count + bytes.count <= Self.earlyLimit: early += bytes
        case .open: write(Array(bytes))
        default: break
        }
    }

    /// Ends the connection: the other side is told.
    public func close() {
        if state == .open { SSL_shutdown(ssl) }
        if state == .connecting || state == .open { state = .closed }
    }

    /// The bytes to send over TCP, all since the last call.
    public func takeOutgoing() -> [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = doorward_bio_get_mem_data(outgoing, &start)
        guard count > 0, let start else { return [] }
        let bytes = Array(UnsafeRawBufferPointer(start: start, count: count))
        forgetContent(of: outgoing)
        return bytes
    }

    private func handshake() {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        guard result == 1 else { return failIfFatal(result) }
        state = .open
        let waiting = early
        early = []
        if !waiting.isEmpty { write(waiting) }
    }

    private func write(_ bytes: [UInt8]) {
        ERR_clear_error()
        let result = SSL_write(ssl, bytes, Int32(clamping: bytes.count))
        if result <= 0 { failIfFatal(result) }
    }

    private func read() -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 1) { buffer in
            while state == .open {
                ERR_clear_error()
                let count = SSL_read(ssl, buffer.baseAddress, Int32(buffer.count))
                guard count > 0 else {
                    if SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN { close() } else { failIfFatal(count) }
                    return
                }
                bytes += UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])
                if SSL_pending(ssl) == 0, BIO_ctrl_pending(incoming) == 0 { return }
            }
        }
        return bytes
    }

    private func failIfFatal(_ result: Int32) {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            break
        default:
            let verdict = SSL_get_verify_result(ssl)
            let isVerdict = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED
            let error =
                isVerdict
                ? TLSError.untrusted(String(cString: X509_verify_cert_error_string(verdict))) : .lastInOpenSSL
            state = .failed(error)
            ERR_clear_error()
        }
    }
}

/// Forgets what was read of a memory BIO.
private func forgetContent(of bio: OpaquePointer) {
    BIO_ctrl(bio, BIO_CTRL_RESET, 0, nil)
}
