import Wire

/// Names one connection of a page: 32 hexadecimal digits that the page draws anew for each.
public struct MeetingMailbox: Hashable, Sendable, CustomStringConvertible {
    /// The digits.
    public let rawValue: String

    /// The mailbox `rawValue`; nil where that is not 32 lower-case hexadecimal digits.
    public init?(_ rawValue: some StringProtocol) {
        let isDigit = { (byte: UInt8) in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard rawValue.utf8.count == 32, rawValue.utf8.allSatisfy(isDigit) else { return nil }
        self.rawValue = String(rawValue)
    }

    /// The digits.
    public var description: String { rawValue }
}

/// Names a door: the first 16 bytes of SHA-256 of its public key, as 32 hexadecimal digits.
public struct DoorID: Hashable, Sendable, CustomStringConvertible {
    /// The digits.
    public let rawValue: String

    /// The door with the public key `key`.
    public init(of key: [UInt8]) {
        rawValue = NoiseFunctions.hash(key).prefix(16).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// The digits.
    public var description: String { rawValue }

    /// What both sides of a handshake have to agree on beforehand: with whom, and for which connection.
    public func prologue(for mailbox: MeetingMailbox) -> [UInt8] {
        Array("doorward-meeting-1 \(rawValue) \(mailbox.rawValue)".utf8)
    }
}

/// Names one handshake among all that there ever were: a mailbox could have had another before.
public struct HandshakeID: Hashable, Sendable {
    let rawValue: Int
}

/// A page that asks to be let in.
public struct MeetingIntroduction: Hashable, Sendable {
    /// The handshake.
    public let id: HandshakeID
    /// Where the page is reached.
    public let mailbox: MeetingMailbox
    /// The page's public key. That the page has the private one, and is here now, is certain only once the session opens.
    public let key: [UInt8]
    /// What it says.
    public let payload: [UInt8]
}

/// What happened, for the sessions to act on.
public enum MeetingInput: Hashable, Sendable {
    /// The connection to the broker came about, anew perhaps: what was before it is over.
    case connected
    /// This came for the mailbox.
    case received(MeetingMailbox, [UInt8])
    /// The page may come in; it is told `payload`.
    case admitted(HandshakeID, payload: [UInt8])
    /// It may not, and is told why by `payload`.
    case refused(HandshakeID, payload: [UInt8])
    /// Send this message to the page of the mailbox.
    case send(MeetingMailbox, [UInt8])
    /// End the session.
    case end(MeetingMailbox)
    /// Time passed; nothing else happened.
    case timePassed
}

/// What the sessions want done.
public enum MeetingOutput: Hashable, Sendable {
    /// Publish this to the page of the mailbox.
    case publish([UInt8], to: MeetingMailbox)
    /// Answer by `admitted` or `refused`.
    case introduced(MeetingIntroduction)
    /// The owner of this public key is there for certain: he takes part from now on, if he still may.
    case opened(MeetingMailbox, key: [UInt8])
    /// It sent this message.
    case message(MeetingMailbox, [UInt8])
    /// A session that was open is over.
    case closed(MeetingMailbox, MeetingEnd)
}

/// Why a session is over.
public enum MeetingEnd: String, Hashable, Sendable {
    /// The page left, or the broker says so.
    case left
    /// Nothing was heard of it for too long.
    case silent
    /// A message is missing.
    case gap
    /// A message was changed on the way.
    case tampered
    /// The connection to the broker is another.
    case reconnected
    /// The door ended it.
    case ended
}

/// Why something that came was discarded.
public enum MeetingDiscard: String, Hashable, CaseIterable, Sendable {
    /// It is no frame, or none that a page sends.
    case badFrame = "bad_frame"
    /// It is no handshake with this door.
    case badHandshake = "bad_handshake"
    /// Too many handshakes in a second.
    case tooManyHandshakes = "too_many_handshakes"
    /// The mailbox has had its handshake.
    case repeatedHandshake = "repeated_handshake"
    /// There are as many sessions as there may be.
    case tooManySessions = "too_many_sessions"
    /// The mailbox has no session.
    case noSession = "no_session"
    /// The message was there before.
    case duplicate
    /// A message before it is missing.
    case gap
    /// It was not sealed by the page, or was changed since.
    case tampered
}
