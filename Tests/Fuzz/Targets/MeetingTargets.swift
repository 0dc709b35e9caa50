import Meeting
import Wire

/// A page whose keys and mailbox are always the same, and a door likewise, so that what it once sealed opens again.
private struct FuzzedMeeting {
    var door: MeetingSessions
    let call: NoiseInitiator
    let mailbox: MeetingMailbox
    var sealing: SealingKey?

    init() {
        let random = SeededRandomSource(seed: 1)
        let keys = X25519KeyPair(random: random)
        door = MeetingSessions(keys: keys, random: random, at: .zero)
        guard let mailbox = MeetingMailbox(String(repeating: "a", count: 32)),
            let call = try? NoiseInitiator(
                keys: X25519KeyPair(random: random), responder: keys.publicKey,
                prologue: DoorID(of: keys.publicKey).prologue(for: mailbox), payload: [],
                ephemeral: X25519KeyPair(random: random))
        else { preconditionFailure("a page knows the door's key") }
        self.mailbox = mailbox
        self.call = call
    }

    var greeting: [UInt8] { MeetingFrame.greeting(call.message[...]).payload }

    /// Gives the door `payload`; what it says goes to the page.
    mutating func give(_ payload: [UInt8], at now: Instant) {
        door.handle(.received(mailbox, payload), at: now)
        while let output = door.nextOutput() {
            switch output {
            case .introduced(let introduction):
                precondition(introduction.payload.isEmpty, "the page says nothing")
                door.handle(.admitted(introduction.id, payload: []), at: now)
            case .publish(let payload, _):
                guard let frame = MeetingFrame(payload) else { preconditionFailure("our own frame is refused") }
                precondition(frame.payload == payload, "a frame has changed on the way")
                if case .answer(let message) = frame, sealing == nil, let keys = try? call.finish(message).keys {
                    sealing = SealingKey(keys.sending)
                }
            case .message(_, let text):
                precondition(text == [1] || text == [2], "the page says no such thing")
                door.handle(.send(mailbox, text), at: now)
            case .opened, .closed: break
            }
        }
    }
}

func fuzzMeeting(_ bytes: [UInt8]) {
    var meeting = FuzzedMeeting()
    for (index, part) in parts(of: bytes).enumerated() {
        meeting.give(part, at: .zero + .milliseconds(Int64(index) * 700))
    }
}

extension FuzzTarget {
    /// A page that comes in, says two things and leaves; and one whose messages come twice, late and changed.
    static var meetingSeeds: [[UInt8]] {
        var meeting = FuzzedMeeting()
        meeting.give(meeting.greeting, at: .zero)
        guard var sealing = meeting.sealing else { preconditionFailure("a page is let in") }
        let (first, second) = (sealing.seal([1]).payload, sealing.seal([2]).payload)
        let changed = Array(second.dropLast()) + [0]
        return [
            joined([meeting.greeting, first, second, []]),
            joined([meeting.greeting, meeting.greeting, first, first, changed, second]),
            joined([first, meeting.greeting, second, [4], [2, 0], [3, 0, 0], [5]]),
        ]
    }
}
