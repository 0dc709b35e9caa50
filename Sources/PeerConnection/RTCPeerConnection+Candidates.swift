import ICE
import SDP
public import Wire

/// Candidates as they trickle, both ways (RFC 8838, RFC 8840).
extension RTCPeerConnection {
    /// Candidates kept of one media description's, for an ICE session that begins with the next answer or to be looked at.
    private static let keptCandidateLimit = 64

    /// `addIceCandidate`; an empty candidate is the end of candidates. Throws TypeError where the candidate does not say
    /// where it belongs, InvalidStateError on a closed connection or before the remote description, OperationError where
    /// nothing there is what it names, or it cannot be parsed.
    public mutating func addIceCandidate(_ candidate: RTCIceCandidate, at now: Instant) throws(RTCError) {
        let isForAll = candidate.sdpMid == nil && candidate.sdpMLineIndex == nil
        guard candidate.candidate.isEmpty || !isForAll else {
            throw .type("a candidate needs a tag or an index of a media description")
        }
        try checkOpen()
        guard let remote = negotiated.remote?.session else {
            throw .invalidState("a candidate needs a remote description first")
        }
        // W3C §4.4.2: a media description named by tag or index must exist
        let speaking = isForAll ? speakingSections(of: remote) : sections(named: candidate, in: remote)
        guard isForAll || !speaking.isEmpty, speaking.allSatisfy(remote.media.indices.contains) else {
            throw .operation("no media description has the tag or index of the candidate")
        }
        guard !isOutdated(candidate) else {
            throw .operation("no remote description has the username fragment of the candidate")
        }
        var parsed: ICECandidate?
        if !candidate.candidate.isEmpty {
            do throws(ICECandidateError) {
                parsed = try ICECandidate(parsing: candidate.candidate)
            } catch {
                throw .operation("the candidate cannot be parsed: \(error)")
            }
            if parsed?.usernameFragment == nil { parsed?.usernameFragment = candidate.usernameFragment }
        }
        // without a tag the end of candidates is that of all transports
        for index in parsed == nil ? speaking[...] : speaking.prefix(1) {
            take(parsed, for: index, of: remote, at: now)
        }
        drainTransports(at: now)
    }

    /// Whether a candidate says that it belongs to an ICE session that no remote description, neither the current nor the
    /// pending one, is of (W3C §4.4.2): one that ICE has restarted since, most likely.
    func isOutdated(_ candidate: RTCIceCandidate) -> Bool {
        guard let fragment = candidate.usernameFragment else { return false }
        return ![negotiated.currentRemote, negotiated.pendingRemote].compactMap(\.?.session).contains { session in
            let named = sections(named: candidate, in: session).filter(session.media.indices.contains)
            return (named.isEmpty ? Array(session.media.indices) : named).contains {
                Self.usernameFragment(of: $0, in: session) == fragment
            }
        }
    }

    /// Members of a bundle may leave it to the bundle's first to say (RFC 9143 §7.1.3).
    private static func usernameFragment(of index: Int, in session: SessionDescription) -> String? {
        session.media[index].iceUfrag ?? session.transportSection(for: index).flatMap { session.media[$0].iceUfrag }
    }

    private mutating func take(
        _ candidate: ICECandidate?, for section: Int, of remote: SessionDescription, at now: Instant
    ) {
        // of a bundle only one transport is used (RFC 9143 §7.1); the candidates of the others, and their end, mean
        // nothing to it
        let index = transportCarried(by: section, of: remote).flatMap { self.index(of: $0) }
        let current = index.flatMap { transports[$0].ice.remoteCredentials }
        let fragment = candidate?.usernameFragment ?? Self.usernameFragment(of: section, in: remote)
        // W3C §4.4.2: the candidate stands in every description that its username fragment is of
        note(candidate, of: section, fragment, in: \.currentRemote)
        note(candidate, of: section, fragment, in: \.pendingRemote)
        if let offer = negotiated.pendingRemote?.session,
            let upcoming = RemoteTransport(of: offer, for: section)?.credentials, upcoming != current,
            fragment == upcoming.usernameFragment
        {
            return  // it belongs to the ICE session that the answer begins, which finds it in the description
        }
        guard let index else { return }
        transports[index].ice.handle(candidate.map { .remoteCandidate($0) } ?? .remoteEndOfCandidates, at: now)
    }

    private mutating func note(
        _ candidate: ICECandidate?, of section: Int, _ fragment: String?,
        in description: WritableKeyPath<NegotiatedDescriptions, NegotiatedDescriptions.Entry?>
    ) {
        guard let session = negotiated[keyPath: description]?.session, session.media.indices.contains(section),
            Self.usernameFragment(of: section, in: session) == fragment
        else { return }
        guard let candidate else {
            negotiated[keyPath: description]?.session.media[section].hasEndOfCandidates = true
            return
        }
        let known = session.media[section].candidates
        guard known.count < Self.keptCandidateLimit, !known.contains(candidate.attribute) else { return }
        negotiated[keyPath: description]?.session.media[section].candidates.append(candidate.attribute)
    }

    /// The media description of `remote` that `candidate` names, by tag before index.
    private func sections(named candidate: RTCIceCandidate, in remote: SessionDescription) -> [Int] {
        if let mid = candidate.sdpMid { return remote.media.indices.filter { remote.media[$0].mid == mid } }
        return candidate.sdpMLineIndex.map { [Int($0)] } ?? []
    }

    /// The media descriptions that speak for the transports of `remote`: of an offer that waits for its answer, those
    /// that will if it is accepted.
    private func speakingSections(of remote: SessionDescription) -> [Int] {
        guard signalingState == .haveRemoteOffer else { return transportPlan.tagged.values.sorted() }
        return acceptableGroups(of: remote).map { $0[0] }
    }

    /// The transport whose candidates those for the media description `index` of `remote` are; nil where they are of no
    /// use.
    func transportCarried(by index: Int, of remote: SessionDescription) -> PeerTransport.ID? {
        transportPlan.tagged.first { index == $0.value || index == remote.transportSection(for: $0.value) }?.key
    }

    // MARK: Our own

    /// The description `session` with every candidate gathered so far, each where it belongs by `plan`.
    func withCandidates(_ session: SessionDescription, by plan: TransportPlan) -> SessionDescription {
        var session = session
        for transport in transports {
            guard let index = section(of: transport, in: session, by: plan) else { continue }
            session.media[index].candidates = transport.ice.gatheredCandidates.map(\.attribute)
            session.media[index].hasEndOfCandidates = transport.ice.gatheringState == .complete
        }
        return session
    }

    /// The media description of `session`, one of ours, that the candidates of `transport` stand in; nil where it is of
    /// another ICE generation.
    private func section(
        of transport: PeerTransport, in session: SessionDescription, by plan: TransportPlan
    ) -> Int? {
        let fragment = transport.ice.credentials.usernameFragment
        if let tagged = plan.tagged[transport.id], session.media.indices.contains(tagged),
            session.media[tagged].iceUfrag == fragment
        {
            return tagged
        }
        return session.media.firstIndex { $0.iceUfrag == fragment }
    }

    /// Trickles a candidate of the `index`th transport; nil is the end of its candidates.
    mutating func emit(_ candidate: ICECandidate?, ofTransport index: Int) {
        // what is gathered while a description with new credentials is made stands in that description
        guard let local = negotiated.local?.session,
            let place = section(of: transports[index], in: local, by: pendingTransportPlan ?? transportPlan)
        else { return }
        events.append(
            .iceCandidate(
                RTCIceCandidate(
                    candidate: candidate?.attribute ?? "", sdpMid: local.media[place].mid,
                    sdpMLineIndex: UInt16(place),
                    usernameFragment: transports[index].ice.credentials.usernameFragment)))
    }
}
