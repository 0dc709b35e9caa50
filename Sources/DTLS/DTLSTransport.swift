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

/// One DTLS 1.2 association with a WebRTC peer (RFC 6347, RFC 5764, RFC 8827), without I/O.
///
/// Datagrams come in by `handle(.datagram(…))` and go out by `nextOutput()`; `deadline` says when a flight wants to be
/// repeated. Both sides show a certificate; `.connected` is reported only when the peer's is known to be the one whose
/// fingerprint its session description announced.
///
///     new ─ start ─► connecting ─ handshake done, fingerprint known and right ─► connected
///                        │                                                          │
///                        ├── timed out, alert, wrong fingerprint … ──► failed ◄─────┤
///                        └── close ──────────────────────────────────► closed ◄─────┘ close, close_notify
///
/// OpenSSL measures the time until a repetition with `gettimeofday`, which no setting replaces. A test that lets
/// virtual time pass must override that function for its thread.
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
        /// A datagram of the peer arrived whose first byte is 20…63 (RFC 7983). It starts a server; a client that has
        /// not been started drops it.
        case datagram([UInt8])
        /// The peer's session description announced these fingerprints, of any number of certificates and by any number
        /// of hash functions. May come after the handshake, which then waits for it.
        case remoteFingerprints([DTLSFingerprint])
        /// The application has a message to send, of at most 16384 bytes. It is dropped unless the transport is
        /// connected, as a datagram may be.
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

    private let ssl: OpaquePointer
    private let datagrams: DatagramBIO
    private var announced: [DTLSFingerprint] = []
    private var isHandshakeDone = false
    /// Messages that came after the handshake and before the peer's fingerprint.
    private var early: [[UInt8]] = []
    /// What `handle` has found out so far.
    private var events: [Event] = []
    private var outputs: [Output] = []
    private var outputsTaken = 0

    /// A transport that has sent nothing yet.
    ///
    /// - Parameters:
    ///   - mtu: the largest datagram (UDP payload) to send, in bytes, from 256 to 16384.
    ///   - srtpProfiles: the SRTP protection profiles to offer or accept, the most wanted first.
    public init(
        role: Role, certificate: DTLSCertificate, mtu: Int = 1200,
        srtpProfiles: [SRTPProtectionProfile] = [.aeadAES128GCM, .aeadAES256GCM, .aes128CounterModeSHA1Tag80]
    ) {
        precondition((256...16384).contains(mtu), "a handshake message's fragments have room")
        precondition(!srtpProfiles.isEmpty, "there is something to offer")
        guard let ssl = SSL_new(certificate.context.pointer),
            // Unlike all other functions of OpenSSL this one returns 0 for success.
            SSL_set_tlsext_use_srtp(ssl, srtpProfiles.map(\.openSSLName).joined(separator: ":")) == 0
        else { preconditionFailure("OpenSSL has memory") }
        self.role = role
        self.ssl = ssl
        datagrams = DatagramBIO(mtu: mtu)
        datagrams.attach(to: ssl)
        switch role {
        case .client: SSL_set_connect_state(ssl)
        case .server: SSL_set_accept_state(ssl)
        }
        doorward_ssl_set_mtu(ssl, mtu)
        doorward_ssl_set_app_data(ssl, Unmanaged.passUnretained(self).toOpaque())
        DTLS_set_timer_cb(ssl) { ssl, previous in
            ssl.flatMap { DTLSTransport.of($0) }?.retransmissionTimeout(after: previous) ?? previous
        }
    }

    deinit {
        SSL_free(ssl)
    }

    /// Takes note of `input`, which happened at `now`.
    public func handle(_ input: Input, at now: Instant) {
        switch (input, state) {
        case (.datagram(let bytes), _) where bytes.count < 13 || !(20...63).contains(bytes[0]):
            // RFC 6347 §4.1: no record is shorter than its header, and to OpenSSL an empty read is the end of a stream.
            break
        case (.start, .new):
            state = .connecting
            advance()
        case (.datagram(let bytes), .new) where role == .server:
            state = .connecting
            datagrams.withIncoming(bytes) { advance() }
        case (.datagram(let bytes), .connecting), (.datagram(let bytes), .connected):
            datagrams.withIncoming(bytes) { advance() }
        case (.remoteFingerprints(let fingerprints), .new), (.remoteFingerprints(let fingerprints), .connecting),
            (.remoteFingerprints(let fingerprints), .connected):
            announced = fingerprints
            checkFingerprint()
        case (.send(let message), .connected) where !message.isEmpty:
            precondition(message.count <= 16384, "a message fits into a record")
            ERR_clear_error()
            SSL_write(ssl, message, Int32(message.count))
        case (.timePassed, .connecting), (.timePassed, .connected):
            if let deadline, deadline <= now { repeatFlight() }
        case (.close, .new), (.close, .connecting), (.close, .connected):
            close()
        default:
            break
        }
        finish(at: now)
    }

    /// The next thing to be done; drain it after every `handle`.
    public func nextOutput() -> Output? {
        guard outputsTaken < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            outputsTaken = 0
            return nil
        }
        defer { outputsTaken += 1 }
        return outputs[outputsTaken]
    }

    /// The transport that `ssl` belongs to.
    static func of(_ ssl: OpaquePointer) -> DTLSTransport? {
        doorward_ssl_get_app_data(ssl).map { Unmanaged<DTLSTransport>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Takes note of the peer's certificate; says whether the handshake may go on.
    func accepts(certificate der: [UInt8]) -> Bool {
        remoteCertificate = der
        return announced.isEmpty || DTLSFingerprint.match(der, announced: announced)
    }

    /// How long to wait for an answer to a flight, in microseconds, when last time it was `previous` (0 the first
    /// time).
    private func retransmissionTimeout(after previous: UInt32) -> UInt32 {
        // RFC 6347 §4.2.4.1 begins with a second, which is long for somebody at the door. Media start at two round
        // trips, or at 100 ms while nobody knows them, and double from there up to 3 s. OpenSSL gives up after the 12th
        // repetition: after 27 s, about when ICE does.
        guard previous == 0 else { return min(previous * 2, 3_000_000) }
        guard let roundTripTime else { return 100_000 }
        return UInt32(min(max(roundTripTime.nanoseconds / 500, 50_000), 1_000_000))
    }

    /// Goes on with the handshake, or reads what arrived after it.
    private func advance() {
        ERR_clear_error()
        if !isHandshakeDone {
            let result = SSL_do_handshake(ssl)
            guard result == 1 else { return failIfFatal(result) }
            isHandshakeDone = true
            cipherSuite = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) }
            checkFingerprint()
        }
        while state == .connecting || state == .connected, readRecord() {}
    }

    /// Reads a record of application data; false if there is none left.
    private func readRecord() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 1) { buffer in
            ERR_clear_error()
            let count = SSL_read(ssl, buffer.baseAddress, Int32(buffer.count))
            guard count > 0 else {
                if SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN { close() } else { failIfFatal(count) }
                return false
            }
            let message = Array(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]))
            if state == .connected {
                events.append(.applicationData(message))
            } else if early.count < 16 {
                early.append(message)
            }
            return true
        }
    }

    private func failIfFatal(_ result: Int32) {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            break
        default:
            // Only our own verdict on the peer's certificate can fail its verification.
            let isMismatch = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED
            fail(isMismatch ? .fingerprintMismatch : .lastInOpenSSL)
        }
    }

    /// Compares what the peer showed and what was announced, once both are known, and reports the connection once the
    /// handshake is done too.
    private func checkFingerprint() {
        guard let remoteCertificate, !announced.isEmpty else { return }
        guard DTLSFingerprint.match(remoteCertificate, announced: announced) else {
            // The handshake has gone too far for a fatal alert of ours; the peer learns at least that we leave.
            if isHandshakeDone { SSL_shutdown(ssl) }
            return fail(.fingerprintMismatch)
        }
        guard isHandshakeDone, state == .connecting else { return }
        guard let material = keyingMaterial() else {
            SSL_shutdown(ssl)
            return fail(.noCommonSRTPProfile)
        }
        state = .connected
        events.append(.connected(material))
        for message in early { events.append(.applicationData(message)) }
        early = []
    }

    /// RFC 5764 §4.2: the exporter gives the client's and the server's key, then the client's and the server's salt.
    private func keyingMaterial() -> SRTPKeyingMaterial? {
        guard let selected = SSL_get_selected_srtp_profile(ssl),
            let profile = SRTPProtectionProfile(rawValue: UInt16(truncatingIfNeeded: selected.pointee.id))
        else { return nil }
        let (keyLength, saltLength) = (profile.keyLength, profile.saltLength)
        var bytes = [UInt8](repeating: 0, count: 2 * (keyLength + saltLength))
        let label = "EXTRACTOR-dtls_srtp"
        guard SSL_export_keying_material(ssl, &bytes, bytes.count, label, label.utf8.count, nil, 0, 0) == 1 else {
            return nil
        }
        let salts = bytes[(2 * keyLength)...]
        let client = SRTPMasterKey(key: Array(bytes.prefix(keyLength)), salt: Array(salts.prefix(saltLength)))
        let server = SRTPMasterKey(
            key: Array(bytes[keyLength..<(2 * keyLength)]), salt: Array(salts.suffix(saltLength)))
        return SRTPKeyingMaterial(
            profile: profile, local: role == .client ? client : server, remote: role == .client ? server : client)
    }

    /// Repeats the last flight, if OpenSSL too finds that its time is up.
    private func repeatFlight() {
        ERR_clear_error()
        if doorward_dtls_handle_timeout(ssl) < 0 { fail(.lastInOpenSSL) }
    }

    private func close() {
        // RFC 5246 §7.2.1: the other side answers a close_notify with its own; before the handshake's end there is
        // none.
        if isHandshakeDone { SSL_shutdown(ssl) }
        state = .closed
        events.append(.closed)
    }

    private func fail(_ error: DTLSError) {
        state = .failed
        events.append(.failed(error))
    }

    /// Gives out what `handle` led to and sets the deadline. Datagrams leave before the application hears of anything,
    /// so that its own packets come after them.
    private func finish(at now: Instant) {
        outputs += datagrams.takeOutgoing().map { .transmit($0) }
        outputs += events.map { .event($0) }
        events.removeAll(keepingCapacity: true)
        ERR_clear_error()
        deadline = nil
        guard state == .connecting || state == .connected else { return }
        let left = doorward_dtls_timeout_left(ssl)
        if left >= 0 { deadline = now + .microseconds(min(left, 3_000_000)) }
    }
}
