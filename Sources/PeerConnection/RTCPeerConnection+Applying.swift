import DTLS
import ICE
import SDP
import Wire

extension RTCPeerConnection {
    /// Makes an exchange take effect: every transport gets its other side, every transceiver its direction and codec. By a
    /// provisional answer nothing ends that the final one may want.
    mutating func apply(
        local: SessionDescription, remote: SessionDescription, plan: TransportPlan, offered: Bool, isFinal: Bool,
        at now: Instant
    ) {
        if milestones.negotiated == nil { milestones.negotiated = now }
        transportPlan = plan
        for (index, (ours, theirs)) in zip(local.media, remote.media).enumerated() {
            guard let position = position(of: ours.mid == nil ? theirs : ours, at: index) else { continue }
            transceivers[position].mLineIndex = index
            configure(position, ours: ours, theirs: theirs, by: plan[index], isFinal: isFinal, at: now)
        }
        if isFinal {
            pendingTransportPlan = nil
            forgetStoppedTransceivers()
        }
        for id in plan.transports { connect(id, local: local, remote: remote, offered: offered, at: now) }
        applyData(local: local, remote: remote, plan: plan, offered: offered, isFinal: isFinal, at: now)
        if isFinal { closeUnusedTransports(at: now) }
        drainTransports(at: now)
        updateTransportStates(at: now)
    }

    /// Gives the transport `id` what the descriptions say of it.
    private mutating func connect(
        _ id: PeerTransport.ID, local: SessionDescription, remote: SessionDescription, offered: Bool, at now: Instant
    ) {
        guard let index = index(of: id), let section = transportPlan.tagged[id],
            let theirs = RemoteTransport(of: remote, for: section)
        else { return }
        // RFC 8445 §6.1.1: the offerer controls, but a lite agent never does; an ICE restart keeps the roles.
        let role = iceRole ?? (offered || remote.isICELite ? .controlling : .controlled)
        iceRole = role
        // Other credentials than before belong to a new session on both sides; an answer alone cannot begin one.
        if transports[index].ice.remoteCredentials == nil {
            if transports[index].dtls == nil { transports[index].ice.handle(.roleChanged(role), at: now) }
            transports[index].ice.handle(
                .remoteCredentials(theirs.credentials, isLite: remote.isICELite), at: now)
        } else if signalingState == .haveRemotePranswer {
            transports[index].meet(theirs, isLite: remote.isICELite, at: now)
        }
        let isServer = offered ? theirs.setup == .active : local.media[section].setup == .passive
        transports[index].startDTLS(
            role: isServer ? .server : .client, certificate: configuration.certificates[0],
            fingerprints: theirs.fingerprints, at: now)
        for (place, section) in remote.media.enumerated() where !section.isRejected {
            guard transportCarried(by: place, of: remote) == id else { continue }
            for candidate in section.candidates {
                // one that cannot be parsed is of no use, and nobody waits for it (RFC 8839 §5.1: ignore what is
                // unknown)
                guard let parsed = try? ICECandidate(parsing: candidate) else { continue }
                transports[index].ice.handle(.remoteCandidate(parsed), at: now)
            }
            if section.hasEndOfCandidates { transports[index].ice.handle(.remoteEndOfCandidates, at: now) }
        }
    }
}
