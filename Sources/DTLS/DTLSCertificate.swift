import COpenSSL

/// A private key and its self-signed X.509 certificate, with which an endpoint shows who it is (W3C `RTCCertificate`).
///
/// It trusts nobody's signature: what makes it this endpoint's is its fingerprint in the session description. One
/// certificate serves any number of transports, which share what OpenSSL keeps for it.
public final class DTLSCertificate: Sendable {
    /// When the certificate expires, in seconds since 1970-01-01T00:00:00Z.
    public let notAfter: Int64
    /// The certificate's DER encoding.
    public let der: [UInt8]

    /// Holds key and certificate too. OpenSSL counts references to it and locks it itself, and once it is set up
    /// nothing changes it.
    let context: DTLSContext

    /// Makes a new ECDSA P-256 key (RFC 8827 §6.5) and a certificate for it with a random serial number and common
    /// name, which say nothing about the endpoint. It is valid from a day before `unixTime` (peers' clocks differ), in
    /// seconds since 1970, until `lifetime` after it.
    public convenience init(
        generatedAt unixTime: Int64, lifetime: Duration = .seconds(365 * 86400)
    ) throws(DTLSError) {
        defer { ERR_clear_error() }
        guard let key = doorward_evp_ec_gen("P-256") else { throw .lastInOpenSSL }
        defer { EVP_PKEY_free(key) }
        guard let x509 = X509_new() else { throw .lastInOpenSSL }
        defer { X509_free(x509) }
        var random = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&random, Int32(random.count)) == 1 else { throw .lastInOpenSSL }
        // RFC 5280 §4.1.2.2: a serial number is positive.
        let serialNumber = random.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } >> 1 | 1
        let commonName = random.suffix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let name = X509_get_subject_name(x509)
        guard
            X509_set_version(x509, 2) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serialNumber) == 1,
            X509_NAME_add_entry_by_txt(name, "CN", doorward_mbstring_asc, commonName, -1, -1, 0) == 1,
            X509_set_issuer_name(x509, name) == 1,
            ASN1_TIME_set(X509_getm_notBefore(x509), time_t(unixTime - 86400)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(x509), time_t(unixTime + lifetime.components.seconds)) != nil,
            X509_set_pubkey(x509, key) == 1,
            X509_sign(x509, key, EVP_sha256()) > 0
        else { throw .lastInOpenSSL }
        try self.init(key: key, x509: x509)
    }

    /// Reads what `pem` wrote.
    public convenience init(pem: String) throws(DTLSError) {
        defer { ERR_clear_error() }
        let bytes = Array(pem.utf8)
        guard bytes.count <= 65536 else { throw .malformedCertificate }
        let key = Self.withBIO(reading: bytes) { PEM_read_bio_PrivateKey($0, nil, refusePassword, nil) }
        defer { EVP_PKEY_free(key) }
        let x509 = Self.withBIO(reading: bytes) { PEM_read_bio_X509($0, nil, refusePassword, nil) }
        defer { X509_free(x509) }
        guard let key, let x509, X509_check_private_key(x509, key) == 1 else { throw .malformedCertificate }
        try self.init(key: key, x509: x509)
    }

    private init(key: OpaquePointer, x509: OpaquePointer) throws(DTLSError) {
        context = try DTLSContext(key: key, x509: x509)
        der = Self.der(x509)
        notAfter = Self.unixTime(X509_get0_notAfter(x509))
    }

    /// The private key (PKCS #8) and the certificate in PEM, one after the other: a secret.
    public var pem: String {
        guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("OpenSSL has memory") }
        defer { BIO_free(bio) }
        let isWritten =
            PEM_write_bio_PKCS8PrivateKey(bio, context.key, nil, nil, 0, nil, nil) == 1
            && PEM_write_bio_X509(bio, context.x509) == 1
        precondition(isWritten, "what OpenSSL made it can write")
        var start: UnsafeMutablePointer<CChar>?
        let count = doorward_bio_get_mem_data(bio, &start)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Whether the certificate has expired at `unixTime`, in seconds since 1970, or does so within `margin`.
    public func expires(within margin: Duration = .zero, of unixTime: Int64) -> Bool {
        notAfter <= unixTime + margin.components.seconds
    }

    /// The certificate's fingerprint.
    public func fingerprint(_ hashFunction: DTLSFingerprint.HashFunction = .sha256) -> DTLSFingerprint {
        DTLSFingerprint(hashFunction, of: der)
    }

    /// The DER encoding of `x509`.
    static func der(_ x509: OpaquePointer?) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, Int(i2d_X509(x509, nil))))
        bytes.withUnsafeMutableBufferPointer {
            // OpenSSL moves the pointer that it is given to the encoding's end.
            var end = $0.baseAddress
            _ = i2d_X509(x509, &end)
        }
        return bytes
    }

    private static func unixTime(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        let epoch = ASN1_TIME_set(nil, 0)
        defer { ASN1_TIME_free(epoch) }
        var (days, seconds): (Int32, Int32) = (0, 0)
        // A time that cannot be read counts as long past.
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86400 + Int64(seconds)
    }

    private static func withBIO<Result>(reading bytes: [UInt8], _ body: (OpaquePointer) -> Result?) -> Result? {
        bytes.withUnsafeBytes {
            guard let bio = BIO_new_mem_buf($0.baseAddress, Int32($0.count)) else { return nil }
            defer { BIO_free(bio) }
            return body(bio)
        }
    }
}

/// An encrypted key must not make OpenSSL ask on the terminal for its password.
private func refusePassword(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 { -1 }
