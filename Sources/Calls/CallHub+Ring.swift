import Wire

/// The ring: from the press of the button to an answer or none, and what is remembered of it.
extension CallHub {
    mutating func press(wallClock: Int64, at now: Instant) {
        guard !isShuttingDown else { return }
        if let ring {
            // a second press prolongs nothing and makes no second ring
            emit(.log(.pressedWhileRinging(ring.id)))
            return
        }
        let ring = Ring(
            id: .random(from: random), wallClock: wallClock, began: now, ends: now + configuration.ringTimeout,
            ringing: Set(viewers.keys))
        self.ring = ring
        emit(.ringingChanged(true))
        let message = incoming(ring, at: now)
        tellAll { _ in message }
        emit(.log(.rang(ring.id, viewers: viewers.count)))
    }

    func incoming(_ ring: Ring, at now: Instant) -> DoorMessage {
        .callIncoming(
            ring.id, from: Party(id: .door, name: configuration.doorName), at: ring.wallClock,
            expiresIn: ring.ends - now)
    }

    mutating func accept(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let ring, ring.id == id else {
            guard let lastRing, lastRing.id == id, lastRing.wasAnswered else {
                return refuseUnknown(id, viewer, "call-accept")
            }
            return refuse(
                viewer, .alreadyAnswered, "somebody was faster", call: id, inReplyTo: "call-accept")
        }
        // a call whose connection the page has closed already is none to go on with
        if let call = viewers[viewer]?.call, case .over? = calls[call]?.media {
            end(call, .hangup, by: party(viewer), at: now)
        }
        let existing = viewers[viewer]?.call
        guard existing != nil || calls.count < configuration.maximumCalls else {
            return refuse(
                viewer, .busy, "the door has as many calls as it can serve", call: id, inReplyTo: "call-accept")
        }
        leaveForDoor(viewer, at: now)
        self.ring = nil
        lastRing = (id, wasAnswered: true)
        emit(.ringingChanged(false))
        let answerer = party(viewer)
        tellAll { .callAccepted(id, by: answerer, continues: $0 == viewer ? existing : nil) }
        emit(.log(.answered(id, by: answerer, after: now - ring.began)))
        if existing == nil { start(id, with: viewer, at: now) }
    }

    mutating func reject(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let ring, ring.id == id else {
            let isJustOver = lastRing?.id == id || viewers[viewer]?.lastDirectCall == id
            if !isJustOver { refuseUnknown(id, viewer, "call-reject") }
            return
        }
        guard self.ring?.ringing.remove(viewer) != nil else { return }
        emit(.log(.declined(id, by: party(viewer))))
        if self.ring?.ringing.isEmpty == true { endRing(.rejected, at: now) }
    }

    mutating func endRing(_ reason: EndReason, at now: Instant) {
        guard let ended = ring else { return }
        ring = nil
        lastRing = (ended.id, wasAnswered: false)
        emit(.ringingChanged(false))
        tellAll { _ in .callHangup(ended.id, reason, by: nil) }
        emit(.log(.ringEnded(ended.id, reason)))
        if reason == .unanswered { remember(MissedRing(call: ended.id, at: ended.wallClock)) }
    }

    // MARK: What was missed

    private mutating func remember(_ ring: MissedRing) {
        missed.append(ring)
        missed.removeFirst(max(0, missed.count - configuration.maximumMissed))
        let missed = missed
        tellAll { _ in .missed(missed) }
    }

    /// Somebody saw this missed ring, and with it those before it.
    mutating func sawMissed(_ call: CallID, by id: ParticipantID) {
        // somebody else was faster, or it was so long ago that it is forgotten
        guard let index = missed.firstIndex(where: { $0.call == call }) else { return }
        missed.removeFirst(index + 1)
        emit(.log(.missedSeen(by: party(id), left: missed.count)))
        let missed = missed
        tellAll { _ in .missed(missed) }
    }
}
