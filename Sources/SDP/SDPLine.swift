/// One line of a description, and how its value is taken apart.
///
/// All cutting is done on UTF-8, where a space or colon is always one: a combining character after it cannot hide it.
struct SDPLine {
    /// Counted from 1.
    let number: Int
    /// The letter before the equals sign.
    let type: UInt8
    /// What stands after it.
    let value: Substring

    /// The lines of `text`, which end with CRLF or LF; empty ones are passed over.
    static func lines(of text: String) throws(SDPError) -> [SDPLine] {
        guard text.utf8.count <= SessionDescription.maximumLength else { throw SDPError(line: 1, reason: .tooLong) }
        var lines: [SDPLine] = []
        var number = 0
        for var line in Substring(text).pieces(between: UInt8(ascii: "\n"), omittingEmpty: false) {
            number += 1
            if line.utf8.last == UInt8(ascii: "\r") { line = Substring(line.utf8.dropLast()) }
            guard let type = line.utf8.first else { continue }
            // A lone CR would be a line's end to others, NUL the text's.
            guard line.utf8.dropFirst().first == UInt8(ascii: "="), line.utf8.allSatisfy({ $0 != 13 && $0 != 0 }) else {
                throw SDPError(line: number, reason: .malformedLine)
            }
            lines.append(SDPLine(number: number, type: type, value: Substring(line.utf8.dropFirst(2))))
        }
        return lines
    }

    func error(_ reason: SDPError.Reason) -> SDPError { SDPError(line: number, reason: reason) }

    /// That the value is not what its type or attribute demands.
    var malformed: SDPError {
        error(.malformedValue(of: type == UInt8(ascii: "a") ? attribute.name : String(UnicodeScalar(type))))
    }

    /// The line's value as an attribute.
    var attribute: SessionDescription.Attribute {
        let (name, value) = value.cut(at: UInt8(ascii: ":"))
        return .init(String(name), value.map(String.init))
    }

    /// An attribute's value; empty where it has none.
    var attributeValue: Substring { value.cut(at: UInt8(ascii: ":")).1 ?? "" }

    /// An attribute's value, which must be one token of at most 256 bytes.
    func token() throws(SDPError) -> String {
        guard (1...256).contains(attributeValue.utf8.count), attributeValue.isVisible else { throw malformed }
        return String(attributeValue)
    }

    /// RFC 8839 §5.4: 4 to 256 characters. We do not insist on its alphabet, as browsers do not.
    func iceUfrag() throws(SDPError) -> String {
        let ufrag = try token()
        guard ufrag.utf8.count >= 4 else { throw malformed }
        return ufrag
    }

    /// RFC 8839 §5.4: 22 to 256 characters.
    func icePwd() throws(SDPError) -> String {
        let pwd = try token()
        guard pwd.utf8.count >= 22 else { throw malformed }
        return pwd
    }

    /// An attribute's value that starts with a payload type, and what follows the blank after it.
    func payloadTypeAndRest() throws(SDPError) -> (UInt8, Substring) {
        let (number, rest) = attributeValue.cut(at: UInt8(ascii: " "))
        guard let payloadType = UInt8(decimal: number), payloadType < 128, let rest else { throw malformed }
        return (payloadType, rest.trimmed)
    }
}

extension Substring {
    /// What stands before the first `separator`, and what after it.
    func cut(at separator: UInt8) -> (Substring, Substring?) {
        guard let index = utf8.firstIndex(of: separator) else { return (self, nil) }
        return (self[..<index], Substring(utf8[utf8.index(after: index)...]))
    }

    /// The pieces between occurrences of `separator`.
    func pieces(between separator: UInt8, omittingEmpty: Bool = true) -> [Substring] {
        utf8.split(separator: separator, omittingEmptySubsequences: omittingEmpty).map(Substring.init)
    }

    /// The words between blanks.
    var words: [Substring] { pieces(between: UInt8(ascii: " ")) }

    /// Without blanks at either end.
    var trimmed: Substring {
        var bytes = utf8
        while bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        return Substring(bytes)
    }

    /// Whether all bytes are visible ASCII characters.
    var isVisible: Bool { utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}

extension FixedWidthInteger {
    /// A number in decimal digits, without a sign.
    init?(decimal text: Substring) {
        guard text.utf8.first.map({ (0x30...0x39).contains($0) }) == true else { return nil }
        self.init(text)
    }
}
