import DTLS
import SRTP

extension RTCPeerConnection {
    /// What protects a connection, by the names of IANA's registries (W3C RTCTransportStats).
    public struct Protection: Hashable, Sendable {
        /// The cipher suite of the DTLS association.
        public let dtlsCipher: String
        /// The SRTP protection profile.
        public let srtpCipher: String
    }

    /// What protects the connection, on the first transport that has keys; nil before.
    public var protection: Protection? {
        guard let transport = transports.first(where: { $0.profile != nil }), let profile = transport.profile,
            let suite = transport.dtls?.cipherSuite
        else { return nil }
        return Protection(dtlsCipher: suite, srtpCipher: profile.name)
    }
}
