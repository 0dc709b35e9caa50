import SDP

/// What a remote description must keep to. One that breaks these rules is refused before it changes anything.
extension RTCPeerConnection {
    /// What a description must have to be used at all.
    func check(_ session: SessionDescription) throws(RTCError) {
        for (index, section) in session.media.enumerated()
        where !section.isRejected && (section.isRTP || section.isForDataChannels) {
            // "bundle-only" without a bundle is rejected by whoever answers (RFC 9143 §6)
            guard !section.isBundleOnly || session.transportSection(for: index) != index else { continue }
            guard let transport = RemoteTransport(of: session, for: index) else {
                throw .invalidAccess("media description \(index) has no ICE credentials or no usable fingerprint")
            }
            // RFC 8842 §4: WebRTC's associations do not wait
            guard transport.setup != .holdconn else { throw .invalidAccess("media description \(index) waits") }
        }
    }

    /// RFC 8829 §5.2.2, §5.10: in later offers media descriptions never go, keep their order, and stay what they are
    /// unless they were rejected.
    func check(_ offer: SessionDescription, continuing previous: SessionDescription?) throws(RTCError) {
        guard let previous else { return }
        guard offer.media.count >= previous.media.count else {
            throw .invalidAccess("the description has lost media descriptions")
        }
        let ours = negotiated.currentLocal?.session.media ?? []
        for (index, (new, (theirs, ours))) in zip(offer.media, zip(previous.media, ours)).enumerated() {
            let tag = theirs.mid ?? ours.mid
            let isSame = new.kind == ours.kind && (new.mid ?? tag) == (tag ?? new.mid)
            guard isSame || theirs.isRejected || ours.isRejected else {
                throw .invalidAccess("media description \(index) is not what it was")
            }
        }
        // a tag that a media description has cannot move to another
        for transceiver in stableTransceivers ?? transceivers {
            guard let mid = transceiver.mid, let index = offer.media.firstIndex(where: { $0.mid == mid }) else {
                continue
            }
            guard transceiver.mLineIndex == index, transceiver.kind == offer.media[index].kind else {
                throw .invalidAccess("media description \(index) has another's tag")
            }
        }
    }

    func check(_ answer: SessionDescription, answering offer: SessionDescription) throws(RTCError) {
        // RFC 3264 §6: the answer has the offer's media descriptions, in order
        guard answer.media.count == offer.media.count else {
            throw .invalidAccess("the answer's media descriptions are not the offer's")
        }
        for (index, (theirs, ours)) in zip(answer.media, offer.media).enumerated() {
            guard theirs.kind == ours.kind, (theirs.mid ?? ours.mid) == ours.mid else {
                throw .invalidAccess("the answer's media descriptions are not the offer's")
            }
            guard !theirs.isRejected else { continue }
            // "a stream that was offered with a port of zero MUST be marked with port zero in the answer"
            guard !ours.isRejected else { throw .invalidAccess("the answer accepts what was not offered") }
            // RFC 8842 §5.3: the answer chooses the DTLS role
            guard theirs.setup != .actpass else { throw .invalidAccess("an answer must choose its DTLS role") }
            if ours.isForDataChannels, !theirs.isForDataChannels {
                throw .invalidAccess("media description \(index) is for other data than was offered")
            }
            // RFC 8829 §5.11: ours has no place for RTCP of its own
            guard theirs.isRTCPMultiplexed || !theirs.isRTP else {
                throw .invalidAccess("media description \(index) lacks rtcp-mux")
            }
        }
    }
}
