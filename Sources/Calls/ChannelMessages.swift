/// A message from a page to the door on the data channel between their peers. PROTOCOL.md documents every type and field.
public enum MemberMessage: Hashable, Sendable {
    /// `chat`: a text for one other member, or for all.
    case chat(id: String, text: String, recipient: ParticipantID?)
    /// `unlock` or `light`: something that the door is to do.
    case control(id: String, DoorControl)
    /// `snapshot`: the picture as it is now is wanted.
    case snapshot(id: String)

    /// What the page calls this message; the answer names it.
    public var id: String {
        switch self {
        case .chat(let id, _, _), .control(let id, _), .snapshot(let id): id
        }
    }
}

/// Something that the door can be asked to do.
public enum DoorControl: Hashable, Sendable {
    /// Opens the lock, for as long as is configured.
    case unlock
    /// Switches the light.
    case light(isOn: Bool)
}

/// What the door's controls are, and how they stand.
public struct DoorControls: Hashable, Sendable, Codable {
    /// The lock.
    public enum Lock: String, Hashable, Sendable, Codable {
        /// The door has no lock that it can open.
        case none
        /// It is not being opened.
        case locked
        /// It is being opened.
        case unlocked
    }

    /// The light.
    public enum Light: String, Hashable, Sendable, Codable {
        /// The door has no light that it can switch.
        case none
        /// It is off.
        case off
        /// It is on.
        case on
    }

    /// The lock.
    public var lock: Lock
    /// The light.
    public var light: Light

    /// Controls that stand like this.
    public init(lock: Lock = .none, light: Light = .none) {
        self.lock = lock
        self.light = light
    }
}

/// What became of something that the door was asked to do.
public enum ControlOutcome: Hashable, Sendable {
    /// It was done.
    case done
    /// It was not, and why, in words for a developer.
    case refused(ChannelErrorCode, String)
}

/// A message from the door to a page on their data channel. PROTOCOL.md documents every type and field.
public enum ChannelMessage: Hashable, Sendable {
    /// `controls`: what there is to control, and how it stands.
    case controls(DoorControls)
    /// `chat`: somebody wrote to the receiver alone, or to all.
    case chat(from: Party, text: String, isPrivate: Bool)
    /// `snapshot`: the picture that the page asked for as `id` follows, in binary messages, as a file of this many bytes.
    case snapshot(id: String, mimeType: String, size: Int)
    /// `ack`: what the page sent as `id` was done; a text was given to these members.
    case ack(id: String, recipients: [ParticipantID]?)
    /// `error`: what the page sent, as `id` where it said so, was not done.
    case error(id: String?, ChannelErrorCode, message: String)
}

/// What was wrong with a message on the data channel.
public enum ChannelErrorCode: String, Hashable, Sendable, Codable {
    /// It was not a message of this protocol.
    case badMessage = "bad_message"
    /// It is for somebody who is not in the call, or cannot be reached now.
    case recipientOffline = "recipient_offline"
    /// The sender may not do this.
    case notAllowed = "not_allowed"
    /// The door has no such thing to control.
    case notConfigured = "not_configured"
    /// The sender writes faster than anyone may; what is too much is dropped.
    case tooFast = "too_fast"
    /// The door tried, and could not.
    case failed
}
