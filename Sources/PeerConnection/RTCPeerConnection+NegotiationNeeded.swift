import SDP

/// `negotiationneeded` (W3C §4.7.3).
extension RTCPeerConnection {
    /// "Update the negotiation-needed flag": the event comes once, until an exchange has ended or nothing is to be
    /// negotiated any more.
    mutating func updateNegotiationNeeded() {
        // "If connection.[[SignalingState]] is not "stable", abort": it is done when the exchange ends
        guard signalingState == .stable else { return }
        guard checkNegotiationNeeded() else {
            isNegotiationNeeded = false
            announcesNegotiationNeeded = false
            return
        }
        guard !isNegotiationNeeded else { return }
        isNegotiationNeeded = true
        announcesNegotiationNeeded = true
    }

    /// W3C §4.4.1.5: back in `stable` the flag is cleared, and updated.
    mutating func renewNegotiationNeeded() {
        isNegotiationNeeded = false
        updateNegotiationNeeded()
    }

    /// "Check if negotiation is needed".
    private func checkNegotiationNeeded() -> Bool {
        isRestartNeeded || needsDataNegotiation || transceivers.contains(where: needsNegotiation)
    }

    private func needsNegotiation(_ transceiver: RTCRtpTransceiver) -> Bool {
        if transceiver.isStopping { return !transceiver.isStopped }
        guard let local = negotiated.currentLocal, let remote = negotiated.currentRemote,
            let index = transceiver.mLineIndex, local.session.media.indices.contains(index),
            remote.session.media.indices.contains(index)
        else { return true }
        let (ours, theirs) = (local.session.media[index], remote.session.media[index])
        let wanted = transceiver.wantedDirection
        // a description names the streams of what it sends; where it does not send what is wanted, that is asked for below
        if wanted.sends, ours.direction.sends, Self.streams(of: ours) != Set(transceiver.streamIDs) { return true }
        if local.type == .offer { return ours.direction != wanted && theirs.direction.reversed != wanted }
        // our answer has no msid of what was not to be sent when it was made, though the offer may leave no room for it
        if wanted.sends, transceiver.exchangedDirection?.sends == false { return true }
        return ours.direction != wanted.intersection(theirs.direction.reversed)
    }

    private static func streams(of section: MediaDescription) -> Set<String> {
        Set(section.msids.map(\.stream)).subtracting(["-"])
    }
}
