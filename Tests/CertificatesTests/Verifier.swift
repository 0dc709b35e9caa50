import COpenSSL
import Testing
import Wire

@testable import Certificates

/// A client that trusts one authority, as OpenSSL checks for it.
struct Verifier {
    var authority: CertificateAuthority
    /// The client's clock, in seconds since 1970.
    var now: Int64

    /// What is wrong with `server` for a client that opened `host`, a name or an address; nil for nothing.
    func problem(with server: ServerCertificate, at host: String) -> String? {
        let store = X509_STORE_new()
        defer { X509_STORE_free(store) }
        guard X509_STORE_add_cert(store, authority.certificate.pointer) == 1 else { return "no store" }
        let context = X509_STORE_CTX_new()
        defer { X509_STORE_CTX_free(context) }
        X509_STORE_CTX_init(context, store, server.leaf.pointer, nil)
        let parameters = X509_STORE_CTX_get0_param(context)
        X509_VERIFY_PARAM_set_time(parameters, time_t(now))
        X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER)
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_X509_STRICT))
        if IPAddress(host) == nil {
            X509_VERIFY_PARAM_set1_host(parameters, host, 0)
        } else {
            X509_VERIFY_PARAM_set1_ip_asc(parameters, host)
        }
        guard X509_verify_cert(context) != 1 else { return nil }
        return String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
    }
}
