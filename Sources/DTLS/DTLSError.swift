/// Why a certificate could not be made or read, or why a transport failed.
public enum DTLSError: Error, Hashable, Sendable {
    /// The text is not a PEM private key followed by its certificate, or they do not belong together.
    case malformedCertificate
    /// The peer's certificate is not one that its session description announced (RFC 8122 §5).
    case fingerprintMismatch
    /// The peer supports none of our SRTP protection profiles, or no DTLS-SRTP at all (RFC 5764 §4.1).
    case noCommonSRTPProfile
    /// The peer sent a fatal alert; the code is in IANA's TLS Alerts registry.
    case alertReceived(UInt8)
    /// The peer did not answer however often a flight was repeated.
    case timedOut
    /// The handshake broke a rule of the protocol, or the two sides have no cipher suite in common; the text is OpenSSL's.
    case handshakeFailed(String)
    /// OpenSSL failed in another way, for want of memory; the text is its own.
    case failed(String)
}
