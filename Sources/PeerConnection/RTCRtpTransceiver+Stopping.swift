import SDP
public import Wire

/// The end of transceivers (W3C §5.4, `stop`).
extension RTCPeerConnection {
    /// Stops a transceiver for good: its streams say good-bye at once, and the next offer of ours gives its media
    /// description up, or the next answer rejects it. Throws InvalidStateError on a closed connection; one that is stopping
    /// goes on.
    public mutating func stop(_ id: TransceiverID, at now: Instant) throws(RTCError) {
        try checkOpen()
        guard let index = position(of: id), !transceivers[index].isStopping else { return }
        transceivers[index].isStopping = true
        endMedia(ofTransceiver: index, at: now)
        // the other side knows nothing of it
        if transceivers[index].mid == nil { forgetTransceiver(index) }
        updateNegotiationNeeded()
    }

    /// Stops the transceiver whose media description was rejected.
    mutating func stopRejected(_ index: Int, at now: Instant) {
        if !transceivers[index].isStopping { endMedia(ofTransceiver: index, at: now) }
        transceivers[index].isStopped = true
    }

    /// Forgets the transceivers that have stopped, as both sides know (W3C §4.4.1.5), and those whose stopping needs no
    /// negotiation, for they have no media description.
    mutating func forgetStoppedTransceivers() {
        for index in transceivers.indices.reversed() {
            let transceiver = transceivers[index]
            if transceiver.isStopped || transceiver.isStopping && transceiver.mid == nil { forgetTransceiver(index) }
        }
    }

    private mutating func forgetTransceiver(_ index: Int) {
        let id = transceivers[index].id
        media.paused.removeAll { $0.transceiver == id }
        playoutDelays[id] = nil
        mediaSources[id] = nil
        transceivers.remove(at: index)
    }

    private mutating func endMedia(ofTransceiver index: Int, at now: Instant) {
        let (id, kind) = (transceivers[index].id, transceivers[index].kind)
        sendGoodbye(of: media.outgoing.filter { $0.transceiver == id }, at: now)
        media.pause(id)
        media.stopReceiving(id)
        guard transceivers[index].isReceiving else { return }
        transceivers[index].isReceiving = false
        events.append(.track(id, kind, isActive: false))
    }
}
