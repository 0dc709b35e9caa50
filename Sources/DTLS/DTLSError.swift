import COpenSSL

/// Why a certificate could not be made or read, or why a transport failed.
public enum DTLSError: Error, Hashable, Sendable {
    /// The text is not a PEM private key and its certificate, or they do not belong together.
    case malformedCertificate
    /// The peer's certificate is not one that its session description announced (RFC 8122 §5).
    case fingerprintMismatch
    /// The peer supports none of our SRTP protection profiles, or no DTLS-SRTP at all (RFC 5764 §4.1).
    case noCommonSRTPProfile
    /// The peer sent a fatal alert; the code is in IANA's TLS Alerts registry.
    case alertReceived(UInt8)
    /// The peer did not answer however often a flight was repeated.
    case timedOut
    /// OpenSSL failed: the peer broke a rule of the protocol, or the two sides have no cipher suite in common; the text
    /// is OpenSSL's.
    case failed(String)

    /// The first error in OpenSSL's queue, from which the later ones follow.
    static var lastInOpenSSL: DTLSError {
        let code = ERR_peek_error()
        guard code != 0 else { return .failed("unknown") }
        let reason = ERR_GET_REASON(code)
        // OpenSSL makes a received alert's reason of its code and this offset.
        let alerts = SSL_AD_REASON_OFFSET..<(SSL_AD_REASON_OFFSET + 256)
        if ERR_GET_LIB(code) == ERR_LIB_SSL, alerts.contains(reason) {
            return .alertReceived(UInt8(reason - SSL_AD_REASON_OFFSET))
        }
        if ERR_GET_LIB(code) == ERR_LIB_SSL, reason == SSL_R_READ_TIMEOUT_EXPIRED { return .timedOut }
        guard let text = ERR_reason_error_string(code) else { return .failed("reason \(reason)") }
        return .failed(String(cString: text))
    }
}
