import DTLS
import ICE
import SDP

/// Where the other side is and who it is, as its description says of one media description.
struct RemoteTransport {
    let credentials: ICECredentials
    /// The fingerprints that can be checked; at least one.
    let fingerprints: [DTLSFingerprint]
    let setup: SetupRole?

    /// What `session` says of the transport of its media description `index`; nil where credentials are missing or no
    /// fingerprint is of use. Members of a bundle may leave it to the bundle's first to say (RFC 9143 §7.1.3).
    init?(of session: SessionDescription, for index: Int) {
        guard session.media.indices.contains(index) else { return nil }
        let own = session.media[index]
        let section = own.iceUfrag != nil ? own : session.media[session.transportSection(for: index) ?? index]
        guard let ufrag = section.iceUfrag, let password = section.icePwd else { return nil }
        // RFC 8122 §5: what is hashed with an unknown function is ignored
        let fingerprints = section.fingerprints.compactMap {
            DTLSFingerprint(hashFunction: $0.hashFunction, $0.bytes)
        }
        guard !fingerprints.isEmpty else { return nil }
        credentials = ICECredentials(usernameFragment: ufrag, password: password)
        self.fingerprints = fingerprints
        setup = section.setup
    }
}
