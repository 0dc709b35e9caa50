import COpenSSL
import SRTP

/// A private key and its self-signed X.509 certificate, with which an endpoint shows who it is (W3C `RTCCertificate`).
///
/// It trusts nobody's signature: what makes it this endpoint's is its fingerprint in the session description. One
/// certificate serves any number of transports, which share what OpenSSL keeps for it.
public final class DTLSCertificate: Sendable {
    /// When the certificate expires, in seconds since 1970-01-01T00:00:00Z.
    public let notAfter: Int64
    /// The certificate's DER encoding.
    public let der: [UInt8]

    /// Makes a new ECDSA P-256 key (RFC 8827 §6.5) and a certificate for it with a random serial number and common name,
    /// which say nothing about the endpoint. It is valid from a day before `unixTime` (peers' clocks differ), in seconds
    /// since 1970, until `lifetime` after it.
    public convenience init(
        generatedAt unixTime: Int64, lifetime: Duration = .seconds(365 * 86400)
    ) throws(DTLSError) {
        throw .malformedCertificate
    }

    /// Reads what `pem` wrote.
    public convenience init(pem: String) throws(DTLSError) {
        throw .malformedCertificate
    }

    init() throws(DTLSError) { throw .malformedCertificate }

    /// The private key (PKCS #8) and the certificate in PEM, one after the other: a secret.
    public var pem: String { "" }

    /// Whether the certificate has expired at `unixTime`, in seconds since 1970, or does so within `margin`.
    public func expires(within margin: Duration = .zero, of unixTime: Int64) -> Bool {
        notAfter <= unixTime + margin.components.seconds
    }

    /// The certificate's fingerprint.
    public func fingerprint(_ hashFunction: DTLSFingerprint.HashFunction = .sha256) -> DTLSFingerprint {
        DTLSFingerprint(hashFunction, [])!
    }
}
