import Wire

/// What is said on the data channels between the pages' peers and the door's: chat, which goes from one channel to the
/// others, and the door's controls.
extension CallHub {
    mutating func openChannel(_ id: CallID) {
        guard calls[id] != nil else { return }
        calls[id]?.hasChannel = true
        emit(.sendOnChannel(.controls(controls), id))
    }

    mutating func change(to new: DoorControls) {
        guard new != controls else { return }
        controls = new
        for (id, call) in callsInOrder where call.hasChannel { emit(.sendOnChannel(.controls(new), id)) }
    }

    mutating func take(_ message: MemberMessage, on id: CallID, at now: Instant) {
        guard let call = admitOnChannel(id, messageID: message.id, at: now) else { return }
        switch message {
        case .chat(let messageID, let text, let recipient):
            chat(text, from: call, on: id, messageID: messageID, to: recipient)
        case .control(let messageID, let control):
            emit(.actuate(control, id, messageID: messageID, by: party(call)))
        case .snapshot(let messageID): emit(.takeSnapshot(id, messageID: messageID))
        }
    }

    mutating func refuseOnChannel(_ id: CallID, _ complaint: BadMessage, at now: Instant) {
        guard admitOnChannel(id, messageID: nil, at: now) != nil else { return }
        emit(.sendOnChannel(.error(id: nil, .badMessage, message: complaint.reason), id))
    }

    /// A control was done, or not.
    mutating func actuated(_ control: DoorControl, _ id: CallID, messageID: String, _ outcome: ControlOutcome) {
        guard let call = calls[id] else { return }
        emit(.log(.controlled(control, by: party(call), outcome)))
        acknowledge(outcome, of: messageID, on: id)
    }

    /// Tells who asked for something what became of it.
    mutating func acknowledge(_ outcome: ControlOutcome, of messageID: String, on id: CallID) {
        guard calls[id]?.hasChannel == true else { return }
        switch outcome {
        case .done: emit(.sendOnChannel(.ack(id: messageID, recipients: nil), id))
        case .refused(let code, let reason):
            emit(.sendOnChannel(.error(id: messageID, code, message: reason), id))
        }
    }

    /// The call whose channel a message came on, unless there were too many of late; that is said once.
    private mutating func admitOnChannel(_ id: CallID, messageID: String?, at now: Instant) -> Call? {
        guard let call = calls[id], call.hasChannel else { return nil }
        if calls[id]?.channelBucket.take(at: now) == true {
            calls[id]?.isTooFast = false
            return call
        }
        if !call.isTooFast {
            calls[id]?.isTooFast = true
            emit(.sendOnChannel(.error(id: messageID, .tooFast, message: "too many messages"), id))
        }
        return nil
    }

    private mutating func chat(
        _ text: String, from call: Call, on id: CallID, messageID: String, to recipient: ParticipantID?
    ) {
        let others = callsInOrder.filter { other in
            other.key != id && other.value.hasChannel && (recipient == nil || other.value.viewer == recipient)
        }
        guard recipient == nil || !others.isEmpty else {
            return emit(
                .sendOnChannel(.error(id: messageID, .recipientOffline, message: "nobody of this name is here"), id))
        }
        let message = ChannelMessage.chat(from: party(call), text: text, isPrivate: recipient != nil)
        for (other, _) in others { emit(.sendOnChannel(message, other)) }
        emit(.sendOnChannel(.ack(id: messageID, recipients: others.map(\.value.viewer)), id))
    }
}
