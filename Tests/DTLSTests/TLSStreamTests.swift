import COpenSSL
import DTLS
import Glibc
import Testing

/// A TLS server in memory with a certificate of its own making, for the names `relay.example` and 192.0.2.1.
final class TLSServer {
    private let context: OpaquePointer
    private let ssl: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private(set) var received: [UInt8] = []
    private(set) var isOpen = false
    /// Its certificate, which is its own authority.
    let authority: String

    init(_ certificate: DTLSCertificate, file: String) throws {
        authority = file
        let pem = certificate.pem
        context = SSL_CTX_new(TLS_server_method())!
        // the bytes are read where they lie, and not copied
        let key = pem.withCString {
            let bio = BIO_new_mem_buf($0, -1)
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, nil, nil)!
        }
        let x509 = X509_new()!
        X509_set_version(x509, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1)
        X509_gmtime_adj(X509_getm_notBefore(x509), -3600)
        X509_gmtime_adj(X509_getm_notAfter(x509), 3600)
        let name = X509_get_subject_name(x509)
        X509_NAME_add_entry_by_txt(name, "CN", doorward_mbstring_asc, "authority", -1, -1, 0)
        X509_set_issuer_name(x509, name)
        X509_set_pubkey(x509, key)
        var v3 = X509V3_CTX()
        X509V3_set_ctx(&v3, x509, x509, nil, nil, 0)
        let alternative = X509V3_EXT_conf_nid(nil, &v3, NID_subject_alt_name, "DNS:relay.example,IP:192.0.2.1")!
        X509_add_ext(x509, alternative, -1)
        X509_EXTENSION_free(alternative)
        X509_sign(x509, key, EVP_sha256())
        let written = BIO_new_file(file, "w")!
        PEM_write_bio_X509(written, x509)
        BIO_free(written)
        SSL_CTX_use_certificate(context, x509)
        SSL_CTX_use_PrivateKey(context, key)
        X509_free(x509)
        EVP_PKEY_free(key)
        ssl = SSL_new(context)!
        incoming = BIO_new(BIO_s_mem())!
        outgoing = BIO_new(BIO_s_mem())!
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_accept_state(ssl)
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
        unlink(authority)
    }

    func send(_ bytes: [UInt8]) { SSL_write(ssl, bytes, Int32(bytes.count)) }
    func close() { SSL_shutdown(ssl) }

    func receive(_ bytes: [UInt8]) {
        BIO_write(incoming, bytes, Int32(bytes.count))
        if !isOpen { isOpen = SSL_do_handshake(ssl) == 1 }
        var buffer = [UInt8](repeating: 0, count: 20000)
        while isOpen {
            let count = SSL_read(ssl, &buffer, Int32(buffer.count))
            guard count > 0 else { break }
            received += buffer.prefix(Int(count))
        }
    }

    func takeOutgoing() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let count = BIO_read(outgoing, &buffer, Int32(buffer.count))
        return Array(buffer.prefix(Int(max(count, 0))))
    }
}

@Suite struct `A TLS connection` {
    static func server() throws -> TLSServer {
        let file = "/tmp/doorward-tls-\(getpid())-\(UInt64.random(in: 0 ... .max)).pem"
        return try TLSServer(try DTLSCertificate(generatedAt: 0), file: file)
    }

    /// Carries bytes both ways, cut to pieces of at most `size`, until neither side has any; what the client got.
    @discardableResult
    static func exchange(_ client: TLSStream, _ server: TLSServer, size: Int = 1 << 20) -> [UInt8] {
        var received: [UInt8] = []
        while true {
            let (up, down) = (client.takeOutgoing(), server.takeOutgoing())
            guard !up.isEmpty || !down.isEmpty else { return received }
            if !up.isEmpty { server.receive(up) }
            for start in stride(from: 0, to: down.count, by: size) {
                received += client.receive(Array(down[start..<min(start + size, down.count)]))
            }
        }
    }

    @Test(arguments: ["relay.example", "192.0.2.1"], [1, 7, 1 << 20])
    func `opens to a server whose certificate is trusted and its name's, however the bytes are cut`(
        name: String, size: Int
    ) throws {
        let server = try Self.server()
        let client = TLSStream(context: try TLSContext(authorities: server.authority), name: name)
        client.send(Array("early".utf8))
        Self.exchange(client, server, size: size)
        #expect(client.state == .open)
        #expect(server.received == Array("early".utf8))
        let long = [UInt8](repeating: 7, count: 50_000)
        server.send(long)
        #expect(Self.exchange(client, server, size: size) == long)
        client.send(long)
        Self.exchange(client, server, size: size)
        #expect(server.received.count == 5 + long.count)
    }

    @Test(arguments: ["other.example", "192.0.2.2", "relay.example.org"])
    func `is refused where the certificate is another name's`(name: String) throws {
        let server = try Self.server()
        let client = TLSStream(context: try TLSContext(authorities: server.authority), name: name)
        Self.exchange(client, server)
        guard case .failed(.untrusted) = client.state else {
            return #expect(Bool(false), "\(name) was taken: \(client.state)")
        }
    }

    @Test func `is refused where nobody trusted has signed the certificate`() throws {
        let server = try Self.server()
        let client = TLSStream(context: try TLSContext(), name: "relay.example")
        client.send([1])
        Self.exchange(client, server)
        guard case .failed(.untrusted) = client.state else { return #expect(Bool(false), "\(client.state)") }
        #expect(server.received.isEmpty)
    }

    @Test func `ends in order with close_notify, and as cut off without`() throws {
        let server = try Self.server()
        let context = try TLSContext(authorities: server.authority)
        let closed = TLSStream(context: context, name: "relay.example")
        Self.exchange(closed, server)
        server.close()
        Self.exchange(closed, server)
        #expect(closed.state == .closed)

        let other = try Self.server()
        let cut = TLSStream(context: try TLSContext(authorities: other.authority), name: "relay.example")
        Self.exchange(cut, other)
        cut.ended()
        #expect(cut.state == .failed(.truncated))
        #expect(cut.receive([1, 2, 3]).isEmpty)
    }

    @Test func `fails by what is no TLS, and by authorities that are none`() throws {
        let server = try Self.server()
        let client = TLSStream(context: try TLSContext(authorities: server.authority), name: "relay.example")
        _ = client.receive(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        guard case .failed(.failed) = client.state else { return #expect(Bool(false), "\(client.state)") }
        #expect(throws: TLSError.self) { try TLSContext(authorities: "/nonexistent") }
    }
}
