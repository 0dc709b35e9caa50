import ICE
import SDP
public import Wire

/// Candidates as they trickle, both ways (RFC 8838, RFC 8840).
extension RTCPeerConnection {
    /// Candidates kept for an ICE session that begins with the next answer.
    private static let upcomingCandidateLimit = 64

    /// `addIceCandidate`; an empty candidate is the end of candidates.
    public mutating func addIceCandidate(_ candidate: RTCIceCandidate, at now: Instant) throws(RTCError) {
        guard signalingState != .closed else { return }
        guard let remote = negotiated.remote?.session else {
            throw .invalidState("a candidate needs a remote description first")
        }
        // W3C §4.4.2: a media description named by tag or index must exist
        let isForAll = candidate.sdpMid == nil && candidate.sdpMLineIndex == nil
        let named =
            candidate.sdpMid.map { mid in remote.media.firstIndex { $0.mid == mid } }
            ?? candidate.sdpMLineIndex.map(
                Int.init)
        guard let index = isForAll ? sharedSection ?? 0 : named, remote.media.indices.contains(index) else {
            throw .operation("no media description has the tag or index of the candidate")
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
        // of a bundle only one transport is used (RFC 9143 §7.1); the candidates of the others, and their end, mean
        // nothing to it
        guard carriesTransport(index, of: remote) else { return }
        take(parsed, for: index, at: now)
        drainTransport(at: now)
    }

    private mutating func take(_ candidate: ICECandidate?, for section: Int, at now: Instant) {
        if let offer = negotiated.pendingRemote?.session, let current = ice.remoteCredentials,
            let upcoming = RemoteTransport(of: offer, for: section)?.credentials, upcoming != current,
            candidate?.usernameFragment ?? upcoming.usernameFragment == upcoming.usernameFragment
        {
            // it belongs to the ICE session that the answer to this restart begins
            guard let candidate else {
                negotiated.pendingRemote?.session.media[section].hasEndOfCandidates = true
                return
            }
            guard offer.media[section].candidates.count < Self.upcomingCandidateLimit else { return }
            negotiated.pendingRemote?.session.media[section].candidates.append(candidate.attribute)
        } else if let candidate {
            ice.handle(.remoteCandidate(candidate), at: now)
        } else {
            ice.handle(.remoteEndOfCandidates, at: now)
        }
    }

    /// The media description whose transport the offer that waits, else the last exchange, makes ours.
    private var sharedSection: Int? {
        if let offer = negotiated.pendingRemote?.session { return acceptableSections(of: offer).first }
        let answer = negotiated.currentLocal?.type == .answer ? negotiated.currentLocal : negotiated.currentRemote
        return answer?.session.taggedSection
    }

    /// Whether candidates for the media description `index` of `remote` are those of our one transport.
    func carriesTransport(_ index: Int, of remote: SessionDescription) -> Bool {
        guard let shared = sharedSection else { return false }
        return index == shared || index == remote.transportSection(for: shared)
    }

    // MARK: Our own

    /// The description `session` with every candidate gathered so far in the media description whose transport is
    /// shared.
    func withCandidates(_ session: SessionDescription) -> SessionDescription {
        guard let tagged = session.taggedSection else { return session }
        var session = session
        session.media[tagged].candidates = ice.localCandidates.filter { $0.kind != .peerReflexive }.map(\.attribute)
        session.media[tagged].hasEndOfCandidates = ice.gatheringState == .complete
        return session
    }

    /// Trickles a candidate that no description could have yet; nil is the end of candidates.
    mutating func emit(_ candidate: ICECandidate?) {
        // what is gathered before the first description, or while one with new credentials is made, stands in that
        // description
        guard let local = negotiated.local?.session, let index = local.taggedSection,
            local.media[index].iceUfrag == ice.credentials.usernameFragment
        else { return }
        events.append(
            .iceCandidate(
                RTCIceCandidate(
                    candidate: candidate?.attribute ?? "", sdpMid: local.media[index].mid,
                    sdpMLineIndex: UInt16(index), usernameFragment: ice.credentials.usernameFragment)))
    }
}
