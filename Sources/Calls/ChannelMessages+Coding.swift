/// The fields that messages on the data channel have.
private enum Field: String, CodingKey {
    case type, id, text, recipient, on
    case lock, light, from, isPrivate, mimeType, size, recipients, code, message
}

extension MemberMessage: Decodable {
    /// Decodes a message; throws a `BadMessage` that says what is wrong with it.
    public init(from decoder: any Decoder) throws {
        guard let fields = try? decoder.container(keyedBy: Field.self) else {
            throw BadMessage("a message is a JSON object")
        }
        guard let type = try? fields.decode(String.self, forKey: .type) else {
            throw BadMessage("the field “type” is a string")
        }
        func string(_ field: Field, atMost bytes: Int) throws -> String {
            guard let text = try? fields.decode(String.self, forKey: field), !text.isEmpty, text.utf8.count <= bytes
            else { throw BadMessage("the field “\(field.rawValue)” is a string of 1 to \(bytes) bytes", type: type) }
            return text
        }
        let id = try string(.id, atMost: MessageLimits.identifierBytes)
        switch type {
        case "chat":
            let text = try string(.text, atMost: MessageLimits.chatBytes)
            guard text.contains(where: { !$0.isWhitespace }) else {
                throw BadMessage("the field “text” is empty", type: type)
            }
            guard !text.unicodeScalars.contains(where: { $0 != "\n" && $0.isDisruptive }) else {
                throw BadMessage("the field “text” has a control character", type: type)
            }
            let recipient =
                fields.contains(.recipient)
                ? ParticipantID(try string(.recipient, atMost: MessageLimits.identifierBytes)) : nil
            self = .chat(id: id, text: text, recipient: recipient)
        case "unlock": self = .control(id: id, .unlock)
        case "light":
            guard let isOn = try? fields.decode(Bool.self, forKey: .on) else {
                throw BadMessage("the field “on” is true or false", type: type)
            }
            self = .control(id: id, .light(isOn: isOn))
        case "snapshot": self = .snapshot(id: id)
        default: throw BadMessage("there is no message of the type “\(type.prefix(40))”", type: String(type.prefix(40)))
        }
    }
}

extension ChannelMessage: Encodable {
    /// Encodes the message as PROTOCOL.md has it.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        switch self {
        case .controls(let controls):
            try fields.encode("controls", forKey: .type)
            try fields.encode(controls.lock, forKey: .lock)
            try fields.encode(controls.light, forKey: .light)
        case .chat(let from, let text, let isPrivate):
            try fields.encode("chat", forKey: .type)
            try fields.encode(from, forKey: .from)
            try fields.encode(text, forKey: .text)
            try fields.encode(isPrivate, forKey: .isPrivate)
        case .snapshot(let id, let mimeType, let size):
            try fields.encode("snapshot", forKey: .type)
            try fields.encode(id, forKey: .id)
            try fields.encode(mimeType, forKey: .mimeType)
            try fields.encode(size, forKey: .size)
        case .ack(let id, let recipients):
            try fields.encode("ack", forKey: .type)
            try fields.encode(id, forKey: .id)
            try fields.encodeIfPresent(recipients, forKey: .recipients)
        case .error(let id, let code, let message):
            try fields.encode("error", forKey: .type)
            try fields.encodeIfPresent(id, forKey: .id)
            try fields.encode(code, forKey: .code)
            try fields.encode(message, forKey: .message)
        }
    }
}
