import ICE
import Wire

/// A value as it was written, before its key's type has had a look at it.
enum SettingInput {
    /// A node of the YAML file.
    case node(YAMLNode)
    /// A line of text: a variable of the environment, or what follows the `=` of `--set`. A list's elements are parted
    /// by commas.
    case line(String)
}

/// Why a value was refused, and where in the file if it is known more exactly than by its key.
struct SettingProblem: Error {
    let message: String
    var place: ConfigurationError.Place?
}

/// What a key's values look like, for a form.
enum SettingShape: Sendable, Equatable {
    case number(ClosedRange<Int64>, multipleOf: Int64 = 1, unit: SettingUnit? = nil)
    case boolean
    case choice([String])
    /// Text of at most so many characters; nil for any number.
    case text(longest: Int? = nil)
    /// Several of something.
    case list
}

/// What a key's values are: how they are read and written, and what to say when one is wrong.
struct SettingType<Value>: Sendable {
    /// What is allowed, to follow "wants": `a whole number from 0 to 65535`.
    let expectation: String
    let shape: SettingShape
    let read: @Sendable (SettingInput) throws(SettingProblem) -> Value
    /// The value as YAML.
    let format: @Sendable (Value) -> String

    init(
        expectation: String, shape: SettingShape, format: @escaping @Sendable (Value) -> String,
        read: @escaping @Sendable (SettingInput) throws(SettingProblem) -> Value
    ) {
        self.expectation = expectation
        self.shape = shape
        self.format = format
        self.read = read
    }

    /// A type whose values are written as one scalar. `parse` gets its text and whether that stands in quotes, which
    /// makes it a text in YAML whatever it looks like; it returns nil for a value that is not allowed. A secret is not
    /// repeated in errors.
    init(
        scalar expectation: String, shape: SettingShape = .text(), isSecret: Bool = false,
        format: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (_ text: String, _ isQuoted: Bool) -> Value?
    ) {
        self.init(expectation: expectation, shape: shape, format: format) { (input) throws(SettingProblem) in
            let text: String
            var isQuoted = false
            var place: ConfigurationError.Place?
            switch input {
            case .line(let line): text = line
            case .node(let node):
                place = node.place
                switch node.content {
                case .plain(""), .plain("~"), .plain("null"):
                    throw SettingProblem(message: "has no value; wants \(expectation)", place: place)
                case .plain(let plain): text = plain
                case .quoted(let quoted):
                    text = quoted
                    isQuoted = true
                case .sequence: throw SettingProblem(message: "wants \(expectation), not a list", place: place)
                case .mapping: throw SettingProblem(message: "wants \(expectation), not keys of its own", place: place)
                }
            }
            guard let value = parse(text, isQuoted) else {
                throw SettingProblem(
                    message: "wants \(expectation)" + (isSecret ? "" : ", not \(quote(text))"), place: place)
            }
            return value
        }
    }
}

/// The unit of a key that is a whole number of it.
enum SettingUnit {
    case milliseconds, seconds
}

extension SettingType where Value: FixedWidthInteger & Sendable {
    /// A whole number.
    static func integer(_ range: ClosedRange<Value>, multipleOf step: Value = 1) -> Self {
        let kind = step == 1 ? "a whole number" : step == 2 ? "an even number" : "a multiple of \(step)"
        let bounds = Int64(clamping: range.lowerBound)...Int64(clamping: range.upperBound)
        return .init(
            scalar: "\(kind) from \(range.lowerBound) to \(range.upperBound)",
            shape: .number(bounds, multipleOf: Int64(clamping: step)), format: { "\($0)" }
        ) { text, isQuoted in
            guard !isQuoted, let number = Value(text), range.contains(number), number % step == 0 else { return nil }
            return number
        }
    }
}

extension SettingType<Duration> {
    /// A duration, as a whole number of `unit`.
    static func duration(_ unit: SettingUnit, _ range: ClosedRange<Int64>) -> Self {
        let (name, make): (String, @Sendable (Int64) -> Duration) =
            switch unit {
            case .milliseconds: ("milliseconds", { .milliseconds($0) })
            case .seconds: ("seconds", { .seconds($0) })
            }
        let expectation = "a whole number from \(range.lowerBound) to \(range.upperBound) (\(name))"
        let one = make(1)
        return .init(
            scalar: expectation, shape: .number(range, unit: unit), format: { "\(Int64($0 / one))" }
        ) { text, isQuoted in
            guard !isQuoted, let number = Int64(text), range.contains(number) else { return nil }
            return make(number)
        }
    }
}

extension SettingType<Bool> {
    /// `true` or `false`.
    static var boolean: Self {
        .init(scalar: "true or false", shape: .boolean, format: { "\($0)" }) { text, isQuoted in
            isQuoted ? nil : Bool(text)
        }
    }
}

extension SettingType where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
    /// One of the names of `Value`'s cases.
    static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        let expectation = names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " or \(names.last!)"
        return .init(scalar: expectation, shape: .choice(names), format: { $0.rawValue }) { text, _ in
            Value(rawValue: text)
        }
    }
}

extension SettingType<String> {
    /// Text of so many characters. A secret is not repeated in errors.
    static func text(_ length: ClosedRange<Int>, isSecret: Bool = false) -> Self {
        let least = length.lowerBound == 0 ? "at most" : "\(length.lowerBound) to"
        let expectation = "text of \(least) \(length.upperBound) characters"
        return .init(
            scalar: expectation, shape: .text(longest: length.upperBound), isSecret: isSecret, format: quote
        ) { text, _ in
            length.contains(text.count) ? text : nil
        }
    }

    /// What people read as the name of something: one line of 1 to so many characters, of which one at least is seen.
    static func name(longest: Int) -> Self {
        .init(scalar: "text of 1 to \(longest) characters", shape: .text(longest: longest), format: quote) { text, _ in
            let isPlain = text.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator: false
                default: true
                }
            }
            // a character may have any number of accents
            return isPlain && text.count <= longest && text.utf8.count <= 4 * longest && !trimmed(text[...]).isEmpty
                ? text : nil
        }
    }
}

extension SettingType<String?> {
    /// Text, where empty stands for nil.
    static var optionalText: Self {
        .init(scalar: "text", format: { quote($0 ?? "") }) { text, _ in text.isEmpty ? .some(nil) : text }
    }
}

extension SettingType {
    /// A value of `type`, where empty text stands for nil.
    static func optional<Wrapped>(_ type: SettingType<Wrapped>) -> Self where Value == Wrapped? {
        .init(
            expectation: type.expectation, shape: type.shape, format: { $0.map(type.format) ?? quote("") },
            read: { (input) throws(SettingProblem) in
                switch input {
                case .line(""): return nil
                case .node(let node) where node.content == .quoted(""): return nil
                default: return try type.read(input)
                }
            })
    }

    /// A list of `type`.
    static func list<Element>(of type: SettingType<Element>) -> Self where Value == [Element] {
        let expectation = "a list of which each element is \(type.expectation)"
        return .init(
            expectation: expectation, shape: .list,
            format: { "[" + $0.map(type.format).joined(separator: ", ") + "]" },
            read: { (input) throws(SettingProblem) in
                let elements: [SettingInput]
                switch input {
                case .line(let line):
                    elements = line.split(separator: ",").map(trimmed).filter { !$0.isEmpty }.map { .line($0) }
                case .node(let node):
                    guard case .sequence(let nodes) = node.content else {
                        throw SettingProblem(message: "wants \(expectation)", place: node.place)
                    }
                    elements = nodes.map { .node($0) }
                }
                var values: [Element] = []
                for element in elements { values.append(try type.read(element)) }
                return values
            })
    }
}

extension SettingType<IPAddress> {
    /// An IP address.
    static var address: Self {
        .init(scalar: "an IPv4 or IPv6 address", format: { quote("\($0)") }) { text, _ in IPAddress(text) }
    }
}

extension SettingType<IPAddress?> {
    /// An IP address; empty for nil.
    static var ipAddress: Self { .optional(.address) }
}

extension SettingType<ClosedRange<UInt16>?> {
    /// A port, or a range of ports; 0 for nil.
    static var portRange: Self {
        .init(
            scalar: "a port from 1 to 65535, a range of them such as 50000-50100, or 0",
            format: { range in
                guard let range else { return "0" }
                return range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
            },
            parse: { text, isQuoted in
                guard !isQuoted else { return nil }
                if text == "0" { return .some(nil) }
                let ports = text.split(separator: "-", omittingEmptySubsequences: false)
                    .map { $0.allSatisfy(\.isASCIIDigit) ? UInt16($0) ?? 0 : 0 }
                guard let first = ports.first, let last = ports.last, ports.count <= 2, first > 0, first <= last else {
                    return nil
                }
                return first...last
            })
    }
}

extension SettingType<RTCIceServerURL> {
    /// The URI of a server with one of `schemes`, the first of which may be left out.
    static func iceServer(_ schemes: [RTCIceServerURL.Scheme]) -> Self {
        let forms = schemes.map { "\($0.rawValue):host:port" }.joined(separator: " or ")
        return .init(scalar: "the URI of a server (\(forms))", format: { quote("\($0)") }) { text, _ in
            guard let uri = RTCIceServerURL(text, defaultScheme: schemes[0]), schemes.contains(uri.scheme) else {
                return nil
            }
            return uri
        }
    }
}

/// `text` in double quotes, as YAML writes it.
func quote(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        // YAML 1.1 §4.1: these are no content; U+2028 and U+2029 are, but end a line as U+0085 does
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

/// `text` without spaces around it.
func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0.isWhitespace }
    return String(
        start.prefix(upTo: start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) } ?? start.startIndex))
}

extension Character {
    /// Whether it is one of 0 to 9; other scripts' digits, which `Int` refuses too, are not.
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
