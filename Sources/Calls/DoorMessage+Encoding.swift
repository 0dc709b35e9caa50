import PeerConnection
import Wire

/// The fields that the daemon's messages have.
private enum Field: String, CodingKey {
    case type, id, `protocol`, door, iceServers, iceTransportPolicy, ringTimeoutMs, maxCallDurationMs, resumption
    case participants, watchers
    case camera, microphone, speaker
    case name
    case call, from, to, at, expiresInMs, by, `continues`, reason, elapsedMs, members
    case sender, description, candidate
    case rings
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
        case .doorSettings: "door-settings"
        case .callIncoming: "call-incoming"
        case .callRinging: "call-ringing"
        case .callAccepted: "call-accepted"
        case .callResumed: "call-resumed"
        case .callMembers: "call-members"
        case .callHangup: "call-hangup"
        case .negotiation(_, _, let step): step.type
        case .missed: "missed"
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
        case .doorSettings(let name, let ringTimeout, let maxCallDuration):
            try fields.encode(name, forKey: .name)
            try fields.encode(ringTimeout.wholeMilliseconds, forKey: .ringTimeoutMs)
            try fields.encode(maxCallDuration?.wholeMilliseconds ?? 0, forKey: .maxCallDurationMs)
        case .callIncoming(let call, let party, let at, let expiry):
            try fields.encode(call, forKey: .call)
            try fields.encode(party, forKey: .from)
            try fields.encodeIfPresent(at, forKey: .at)
            try fields.encode(expiry.wholeMilliseconds, forKey: .expiresInMs)
        case .callRinging(let call, let party, let expiry):
            try fields.encode(call, forKey: .call)
            try fields.encode(party, forKey: .to)
            try fields.encode(expiry.wholeMilliseconds, forKey: .expiresInMs)
        case .callAccepted(let call, let party, let continued):
            try fields.encode(call, forKey: .call)
            try fields.encode(party, forKey: .by)
            try fields.encodeIfPresent(continued, forKey: .continues)
        case .callHangup(let call, let reason, let party):
            try fields.encode(call, forKey: .call)
            try fields.encode(reason, forKey: .reason)
            try fields.encodeIfPresent(party, forKey: .by)
        case .callResumed(let call, let elapsed):
            try fields.encode(call, forKey: .call)
            try fields.encode(elapsed.wholeMilliseconds, forKey: .elapsedMs)
        case .callMembers(let call, let members):
            try fields.encode(call, forKey: .call)
            try fields.encode(members, forKey: .members)
        case .negotiation(let call, let sender, let step):
            try fields.encode(call, forKey: .call)
            if sender != .door { try fields.encode(sender, forKey: .sender) }
            switch step {
            case .description(let description): try fields.encode(description, forKey: .description)
            case .candidate(let candidate): try fields.encode(candidate, forKey: .candidate)
            }
        case .missed(let rings):
            try fields.encode(rings, forKey: .rings)
        case .callError(let code, let message, let call, let inReplyTo):
            try fields.encode(code, forKey: .code)
            try fields.encode(message, forKey: .message)
            try fields.encodeIfPresent(call, forKey: .call)
            try fields.encodeIfPresent(inReplyTo, forKey: .inReplyTo)
        }
    }
}

extension NegotiationStep {
    /// The `type` of the message that carries it.
    var type: String {
        switch self {
        case .description(let description): description.type == .offer ? "call-offer" : "call-answer"
        case .candidate: "call-ice-candidate"
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
        try fields.encode(resumption, forKey: .resumption)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 { nanoseconds / 1_000_000 }
}
