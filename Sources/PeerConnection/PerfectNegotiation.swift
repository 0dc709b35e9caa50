public import Wire

/// Perfect negotiation, as the W3C specification's example has it (WebRTC §10.7): either side may offer at any moment;
/// where two offers cross, the impolite side ignores the other's and the polite side rolls its own back.
///
/// The example's `makingOffer` and `isSettingRemoteAnswerPending` guard the time between an asynchronous call and its
/// completion. `RTCPeerConnection` completes each call before it returns, so that they could never be seen set; what is
/// left of the collision test is the signalling state.
public struct PerfectNegotiation {
    /// Whether this side gives way where offers collide.
    public let isPolite: Bool
    private var ignoreOffer = false
    private var earlyCandidates: [RTCIceCandidate] = []

    /// Candidates kept while the description they belong to is on its way; a browser gathers far fewer.
    private static let earlyCandidateLimit = 64

    /// The negotiation of the polite or the impolite side.
    public init(isPolite: Bool) {
        self.isPolite = isPolite
    }

    /// Answers `negotiationneeded`: makes the offer to send; nil where the exchange under way will be followed by
    /// another event.
    public mutating func negotiationNeeded(
        on peer: inout RTCPeerConnection, at now: Instant
    ) throws(RTCError) -> RTCSessionDescription? {
        guard peer.signalingState == .stable else { return nil }
        try peer.setLocalDescription(at: now)
        return peer.localDescription
    }

    /// Takes a description from the other side. Returns the answer to send, if it was an offer that was not ignored.
    public mutating func received(
        _ description: RTCSessionDescription, on peer: inout RTCPeerConnection, at now: Instant
    ) throws(RTCError) -> RTCSessionDescription? {
        let offerCollision = description.type == .offer && peer.signalingState != .stable
        ignoreOffer = !isPolite && offerCollision
        guard !ignoreOffer else { return nil }
        try peer.setRemoteDescription(description, at: now)  // rolls our own offer back where both collide
        let candidates = earlyCandidates
        earlyCandidates = []
        // W3C §4.4.2: each addIceCandidate() fails by itself. One that cannot be used must not keep the offer unanswered.
        for candidate in candidates { try? peer.addIceCandidate(candidate, at: now) }
        guard description.type == .offer else { return nil }
        try peer.setLocalDescription(at: now)
        return peer.localDescription
    }

    /// Takes a candidate from the other side; nil is the end of candidates. One that came before its description waits
    /// for it; one that belongs to an ignored offer is dropped, and so is one that an ICE restart has overtaken.
    public mutating func received(
        _ candidate: RTCIceCandidate?, on peer: inout RTCPeerConnection, at now: Instant
    ) throws(RTCError) {
        let candidate = candidate ?? RTCIceCandidate(candidate: "", sdpMid: nil, sdpMLineIndex: nil)
        guard peer.remoteDescription != nil else {
            if earlyCandidates.count < Self.earlyCandidateLimit { earlyCandidates.append(candidate) }
            return
        }
        guard peer.signalingState != .closed, !peer.isOutdated(candidate) else { return }
        do {
            try peer.addIceCandidate(candidate, at: now)
        } catch  where ignoreOffer {
            return  // it belongs to the offer that was not taken
        }
    }
}
