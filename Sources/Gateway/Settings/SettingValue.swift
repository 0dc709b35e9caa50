/// A setting's value as JSON has it.
enum SettingValue: Hashable, Sendable, Codable {
    case boolean(Bool)
    /// JSON knows no other numbers; a setting's own are whole.
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let boolean = try? container.decode(Bool.self) {
            self = .boolean(boolean)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .boolean(let boolean): try container.encode(boolean)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        }
    }

    /// As the configuration file would have it.
    var input: SettingInput {
        let content: YAMLNode.Content =
            switch self {
            case .boolean(let boolean): .plain("\(boolean)")
            case .number(let number): .plain(Int64(exactly: number).map { "\($0)" } ?? "\(number)")
            case .text(let text): .quoted(text)
            }
        return .node(YAMLNode(content: content, place: .init(line: 1, column: 1)))
    }
}

extension ConfigurationSection.Key {
    /// The value that `configuration` has.
    func value(in configuration: Configuration) -> SettingValue {
        let written = format(configuration)
        switch shape {
        case .boolean: return .boolean(written == "true")
        case .number: return .number(Double(written) ?? 0)
        case .choice: return .text(written)
        case .text, .list:
            if case .quoted(let text)? = (try? YAMLReader.read(Array(written.utf8)))?.content { return .text(text) }
            return .text(written)
        }
    }
}
