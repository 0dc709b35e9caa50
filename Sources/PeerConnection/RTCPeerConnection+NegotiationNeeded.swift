import SDP

extension RTCPeerConnection {
    /// W3C §4.7.3, "check if negotiation is needed".
    mutating func updateNegotiationNeeded() {
        guard signalingState != .closed else { return }
        isNegotiationNeeded = checkNegotiationNeeded()
    }

    private func checkNegotiationNeeded() -> Bool {
        if isRestartNeeded || needsDataNegotiation { return true }
        guard let local = negotiated.currentLocal, let remote = negotiated.currentRemote else {
            return transceivers.contains { !$0.isStopped }
        }
        return transceivers.contains { transceiver in
            if transceiver.isStopped { return false }
            guard let index = transceiver.mLineIndex, local.session.media.indices.contains(index),
                remote.session.media.indices.contains(index)
            else { return true }
            let (ours, theirs) = (local.session.media[index], remote.session.media[index])
            if ours.isRejected || theirs.isRejected { return false }
            if local.type == .offer {
                return ours.direction != transceiver.direction && theirs.direction.reversed != transceiver.direction
            }
            return ours.direction != transceiver.direction.intersection(theirs.direction.reversed)
        }
    }
}
