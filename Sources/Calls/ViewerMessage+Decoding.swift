import PeerConnection

/// The fields that a page's messages have.
private enum Field: String, CodingKey {
    case type, name, takesCalls, recipient, call, description, candidate, resumption, keepsMedia
}

extension ViewerMessage: Decodable {
    /// Decodes a message; throws a `BadMessage` that says what is wrong with it.
    public init(from decoder: any Decoder) throws {
        guard let fields = try? decoder.container(keyedBy: Field.self) else {
            throw BadMessage("a message is a JSON object")
        }
        guard fields.contains(.type) else { throw BadMessage("the field “type” is missing") }
        guard let type = try? fields.decode(String.self, forKey: .type) else {
            throw BadMessage("the field “type” is a string")
        }
        let reader = FieldReader(fields: fields, type: type)
        switch type {
        case "presence": self = .presence(name: try reader.name(), takesCalls: try reader.flag(.takesCalls))
        case "call-initiate": self = .callInitiate(recipient: ParticipantID(try reader.identifier(.recipient)))
        case "call-accept": self = .callAccept(try reader.call())
        case "call-reject": self = .callReject(try reader.call())
        case "call-hangup": self = .callHangup(try reader.call())
        case "call-resume":
            self = .callResume(
                ResumptionSecret(try reader.identifier(.resumption)), keepsMedia: try reader.flag(.keepsMedia))
        case "call-offer":
            self = .negotiation(
                try reader.call(), recipient: try reader.recipient(),
                .description(try reader.sessionDescription(.offer)))
        case "call-answer":
            self = .negotiation(
                try reader.call(), recipient: try reader.recipient(),
                .description(try reader.sessionDescription(.answer)))
        case "call-ice-candidate":
            self = .negotiation(
                try reader.call(), recipient: try reader.recipient(), .candidate(try reader.candidate()))
        case "missed-seen": self = .missedSeen(try reader.call())
        default: throw BadMessage("there is no message of the type “\(type.prefix(40))”", type: String(type.prefix(40)))
        }
    }
}

/// Reads the fields of one message, each with its own complaint.
private struct FieldReader {
    let fields: KeyedDecodingContainer<Field>
    let type: String

    func name() throws -> String {
        let name = trimmed(try string(.name))
        guard !name.isEmpty else { throw bad("the field “name” is empty") }
        guard name.count <= MessageLimits.nameCharacters, name.utf8.count <= MessageLimits.nameBytes else {
            throw bad("the field “name” has more than \(MessageLimits.nameCharacters) characters")
        }
        guard !name.unicodeScalars.contains(where: \.isDisruptive) else {
            throw bad("the field “name” has a control character")
        }
        return name
    }

    func call() throws -> CallID { CallID(try identifier(.call)) }

    /// Whom a step of a negotiation is for; the door, where it does not say.
    func recipient() throws -> ParticipantID {
        fields.contains(.recipient) ? ParticipantID(try identifier(.recipient)) : .door
    }

    /// False where it is absent.
    func flag(_ field: Field) throws -> Bool {
        guard fields.contains(field) else { return false }
        guard let value = try? fields.decode(Bool.self, forKey: field) else {
            throw bad("the field “\(field.rawValue)” is true or false")
        }
        return value
    }

    func identifier(_ field: Field) throws -> String {
        let text = try string(field)
        guard !text.isEmpty, text.utf8.count <= MessageLimits.identifierBytes else {
            throw bad("the field “\(field.rawValue)” is no identifier")
        }
        return text
    }

    func sessionDescription(_ expected: RTCSdpType) throws -> RTCSessionDescription {
        guard fields.contains(.description) else { throw bad("the field “description” is missing") }
        guard let description = try? fields.decode(RTCSessionDescription.self, forKey: .description) else {
            throw bad("the field “description” is an object with “type” and “sdp”")
        }
        guard description.type == expected else {
            throw bad("the description of “\(type)” is of the type “\(expected.rawValue)”")
        }
        return description
    }

    /// Null ends the candidates, as an empty candidate string does.
    func candidate() throws -> RTCIceCandidate? {
        guard fields.contains(.candidate) else { throw bad("the field “candidate” is missing") }
        if (try? fields.decodeNil(forKey: .candidate)) == true { return nil }
        guard let candidate = try? fields.decode(RTCIceCandidate.self, forKey: .candidate) else {
            throw bad("the field “candidate” is null, or an object with “candidate” and “sdpMid” or “sdpMLineIndex”")
        }
        // W3C §4.4.2, addIceCandidate: a candidate that says where it belongs in neither way is a TypeError.
        guard candidate.candidate.isEmpty || candidate.sdpMid != nil || candidate.sdpMLineIndex != nil else {
            throw bad("the candidate has neither “sdpMid” nor “sdpMLineIndex”")
        }
        guard candidate.candidate.utf8.count <= MessageLimits.candidateBytes else {
            throw bad("the candidate has more than \(MessageLimits.candidateBytes) bytes")
        }
        return candidate
    }

    private func string(_ field: Field) throws -> String {
        guard fields.contains(field) else { throw bad("the field “\(field.rawValue)” is missing") }
        guard let text = try? fields.decode(String.self, forKey: field) else {
            throw bad("the field “\(field.rawValue)” is a string")
        }
        return text
    }

    private func bad(_ reason: String) -> BadMessage { BadMessage(reason, type: type) }

    private func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}

extension Unicode.Scalar {
    /// Line breaks and the like, and what turns the writing direction of the text around (UAX #9).
    var isDisruptive: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
        }
    }
}

extension BadMessage {
    /// Checks what can be checked before decoding: size, and how deep objects and arrays nest, so that a hostile
    /// message never takes the JSON reader's time or stack.
    public static func check(_ json: some Collection<UInt8>) throws(BadMessage) {
        guard json.count <= MessageLimits.bytes else {
            throw BadMessage("the message has more than \(MessageLimits.bytes) bytes")
        }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in json {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: continue
            }
            guard depth <= MessageLimits.depth else {
                throw BadMessage("the message nests deeper than \(MessageLimits.depth) levels")
            }
        }
    }
}
