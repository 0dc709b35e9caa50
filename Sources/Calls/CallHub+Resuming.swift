import Wire

/// A call outlives the connection of its page for a while: a page that comes back in time, the same or loaded anew, has
/// it back.
///
/// ```
///  there ── the WebSocket closes ──► away ── the grace time ends ──► over
///    ▲                                 │
///    └──────── call-resume ◄───────────┘
/// ```
extension CallHub {
    /// The page of a call is gone.
    mutating func interrupt(_ id: CallID, at now: Instant) {
        guard let call = calls[id] else { return }
        calls[id]?.awayUntil = now + configuration.resumptionGrace
        emit(.log(.callInterrupted(id, with: party(call))))
        tellMembers()
    }

    /// Tells the viewer what the door's peer says. A description that nobody is there to take leaves that peer waiting for
    /// ever: it is of no more use, and who comes back negotiates with another.
    mutating func negotiate(_ step: NegotiationStep, in id: CallID, at now: Instant) {
        guard let call = calls[id] else { return }
        if call.awayUntil == nil {
            tell(call.viewer, .negotiation(id, sender: .door, step))
        } else if case .description = step {
            closed(id, at: now)
        }
    }

    /// Gives `id` the call that `secret` belongs to. Whoever had it before, and may not have noticed yet that his
    /// connection is broken, has it no more.
    mutating func resume(_ secret: ResumptionSecret, keepsMedia: Bool, by id: ParticipantID, at now: Instant) {
        let type = "call-resume"
        guard let viewer = viewers[id] else { return }
        if let call = viewer.call ?? viewer.directCall {
            return refuse(id, .notAllowed, "you are in a call already", call: call, inReplyTo: type)
        }
        if resumeDirect(secret, by: id, at: now) { return }
        guard let (old, call) = calls.first(where: { $0.value.resumption == secret }) else {
            return refuse(id, .unknownCall, "there is no call to come back to", inReplyTo: type)
        }
        calls[old] = nil
        replace(call.viewer)
        var media = call.media
        var new = old
        let keeps: Bool
        if keepsMedia, case .connected = media {
            keeps = true
        } else {
            // what was negotiated is gone with the page, or never arrived
            keeps = false
            new = .random(from: random)
            media = .connecting(by: now + configuration.connectTimeout)
            emit(.endSession(old, .connectionLost))
        }
        viewers[id]?.call = new
        viewers[id]?.name = call.name
        calls[new] = Call(
            viewer: id, name: call.name, resumption: viewer.resumption, began: call.began, media: media,
            hasChannel: keeps && call.hasChannel, channelBucket: call.channelBucket)
        tell(id, .callResumed(new, elapsed: now - call.began))
        if !keeps { emit(.startSession(new, id)) }
        emit(.log(.callResumed(new, with: party(id), keepsMedia: keeps)))
        tellMembers()
        announcePresence(at: now)
    }

    /// Forgets a page whose call another connection has resumed, where it has not been noticed to be gone.
    mutating func replace(_ id: ParticipantID) {
        guard let previous = viewers.removeValue(forKey: id) else { return }
        ring?.ringing.remove(id)
        emit(.log(.viewerLeft(Party(id: id, name: previous.name))))
        emit(.disconnect(id, "the call was resumed by another connection"))
    }
}
