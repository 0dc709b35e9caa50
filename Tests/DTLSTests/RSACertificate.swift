import COpenSSL
import DTLS

/// A new RSA key and a certificate for it in PEM, as older peers have.
func makeRSACertificate() throws -> DTLSCertificate {
    let key = doorward_evp_rsa_gen(2048)
    defer { EVP_PKEY_free(key) }
    let x509 = X509_new()
    defer { X509_free(x509) }
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 1)
    ASN1_TIME_set(X509_getm_notBefore(x509), time_t(aDay))
    ASN1_TIME_set(X509_getm_notAfter(x509), time_t(aDay + 86400))
    X509_set_pubkey(x509, key)
    X509_sign(x509, key, EVP_sha256())
    let bio = BIO_new(BIO_s_mem())
    defer { BIO_free(bio) }
    PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil)
    PEM_write_bio_X509(bio, x509)
    var start: UnsafeMutablePointer<CChar>?
    let count = doorward_bio_get_mem_data(bio, &start)
    return try DTLSCertificate(
        pem: String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self))
}
