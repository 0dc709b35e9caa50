import COpenSSL

/// Why a certificate or its key could not be made or read.
public enum CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no PEM certificate.
    case noCertificate
    /// There is no PEM private key that can be read without a password.
    case noKey
    /// The key is not the first certificate's.
    case keyOfAnother
    /// It does not say that it is an authority's (RFC 5280 §4.2.1.9).
    case noAuthority
    /// OpenSSL failed; the text is its own.
    case failed(String)

    /// A clause for people, without a full stop.
    public var description: String {
        switch self {
        case .noCertificate: "there is no certificate in PEM form"
        case .noKey: "there is no private key in PEM form, or it wants a password"
        case .keyOfAnother: "the key does not belong to the certificate"
        case .noAuthority: "the certificate is no authority's"
        case .failed(let reason): "OpenSSL: \(reason)"
        }
    }

    static var lastInOpenSSL: CertificateError {
        let code = ERR_peek_error()
        guard code != 0, let text = ERR_reason_error_string(code) else { return .failed("unknown") }
        return .failed(String(cString: text))
    }
}
