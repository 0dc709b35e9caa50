import PeerConnection
import Wire

/// The fields that the daemon's messages have.
private enum Field: String, CodingKey {
    case type, id, `protocol`, door, iceServers, iceTransportPolicy, ringTimeoutMs, maxCallDurationMs
    case participants, watchers
    case camera, microphone, speaker
    case call, from, at, expiresInMs, by, `continues`, reason
    case description, candidate
    case code, message, inReplyTo
}

/// `welcome.door`: who the door is and what it has.
private struct DoorDescription: Encodable {
    let id: ParticipantID
    let name: String
    let camera: DoorDevices.Camera
    let microphone: DoorDevices.Microphone
    let speaker: DoorDevices.Speaker
}

extension DoorMessage: Encodable {
    /// The message's `type`.
    public var type: String {
        switch self {
        case .welcome: "welcome"
        case .iceServers: "ice-servers"
        case .presence: "presence"
        case .door: "door"
        case .callIncoming: "call-incoming"
        case .callAccepted: "call-accepted"
        case .callHangup: "call-hangup"
        case .negotiation(_, .description(let description)):
            description.type == .offer ? "call-offer" : "call-answer"
        case .negotiation(_, .candidate): "call-ice-candidate"
        case .callError: "call-error"
        }
    }

    /// Encodes the message as PROTOCOL.md has it.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        try fields.encode(type, forKey: .type)
        switch self {
        case .welcome(let welcome):
            try welcome.encode(to: &fields)
        case .iceServers(let servers):
            try fields.encode(servers, forKey: .iceServers)
        case .presence(let participants, let watchers):
            try fields.encode(participants, forKey: .participants)
            try fields.encode(watchers, forKey: .watchers)
        case .door(let devices):
            try fields.encode(devices.camera, forKey: .camera)
            try fields.encode(devices.microphone, forKey: .microphone)
            try fields.encode(devices.speaker, forKey: .speaker)
        case .callIncoming(let call, let party, let at, let expiry):
            try fields.encode(call, forKey: .call)
            try fields.encode(party, forKey: .from)
            try fields.encode(at, forKey: .at)
            try fields.encode(expiry.wholeMilliseconds, forKey: .expiresInMs)
        case .callAccepted(let call, let party, let continued):
            try fields.encode(call, forKey: .call)
            try fields.encode(party, forKey: .by)
            try fields.encodeIfPresent(continued, forKey: .continues)
        case .callHangup(let call, let reason, let party):
            try fields.encode(call, forKey: .call)
            try fields.encode(reason, forKey: .reason)
            try fields.encodeIfPresent(party, forKey: .by)
        case .negotiation(let call, .description(let description)):
            try fields.encode(call, forKey: .call)
            try fields.encode(description, forKey: .description)
        case .negotiation(let call, .candidate(let candidate)):
            try fields.encode(call, forKey: .call)
            try fields.encode(candidate, forKey: .candidate)
        case .callError(let code, let message, let call, let inReplyTo):
            try fields.encode(code, forKey: .code)
            try fields.encode(message, forKey: .message)
            try fields.encodeIfPresent(call, forKey: .call)
            try fields.encodeIfPresent(inReplyTo, forKey: .inReplyTo)
        }
    }
}

extension DoorMessage.Welcome {
    fileprivate func encode(to fields: inout KeyedEncodingContainer<Field>) throws {
        try fields.encode(id, forKey: .id)
        try fields.encode(DoorMessage.protocolVersion, forKey: .protocol)
        let door = DoorDescription(
            id: .door, name: doorName, camera: devices.camera, microphone: devices.microphone,
            speaker: devices.speaker)
        try fields.encode(door, forKey: .door)
        try fields.encode(iceServers, forKey: .iceServers)
        try fields.encode(iceTransportPolicy, forKey: .iceTransportPolicy)
        try fields.encode(ringTimeout.wholeMilliseconds, forKey: .ringTimeoutMs)
        try fields.encode(maxCallDuration?.wholeMilliseconds ?? 0, forKey: .maxCallDurationMs)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 { nanoseconds / 1_000_000 }
}
