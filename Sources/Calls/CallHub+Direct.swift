import PeerConnection
import Wire

/// Calls between two viewers: one rings the other's page alone, and no session with the door is made for it. Each has one
/// call at most, with the door or with another viewer, and the door comes first: who answers or calls it leaves the other.
extension CallHub {
    // MARK: The ring

    /// `id` calls the viewer `recipient`, who is there.
    mutating func callViewer(_ recipient: ParticipantID, by id: ParticipantID, at now: Instant) {
        let type = "call-initiate"
        guard let caller = viewers[id], let callee = viewers[recipient] else { return }
        // Both call each other at the same moment: the second call is the answer to the first.
        if let call = caller.directCall, case .ringing? = directCalls[call]?.state,
            directCalls[call]?.caller.viewer == recipient
        {
            return acceptDirect(call, by: id, at: now)
        }
        if let call = caller.call ?? caller.directCall {
            return refuse(id, .notAllowed, "you are in a call already", call: call, inReplyTo: type)
        }
        guard callee.takesCalls else {
            return refuse(id, .notAllowed, "this page takes no calls", inReplyTo: type)
        }
        guard !isShuttingDown, callee.isFree else {
            return refuse(id, .busy, "this page is in a call", inReplyTo: type)
        }
        let call = CallID.random(from: random)
        let timeout = configuration.ringTimeout
        directCalls[call] = DirectCall(
            caller: .init(viewer: id, name: caller.name, resumption: caller.resumption),
            callee: .init(viewer: recipient, name: callee.name, resumption: callee.resumption),
            state: .ringing(since: now, until: now + timeout))
        viewers[id]?.directCall = call
        viewers[recipient]?.directCall = call
        tell(id, .callRinging(call, to: party(recipient), expiresIn: timeout))
        tell(recipient, .callIncoming(call, from: party(id), at: nil, expiresIn: timeout))
        emit(.log(.viewerRang(call, from: party(id), to: party(recipient))))
        announcePresence(at: now)
    }

    /// The callee answers.
    mutating func acceptDirect(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let call = directCalls[id], call.callee.viewer == viewer else {
            return refuseUnknown(id, viewer, "call-accept")
        }
        guard case .ringing(let since, _) = call.state else {
            return refuse(viewer, .alreadyAnswered, "you answered already", call: id, inReplyTo: "call-accept")
        }
        directCalls[id]?.state = .accepted(at: now)
        for side in call.sides { tell(side.viewer, .callAccepted(id, by: call.callee.party, continues: nil)) }
        emit(.log(.viewerAnswered(id, by: call.callee.party, after: now - since)))
        tellDirectMembers(id)
    }

    /// The callee declines; what is accepted cannot be declined any more.
    mutating func rejectDirect(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let call = directCalls[id], call.callee.viewer == viewer, case .ringing = call.state else {
            return refuseUnknown(id, viewer, "call-reject")
        }
        endDirect(id, .rejected, by: call.callee.party, at: now)
    }

    // MARK: The end

    /// Either hangs up; a callee who has not answered declines by it.
    mutating func hangUpDirect(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let call = directCalls[id] else { return }
        if case .ringing = call.state, call.callee.viewer == viewer {
            rejectDirect(id, by: viewer, at: now)
        } else {
            endDirect(id, .hangup, by: party(viewer), at: now)
        }
    }

    /// Whoever goes to the door leaves the viewer whom he talks to, rings or is rung by.
    mutating func leaveForDoor(_ viewer: ParticipantID, at now: Instant) {
        if let call = viewers[viewer]?.directCall { endDirect(call, .door, by: party(viewer), at: now) }
    }

    mutating func endDirect(_ id: CallID, _ reason: EndReason, by party: Party? = nil, at now: Instant) {
        guard let ended = directCalls.removeValue(forKey: id) else { return }
        for side in ended.sides {
            viewers[side.viewer]?.directCall = nil
            viewers[side.viewer]?.lastDirectCall = id
            tell(side.viewer, .callHangup(id, reason, by: party))
        }
        var duration: Duration?
        if case .accepted(let began) = ended.state { duration = now - began }
        emit(.log(.directCallEnded(id, ended.caller.party, ended.callee.party, reason, duration: duration)))
        announcePresence(at: now)
    }

    // MARK: Coming and going

    /// The page of `viewer`, who is forgotten already, is gone: his call waits for him, one that rings does not.
    mutating func interruptDirect(_ id: CallID, of viewer: Party, mayResume: Bool, at now: Instant) {
        guard let call = directCalls[id] else { return }
        switch call.state {
        case .ringing:
            endDirect(id, call.caller.viewer == viewer.id ? .hangup : .recipientOffline, by: viewer, at: now)
        case .accepted where mayResume && !isShuttingDown:
            directCalls[id]?.update(viewer.id) { $0.awayUntil = now + configuration.resumptionGrace }
            emit(.log(.callInterrupted(id, with: viewer)))
            tellDirectMembers(id)
        case .accepted:
            endDirect(id, .hangup, by: viewer, at: now)
        }
    }

    /// Gives `id` the place of the side that `secret` belongs to; false where there is none.
    mutating func resumeDirect(_ secret: ResumptionSecret, by id: ParticipantID, at now: Instant) -> Bool {
        let found = directCalls.lazy.compactMap { call, direct -> (CallID, Instant, DirectCall.Side)? in
            guard case .accepted(let began) = direct.state,
                let side = direct.sides.first(where: { $0.resumption == secret })
            else { return nil }
            return (call, began, side)
        }.first
        guard let (call, began, side) = found, let viewer = viewers[id] else { return false }
        replace(side.viewer)
        viewers[id]?.directCall = call
        viewers[id]?.name = side.name
        directCalls[call]?.update(side.viewer) {
            $0 = DirectCall.Side(viewer: id, name: side.name, resumption: viewer.resumption)
        }
        tell(id, .callResumed(call, elapsed: now - began))
        emit(.log(.callResumed(call, with: party(id), keepsMedia: false)))
        tellDirectMembers(call)
        announcePresence(at: now)
        return true
    }

    /// Somebody has another name; the other of the two is told.
    mutating func renameDirect(_ id: CallID, _ viewer: ParticipantID, _ name: String) {
        directCalls[id]?.update(viewer) { $0.name = name }
        tellDirectMembers(id)
    }

    mutating func endDirectCallsDue(at now: Instant) {
        for (id, call) in directCalls.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard let limit = call.limit(configuration.maxCallDuration), limit.at <= now else { continue }
            endDirect(id, limit.reason, by: limit.by, at: now)
        }
    }

    // MARK: Between the two

    /// Gives what one says to the peer of the other to that other.
    mutating func relayDirect(
        _ step: NegotiationStep, from id: ParticipantID, in call: CallID, to recipient: ParticipantID
    ) {
        guard let direct = directCalls[call], case .accepted = direct.state,
            case let other = direct.other(than: id), other.viewer == recipient, other.awayUntil == nil
        else {
            // A candidate that crossed with the leaving of its recipient is no mistake.
            guard case .description = step else { return }
            return refuse(
                id, .recipientOffline, "nobody of this name is in the call", call: call, inReplyTo: step.type)
        }
        tell(recipient, .negotiation(call, sender: id, step))
    }

    /// Tells the two of an accepted call who they are.
    private mutating func tellDirectMembers(_ id: CallID) {
        guard let call = directCalls[id], case .accepted = call.state else { return }
        let members = call.sides.map(\.member)
        for side in call.sides { tell(side.viewer, .callMembers(id, members)) }
    }
}
