import PeerConnection
import Wire

/// Those who are in a call with the door at the same time are together: each knows the others, and their pages talk to
/// one another through here.
extension CallHub {
    /// Everybody in a call with the door, in the order of their coming.
    var callsInOrder: [(key: CallID, value: Call)] {
        calls.sorted { ($0.value.began, $0.key.rawValue) < ($1.value.began, $1.key.rawValue) }
    }

    /// Who is in a call with the door, in the order of their coming.
    public var members: [Member] {
        callsInOrder.map { Member(id: $1.viewer, name: $1.name, isAway: $1.awayUntil != nil) }
    }

    /// Tells every member who the members are.
    mutating func tellMembers() {
        hasRenamedMember = false
        let members = members
        for (id, call) in callsInOrder { tell(call.viewer, .callMembers(id, members)) }
    }

    /// Gives what a member says to the peer of another to that other, whose own call it then is a part of.
    mutating func relay(
        _ step: NegotiationStep, from id: ParticipantID, in call: CallID, to recipient: ParticipantID
    ) {
        guard recipient != id else {
            return refuse(id, .notAllowed, "nobody calls himself", call: call, inReplyTo: step.type)
        }
        guard let theirs = viewers[recipient]?.call else {
            // A candidate that crossed with the leaving of its recipient is no mistake.
            guard case .description = step else { return }
            return refuse(
                id, .recipientOffline, "nobody of this name is in the call", call: call, inReplyTo: step.type)
        }
        tell(recipient, .negotiation(theirs, sender: id, step))
    }
}
