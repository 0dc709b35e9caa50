import COpenSSL
import Wire

/// A certificate as OpenSSL holds it (`X509`).
final class X509Certificate: Sendable {
    // OpenSSL counts references to it and locks it itself, and once it is signed nothing changes it.
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Takes the reference `pointer` over.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        X509_free(pointer)
    }

    var der: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, Int(i2d_X509(pointer, nil))))
        bytes.withUnsafeMutableBufferPointer {
            // OpenSSL moves the pointer that it is given to the encoding's end.
            var end = $0.baseAddress
            _ = i2d_X509(pointer, &end)
        }
        return bytes
    }

    var pem: String { PEM.text { PEM_write_bio_X509($0, pointer) } }

    /// Seconds since 1970.
    var notBefore: Int64 { Self.unixTime(X509_get0_notBefore(pointer)) }
    /// Seconds since 1970.
    var notAfter: Int64 { Self.unixTime(X509_get0_notAfter(pointer)) }

    /// The SHA-256 hash of the DER encoding, as bytes in capitals with colons between them.
    var fingerprint: String {
        let der = der
        var hash = [UInt8](repeating: 0, count: 32)
        SHA256(der, der.count, &hash)
        return hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
    }

    /// The subject's common name.
    var commonName: String {
        guard let subject = X509_get_subject_name(pointer) else { return "" }
        let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)) else { return "" }
        return Self.text(UnsafePointer(value))
    }

    /// The names and addresses that it is for (RFC 5280 §4.2.1.6).
    var subjects: CertificateSubjects {
        var subjects = CertificateSubjects()
        guard let list = X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else { return subjects }
        let names = OpaquePointer(list)
        defer { GENERAL_NAMES_free(names) }
        for index in 0..<max(0, OPENSSL_sk_num(names)) {
            guard let name = OPENSSL_sk_value(names, index)?.assumingMemoryBound(to: GENERAL_NAME.self) else {
                continue
            }
            switch name.pointee.type {
            case GEN_DNS:
                subjects.names.insert(Self.text(name.pointee.d.dNSName))
            case GEN_IPADD:
                guard let address = Self.address(name.pointee.d.iPAddress) else { continue }
                subjects.addresses.insert(address)
            default: continue
            }
        }
        return subjects
    }

    private static func bytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
        Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
    }

    private static func text(_ string: UnsafePointer<ASN1_STRING>?) -> String {
        String(decoding: bytes(string), as: UTF8.self)
    }

    private static func address(_ string: UnsafePointer<ASN1_STRING>?) -> IPAddress? {
        let bytes = bytes(string)
        let word = { (range: Range<Int>) in bytes[range].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        switch bytes.count {
        case 4: return .v4(UInt32(word(0..<4)))
        case 16: return .v6(high: word(0..<8), low: word(8..<16))
        default: return nil
        }
    }

    private static func unixTime(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        let epoch = ASN1_TIME_set(nil, 0)
        defer { ASN1_TIME_free(epoch) }
        var (days, seconds): (Int32, Int32) = (0, 0)
        // A time that cannot be read counts as long past.
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return 0 }
        return Int64(days) * 86400 + Int64(seconds)
    }
}

/// A private key as OpenSSL holds it (`EVP_PKEY`).
final class PrivateKey: Sendable {
    // as for X509Certificate
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Takes the reference `pointer` over.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    /// A new ECDSA key on P-256, which every browser takes.
    init() throws(CertificateError) {
        guard let key = doorward_evp_ec_gen("P-256") else { throw .lastInOpenSSL }
        pointer = key
    }

    deinit {
        EVP_PKEY_free(pointer)
    }

    /// PKCS #8.
    var pem: String { PEM.text { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) } }
}

/// Reading and writing RFC 7468's textual encoding.
enum PEM {
    /// The most that is read: a chain and its key take some 10 KiB.
    static let limit = 262_144

    /// What `write` writes; it returns 1 where it could.
    static func text(_ write: (OpaquePointer) -> Int32) -> String {
        guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("OpenSSL has memory") }
        defer { BIO_free(bio) }
        precondition(write(bio) == 1, "what OpenSSL holds it can write")
        var start: UnsafeMutablePointer<CChar>?
        let count = doorward_bio_get_mem_data(bio, &start)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Every certificate in `text`, in their order.
    static func certificates(in text: String) -> [X509Certificate] {
        read(text) { bio in
            var found: [X509Certificate] = []
            while let x509 = PEM_read_bio_X509(bio, nil, refusePassword, nil) { found.append(X509Certificate(x509)) }
            return found
        } ?? []
    }

    /// The first private key in `text`.
    static func key(in text: String) -> PrivateKey? {
        read(text) { bio in PEM_read_bio_PrivateKey(bio, nil, refusePassword, nil).map(PrivateKey.init) } ?? nil
    }

    private static func read<Result>(_ text: String, _ body: (OpaquePointer) -> Result) -> Result? {
        defer { ERR_clear_error() }
        let bytes = Array(text.utf8)
        guard bytes.count <= limit else { return nil }
        return bytes.withUnsafeBytes {
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
