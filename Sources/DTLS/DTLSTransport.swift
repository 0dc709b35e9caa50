import COpenSSL
import SRTP
import Wire

/// The keys that a DTLS handshake made for SRTP (RFC 5764 §4.2).
public struct SRTPKeyingMaterial: Hashable, Sendable {
    /// The profile that both sides agreed on.
    public let profile: SRTPProtectionProfile
    /// What we protect outgoing packets with.
    public let local: SRTPMasterKey
    /// What the peer protects its packets with.
    public let remote: SRTPMasterKey
}

/// One DTLS 1.2 association with a WebRTC peer (RFC 6347, RFC 5764, RFC 8827), without I/O and without a clock.
///
/// Datagrams come in by `handle(.datagram(…))` and go out by `nextOutput()`; `deadline` says when a flight wants to be
/// repeated. Both sides show a certificate; `.connected` is reported only when the peer's is known to be the one whose
/// fingerprint its session description announced.
public final class DTLSTransport {
    /// Which side begins (RFC 8842: `a=setup:active` is the client).
    public enum Role: Hashable, Sendable {
        /// Sends the ClientHello.
        case client
        /// Waits for it.
        case server
    }

    /// W3C `RTCDtlsTransportState`.
    public enum State: String, Hashable, Sendable {
        /// Nothing has happened yet.
        case new
        /// The handshake is under way, or waits for the peer's fingerprint.
        case connecting
        /// The peer is who the session description said; packets may flow.
        case connected
        /// Either side has closed it.
        case closed
        /// It is of no use any more.
        case failed
    }

    /// What happened.
    public enum Input: Hashable, Sendable {
        /// Packets can be exchanged: a client sends its ClientHello.
        case start
        /// A datagram of the peer arrived; the first byte is 20…63 (RFC 7983). Before `.start` it is kept in a server's
        /// stead: a server starts by itself.
        case datagram([UInt8])
        /// The peer's session description announced these fingerprints, of any number of certificates and by any number
        /// of hash functions. May come after the handshake, which then waits for it.
        case remoteFingerprints([DTLSFingerprint])
        /// The application has a message to send. It is dropped unless the transport is connected, as a datagram may be.
        case send([UInt8])
        /// The deadline may have passed.
        case timePassed
        /// The application closes the transport: the peer is told.
        case close
    }

    /// What is to be done.
    public enum Output: Hashable, Sendable {
        /// Send this datagram.
        case transmit([UInt8])
        /// Take note of this.
        case event(Event)
    }

    /// What the application should know.
    public enum Event: Hashable, Sendable {
        /// The handshake is complete and the peer is the expected one.
        case connected(SRTPKeyingMaterial)
        /// A message of the peer's application.
        case applicationData([UInt8])
        /// The association has ended in order.
        case closed
        /// The association failed.
        case failed(DTLSError)
    }

    /// The side that this transport takes.
    public let role: Role
    /// The state.
    public private(set) var state: State = .new
    /// When `.timePassed` is due; nil for never.
    public private(set) var deadline: Instant?
    /// The path's round trip time as ICE measured it, from which flights learn how long to wait for an answer.
    public var roundTripTime: Duration?
    /// The DER encoding of the peer's certificate, as soon as it has been received.
    public private(set) var remoteCertificate: [UInt8]?
    /// The negotiated cipher suite by its name in IANA's registry (W3C `RTCTransportStats.dtlsCipher`).
    public private(set) var cipherSuite: String?

    /// A transport that has sent nothing yet.
    ///
    /// - Parameters:
    ///   - mtu: the largest datagram (UDP payload) to send, in bytes.
    ///   - srtpProfiles: the SRTP protection profiles to offer or accept, the most wanted first.
    public init(
        role: Role, certificate: DTLSCertificate, mtu: Int = 1200,
        srtpProfiles: [SRTPProtectionProfile] = [.aeadAES128GCM, .aeadAES256GCM, .aes128CounterModeSHA1Tag80]
    ) {
        self.role = role
    }

    /// Takes note of `input`, which happened at `now`.
    public func handle(_ input: Input, at now: Instant) {}

    /// The next thing to be done; drain it after every `handle`.
    public func nextOutput() -> Output? { nil }
}
