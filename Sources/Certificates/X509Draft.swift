import COpenSSL

/// A certificate before it is signed.
struct X509Draft {
    /// What the subject calls itself, at most 64 characters.
    var commonName: String
    var key: PrivateKey
    /// In seconds since 1970.
    var validity: ClosedRange<Int64>
    /// Extensions by OpenSSL's numbers, in the notation of x509v3_config(5).
    var extensions: [(nid: Int32, value: String)]

    /// Signs it with the key of `issuer`, or its own where there is none.
    func signed(by signer: PrivateKey, of issuer: X509Certificate?) throws(CertificateError) -> X509Certificate {
        guard let x509 = X509_new() else { throw .lastInOpenSSL }
        let certificate = X509Certificate(x509)
        var random = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&random, Int32(random.count)) == 1 else { throw .lastInOpenSSL }
        // RFC 5280 §4.1.2.2: a serial number is positive and has at most 20 bytes.
        random[0] = random[0] & 0x7F | 0x40
        let number = BN_bin2bn(&random, Int32(random.count), nil)
        defer { BN_free(number) }
        let subject = X509_get_subject_name(x509)
        guard
            number != nil, BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nil,
            X509_set_version(x509, 2) == 1,
            X509_NAME_add_entry_by_txt(subject, "CN", doorward_mbstring_utf8, commonName, -1, -1, 0) == 1,
            X509_set_issuer_name(x509, issuer.map { X509_get_subject_name($0.pointer) } ?? subject) == 1,
            ASN1_TIME_set(X509_getm_notBefore(x509), time_t(validity.lowerBound)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(x509), time_t(validity.upperBound)) != nil,
            X509_set_pubkey(x509, key.pointer) == 1,
            extensions.allSatisfy({ Self.add($0, to: x509, issuer: issuer?.pointer ?? x509) }),
            X509_sign(x509, signer.pointer, EVP_sha256()) > 0
        else { throw .lastInOpenSSL }
        return certificate
    }

    /// Adds an extension; false where OpenSSL does not take it.
    static func add(_ entry: (nid: Int32, value: String), to x509: OpaquePointer, issuer: OpaquePointer) -> Bool {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, x509, nil, nil, 0)
        guard let made = X509V3_EXT_nconf_nid(nil, &context, entry.nid, entry.value) else { return false }
        defer { X509_EXTENSION_free(made) }
        return X509_add_ext(x509, made, -1) == 1
    }
}
