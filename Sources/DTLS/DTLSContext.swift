import COpenSSL
import SRTP

/// OpenSSL's settings for the transports of one certificate (`SSL_CTX`), made once: a transport of its own costs no
/// more than its own state.
final class DTLSContext: Sendable {
    // OpenSSL's own lock and reference count guard it, and nobody changes it once it is set up.
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Uses `key` and `x509`, of which it keeps references.
    init(key: OpaquePointer, x509: OpaquePointer) throws(DTLSError) {
        guard let context = SSL_CTX_new(DTLS_method()) else { throw .lastInOpenSSL }
        pointer = context
        // RFC 8827 §6.5: DTLS 1.2, and TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 with P-256 is what everybody has. A
        // peer's certificate may also be RSA. Without hybrid key exchange, which DTLS 1.2 does not know.
        let suites = """
            ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
            ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
            """
        guard
            doorward_ssl_ctx_set_protocol_version(context, DTLS1_2_VERSION) == 1,
            SSL_CTX_set_cipher_list(context, suites) == 1,
            doorward_ssl_ctx_set_groups(context, "X25519:P-256:P-384") == 1,
            SSL_CTX_use_certificate(context, x509) == 1,
            SSL_CTX_use_PrivateKey(context, key) == 1
        else { throw .lastInOpenSSL }
        // NO_QUERY_MTU: we say what fits into a datagram; without it OpenSSL asks the socket, and where there is none
        // falls back to datagrams of 228 bytes. Sessions are not resumed: each call is a new association.
        SSL_CTX_set_options(
            context,
            doorward_ssl_op_no_query_mtu | doorward_ssl_op_no_ticket | doorward_ssl_op_no_renegotiation
                | doorward_ssl_op_cipher_server_preference)
        doorward_ssl_ctx_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        doorward_ssl_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
        // What a peer's chain may take up in memory; browsers send one certificate of 300 bytes.
        doorward_ssl_ctx_set_max_cert_list(context, 16384)
        // RFC 5763 §5: both sides show a certificate. Who signed it does not matter, so our own check replaces
        // OpenSSL's.
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_cert_verify_callback(context, verifyPeerCertificate, nil)
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    var key: OpaquePointer? { SSL_CTX_get0_privatekey(pointer) }

    var x509: OpaquePointer? { SSL_CTX_get0_certificate(pointer) }
}

/// OpenSSL asks whether it likes the peer's certificate.
private func verifyPeerCertificate(_ store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let transport = DTLSTransport.of(OpaquePointer(ssl)),
        transport.accepts(certificate: DTLSCertificate.der(X509_STORE_CTX_get0_cert(store)))
    else {
        // RFC 8122 §6.2: the alert is bad_certificate, which OpenSSL makes of this.
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
        return 0
    }
    return 1
}

extension SRTPProtectionProfile {
    /// What OpenSSL calls the profile.
    var openSSLName: String {
        switch self {
        case .aes128CounterModeSHA1Tag80: "SRTP_AES128_CM_SHA1_80"
        case .aes128CounterModeSHA1Tag32: "SRTP_AES128_CM_SHA1_32"
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
        }
    }
}
