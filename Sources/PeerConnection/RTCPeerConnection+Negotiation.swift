import DTLS
import ICE
import SDP
public import Wire

/// The descriptions of the last exchange and of the one under way (RFC 8829 §4.1).
struct NegotiatedDescriptions {
    /// A description and what it was set as.
    struct Entry {
        var type: RTCSdpType
        var session: SessionDescription
    }

    var currentLocal: Entry?
    var currentRemote: Entry?
    var pendingLocal: Entry?
    var pendingRemote: Entry?

    var local: Entry? { pendingLocal ?? currentLocal }
    var remote: Entry? { pendingRemote ?? currentRemote }
}

extension RTCPeerConnection {
    /// `localDescription`: the pending one, else the current one, with every candidate gathered so far.
    public var localDescription: RTCSessionDescription? {
        guard let entry = negotiated.local else { return nil }
        return RTCSessionDescription(type: entry.type, sdp: withCandidates(entry.session).description)
    }

    /// `remoteDescription`: the pending one, else the current one.
    public var remoteDescription: RTCSessionDescription? {
        guard let entry = negotiated.remote else { return nil }
        return RTCSessionDescription(type: entry.type, sdp: entry.session.description)
    }

    /// `setLocalDescription`: without an argument it makes what the signalling state calls for, an offer or an answer
    /// (W3C §4.4.1.5). With a rollback it takes the pending offer back.
    public mutating func setLocalDescription(_ description: RTCSdpType? = nil, at now: Instant) throws(RTCError) {
        switch (description ?? (signalingState == .haveRemoteOffer ? .answer : .offer), signalingState) {
        case (.offer, .stable), (.offer, .haveLocalOffer):
            setLocalOffer(at: now)
        case (.answer, .haveRemoteOffer):
            setLocalAnswer(at: now)
        case (.rollback, .haveLocalOffer):
            rollBack()
        case (let type, let state):
            throw .invalidState("a local \(type.rawValue) cannot be set in \(state.rawValue)")
        }
        drainTransport(at: now)
    }

    /// `setRemoteDescription`. An offer that meets a pending one of ours takes its place: ours is rolled back (W3C
    /// §4.4.1.5).
    public mutating func setRemoteDescription(
        _ description: RTCSessionDescription, at now: Instant
    ) throws(RTCError) {
        guard signalingState != .closed else { throw .invalidState("the connection is closed") }
        if description.type == .rollback {
            guard signalingState == .haveRemoteOffer else {
                throw .invalidState("there is no remote offer to take back")
            }
            return rollBack()
        }
        let session: SessionDescription
        do throws(SDPError) {
            session = try SessionDescription(parsing: description.sdp)
        } catch {
            throw .invalidAccess(error.description)
        }
        switch (description.type, signalingState) {
        case (.offer, .stable), (.offer, .haveLocalOffer), (.offer, .haveRemoteOffer):
            try check(session)
            if signalingState == .haveLocalOffer { rollBack() }
            setRemoteOffer(session)
        case (.answer, .haveLocalOffer):
            try check(session, answering: negotiated.pendingLocal?.session)
            try setRemoteAnswer(session, at: now)
        case (let type, let state):
            throw .invalidState("a remote \(type.rawValue) cannot be set in \(state.rawValue)")
        }
        drainTransport(at: now)
    }

    /// `addIceCandidate`; an empty candidate is the end of candidates.
    public mutating func addIceCandidate(_ candidate: RTCIceCandidate, at now: Instant) throws(RTCError) {
        guard signalingState != .closed else { return }
        guard let remote = negotiated.remote?.session else {
            throw .invalidState("a candidate needs a remote description first")
        }
        // W3C §4.4.2: a media description named by tag or index must exist
        let index =
            candidate.sdpMid.map { mid in remote.media.firstIndex { $0.mid == mid } } ?? candidate.sdpMLineIndex.map(
                Int.init)
            ?? (candidate.sdpMid == nil ? 0 : nil)
        guard let index, remote.media.indices.contains(index) else {
            throw .operation("no media description has the tag or index of the candidate")
        }
        guard !candidate.candidate.isEmpty else {
            ice.handle(.remoteEndOfCandidates, at: now)
            drainTransport(at: now)
            return
        }
        do throws(ICECandidateError) {
            var parsed = try ICECandidate(parsing: candidate.candidate)
            if parsed.usernameFragment == nil { parsed.usernameFragment = candidate.usernameFragment }
            ice.handle(.remoteCandidate(parsed), at: now)
        } catch {
            throw .operation("the candidate cannot be parsed: \(error)")
        }
        drainTransport(at: now)
    }

    /// `restartIce`: the next offer has new credentials, and `negotiationneeded` asks for it.
    public mutating func restartIce() {
        guard signalingState != .closed else { return }
        isRestartNeeded = true
        updateNegotiationNeeded()
    }

    // MARK: Local descriptions

    private mutating func setLocalOffer(at now: Instant) {
        if isRestartNeeded, negotiated.currentLocal != nil {
            ice.handle(.restart(ICECredentials(random: random)), at: now)
            drainTransport(at: now)
        }
        isRestartNeeded = false
        if stableTransceivers == nil { stableTransceivers = transceivers }
        let session = makeOffer()
        negotiated.pendingLocal = .init(type: .offer, session: session)
        isNegotiationNeeded = false
        change(to: .haveLocalOffer)
    }

    private mutating func setLocalAnswer(at now: Instant) {
        guard let offer = negotiated.pendingRemote?.session else {
            preconditionFailure("have-remote-offer has a pending remote offer")
        }
        let answer = makeAnswer(to: offer, at: now)
        negotiated.currentRemote = negotiated.pendingRemote
        negotiated.currentLocal = .init(type: .answer, session: answer)
        finishExchange()
        apply(local: answer, remote: offer, offered: false, at: now)
        change(to: .stable)
        updateNegotiationNeeded()
    }

    // MARK: Remote descriptions

    /// What a description must have to be used at all.
    private func check(_ session: SessionDescription, answering offer: SessionDescription? = nil) throws(RTCError) {
        if let offer {
            // RFC 3264 §6: the answer has the offer's media descriptions, in order
            let matches =
                session.media.count == offer.media.count
                && zip(session.media, offer.media).allSatisfy { $0.kind == $1.kind && ($0.mid ?? $1.mid) == $1.mid }
            guard matches else { throw .invalidAccess("the answer's media descriptions are not the offer's") }
        }
        if let current = negotiated.currentRemote?.session {
            // RFC 8829 §5.2.2: media descriptions never go
            guard session.media.count >= current.media.count else {
                throw .invalidAccess("the description has lost media descriptions")
            }
        }
        for section in session.media where !section.isRejected && section.isRTP {
            guard section.iceUfrag != nil, section.icePwd != nil, !section.fingerprints.isEmpty else {
                // within a bundle only the first needs to say it (RFC 9143 §7.1.3)
                guard let mid = section.mid, session.bundles.contains(where: { $0.contains(mid) && $0.first != mid })
                else {
                    throw .invalidAccess("a media description has no ICE credentials or no fingerprint")
                }
                continue
            }
        }
    }

    private mutating func setRemoteOffer(_ offer: SessionDescription) {
        if let stableTransceivers, signalingState == .haveRemoteOffer { transceivers = stableTransceivers }
        if stableTransceivers == nil { stableTransceivers = transceivers }
        for (index, section) in offer.media.enumerated() where section.kind == .audio || section.kind == .video {
            associate(section, at: index)
        }
        negotiated.pendingRemote = .init(type: .offer, session: offer)
        change(to: .haveRemoteOffer)
    }

    /// RFC 8829 §5.10: finds the transceiver for a media description of the other side's offer, or makes one.
    private mutating func associate(_ section: MediaDescription, at index: Int) {
        let mid = section.mid ?? "\(index)"
        if let known = transceivers.firstIndex(where: { $0.mid == mid }) {
            transceivers[known].mLineIndex = index
            return
        }
        guard !section.isRejected else { return }
        // "If the m= section is "sendrecv" or "recvonly", and there are RtpTransceivers of the same type that were
        // added to the PeerConnection by addTrack and are not associated with any m= section and are not stopped, find
        // the first".
        let free = transceivers.firstIndex {
            $0.kind == section.kind && $0.wasAddedByTrack && $0.mid == nil && !$0.isStopped
        }
        let position: Int
        if section.direction.receives, let free {
            position = free
        } else {
            let made = newTransceiver(
                section.kind, direction: .recvonly, streamID: "-", byTrack: false, byRemoteOffer: true)
            transceivers.append(made)
            position = transceivers.count - 1
        }
        transceivers[position].mid = mid
        transceivers[position].mLineIndex = index
    }

    private mutating func setRemoteAnswer(_ answer: SessionDescription, at now: Instant) throws(RTCError) {
        guard let offer = negotiated.pendingLocal?.session else {
            preconditionFailure("have-local-offer has a pending local offer")
        }
        if case .actpass = answer.media.first(where: { !$0.isRejected })?.setup {
            throw .invalidAccess("an answer must choose its DTLS role")  // RFC 8842 §5.3
        }
        negotiated.currentLocal = negotiated.pendingLocal
        negotiated.currentRemote = .init(type: .answer, session: answer)
        finishExchange()
        apply(local: offer, remote: answer, offered: true, at: now)
        change(to: .stable)
        updateNegotiationNeeded()
    }

    // MARK: State

    private mutating func finishExchange() {
        negotiated.pendingLocal = nil
        negotiated.pendingRemote = nil
        stableTransceivers = nil
    }

    /// RFC 8829 §4.1.10.2: back to `stable` as if the pending description had never been.
    private mutating func rollBack() {
        guard let before = stableTransceivers else { return }
        let known = Dictionary(uniqueKeysWithValues: before.map { ($0.id, $0) })
        transceivers = transceivers.compactMap { transceiver in
            var transceiver = transceiver
            if let old = known[transceiver.id] {
                transceiver.mid = old.mid
                transceiver.mLineIndex = old.mLineIndex
            } else if transceiver.wasMadeByRemoteOffer {
                return nil
            }
            return transceiver
        }
        finishExchange()
        change(to: .stable)
        updateNegotiationNeeded()
    }

    private mutating func change(to state: RTCSignalingState) {
        guard state != signalingState else { return }
        signalingState = state
        events.append(.signalingStateChanged(state))
    }

    /// W3C §4.7.3, "check if negotiation is needed".
    mutating func updateNegotiationNeeded() {
        guard signalingState != .closed else { return }
        isNegotiationNeeded = checkNegotiationNeeded()
    }

    private func checkNegotiationNeeded() -> Bool {
        if isRestartNeeded { return true }
        guard let local = negotiated.currentLocal, let remote = negotiated.currentRemote else {
            return !transceivers.isEmpty
        }
        return transceivers.contains { transceiver in
            if transceiver.isStopped { return false }
            guard let mid = transceiver.mid, let ours = local.session.media.first(where: { $0.mid == mid }),
                let theirs = remote.session.media.first(where: { $0.mid == mid })
            else { return true }
            if ours.isRejected || theirs.isRejected { return false }
            if local.type == .offer {
                return ours.direction != transceiver.direction && theirs.direction.reversed != transceiver.direction
            }
            return ours.direction != transceiver.direction.intersection(theirs.direction.reversed)
        }
    }

    // MARK: Applying

    /// Makes an exchange take effect: the transport gets its other side, every transceiver its direction and codec.
    private mutating func apply(
        local: SessionDescription, remote: SessionDescription, offered: Bool, at now: Instant
    ) {
        if milestones.negotiated == nil { milestones.negotiated = now }
        for (index, (ours, theirs)) in zip(local.media, remote.media).enumerated() {
            let mid = ours.mid ?? theirs.mid
            guard let position = transceivers.firstIndex(where: { $0.mid == mid && $0.mid != nil }) else { continue }
            transceivers[position].mLineIndex = index
            configure(position, ours: ours, theirs: theirs)
        }
        guard
            let first = local.media.indices.first(where: { !local.media[$0].isRejected && !remote.media[$0].isRejected }
            ),
            let transport = remote.transportSection(for: first)
        else { return }
        applyTransport(
            remote.media[transport], isLite: remote.isICELite, ours: local.media[first], offered: offered, at: now)
        for (index, section) in remote.media.enumerated() where !section.isRejected {
            for candidate in section.candidates {
                // one that cannot be parsed is of no use, and nobody waits for it (RFC 8839 §5.1: ignore what is
                // unknown)
                if let parsed = try? ICECandidate(parsing: candidate), index == transport || first == index {
                    ice.handle(.remoteCandidate(parsed), at: now)
                }
            }
        }
        if remote.media[transport].hasEndOfCandidates { ice.handle(.remoteEndOfCandidates, at: now) }
        drainTransport(at: now)
    }

    private mutating func applyTransport(
        _ theirs: MediaDescription, isLite: Bool, ours: MediaDescription, offered: Bool, at now: Instant
    ) {
        // RFC 8445 §6.1.1: the offerer controls, but a lite agent never does. An ICE restart keeps the roles.
        if negotiatedRemoteCredentials == nil {
            ice.handle(.roleChanged(offered || isLite ? .controlling : .controlled), at: now)
        }
        if let ufrag = theirs.iceUfrag, let password = theirs.icePwd {
            let credentials = ICECredentials(usernameFragment: ufrag, password: password)
            if ice.remoteCredentials != credentials {
                ice.handle(.remoteCredentials(credentials, isLite: isLite), at: now)
            }
        }
        let isServer = offered ? theirs.setup == .active : ours.setup == .passive
        startDTLS(
            role: isServer ? .server : .client,
            fingerprints: theirs.fingerprints.compactMap {
                DTLSFingerprint(hashFunction: $0.hashFunction, $0.bytes)
            }, at: now)
    }

    private var negotiatedRemoteCredentials: ICECredentials? { ice.remoteCredentials }
}
