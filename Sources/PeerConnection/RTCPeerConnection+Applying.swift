import DTLS
import ICE
import SDP
import Wire

extension RTCPeerConnection {
    /// Makes an exchange take effect: the transport gets its other side, every transceiver its direction and codec.
    mutating func apply(local: SessionDescription, remote: SessionDescription, offered: Bool, at now: Instant) {
        if milestones.negotiated == nil { milestones.negotiated = now }
        let answer = offered ? remote : local
        let shared = answer.taggedSection
        for (index, (ours, theirs)) in zip(local.media, remote.media).enumerated() {
            guard let position = position(of: ours.mid == nil ? theirs : ours, at: index) else { continue }
            transceivers[position].mLineIndex = index
            configure(
                position, ours: ours, theirs: theirs,
                isShared: shared.map { answer.shareTransport($0, index) } ?? false)
        }
        // W3C §4.4.1.5: stopped transceivers go with their media descriptions; the application's own it still knows
        transceivers.removeAll { $0.isStopped && $0.wasMadeByRemoteOffer }
        guard let shared, let transport = RemoteTransport(of: remote, for: shared) else { return }
        applyTransport(transport, isLite: remote.isICELite, ours: local.media[shared], offered: offered, at: now)
        for (index, section) in remote.media.enumerated() where !section.isRejected {
            guard carriesTransport(index, of: remote) else { continue }
            for candidate in section.candidates {
                // one that cannot be parsed is of no use, and nobody waits for it (RFC 8839 §5.1: ignore what is
                // unknown)
                guard let parsed = try? ICECandidate(parsing: candidate) else { continue }
                ice.handle(.remoteCandidate(parsed), at: now)
            }
            if section.hasEndOfCandidates { ice.handle(.remoteEndOfCandidates, at: now) }
        }
        drainTransport(at: now)
    }

    private mutating func applyTransport(
        _ theirs: RemoteTransport, isLite: Bool, ours: MediaDescription, offered: Bool, at now: Instant
    ) {
        // RFC 8445 §6.1.1: the offerer controls, but a lite agent never does; an ICE restart keeps the roles.
        if !hasICERole {
            hasICERole = true
            ice.handle(.roleChanged(offered || isLite ? .controlling : .controlled), at: now)
        }
        // Other credentials than before belong to a new session on both sides; an answer alone cannot begin one.
        if ice.remoteCredentials == nil {
            ice.handle(.remoteCredentials(theirs.credentials, isLite: isLite), at: now)
        }
        let isServer = offered ? theirs.setup == .active : ours.setup == .passive
        startDTLS(role: isServer ? .server : .client, fingerprints: theirs.fingerprints, at: now)
    }
}
