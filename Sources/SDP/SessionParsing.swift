extension SessionDescription {
    /// The longest description that is read, in bytes.
    public static let maximumLength = 65536

    /// Reads a description as browsers write and accept them: lines may end with LF alone, and what is unknown is kept
    /// (attributes) or passed over (other lines). A known attribute with a malformed value is an error.
    public init(parsing text: String) throws(SDPError) {
        let lines = try SDPLine.lines(of: text)
        self.init(origin: try Self.preamble(lines))
        // What holds for every section that does not say otherwise.
        var defaults = MediaSectionParser(kind: .other(""), transportProtocol: "", formats: [])
        var section: MediaSectionParser?
        var mids: Set<String> = []
        for line in lines.dropFirst(3) {
            if line.type == UInt8(ascii: "m") {
                if let section { media.append(section.finished(inheriting: defaults)) }
                guard media.count < MediaDescription.maximumCount else { throw line.error(.tooMany) }
                section = try MediaSectionParser(line)
            } else if section != nil {
                try section?.read(line)
                if line.type == UInt8(ascii: "a"), line.attribute.name == "mid", let mid = section?.media.mid,
                    !mids.insert(mid).inserted
                {
                    throw line.error(.duplicate("mid \(mid)"))
                }
            } else {
                try read(line, defaults: &defaults)
            }
        }
        if let section { media.append(section.finished(inheriting: defaults)) }
    }

    /// RFC 8866 §5: a description begins with version, origin and name; somewhere before the media stands the time.
    private static func preamble(_ lines: [SDPLine]) throws(SDPError) -> Origin {
        guard let version = lines.first, version.type == UInt8(ascii: "v"), version.value == "0" else {
            throw SDPError(line: lines.first?.number ?? 1, reason: .unsupportedVersion)
        }
        guard lines.count >= 3, lines[1].type == UInt8(ascii: "o"), lines[2].type == UInt8(ascii: "s"),
            lines.prefix(while: { $0.type != UInt8(ascii: "m") }).contains(where: { $0.type == UInt8(ascii: "t") })
        else { throw SDPError(line: lines.count >= 2 ? lines[1].number : 2, reason: .unexpectedLine) }
        let words = lines[1].value.words
        guard words.count == 6, let sessionID = UInt64(decimal: words[1]),
            let sessionVersion = UInt64(decimal: words[2])
        else { throw lines[1].malformed }
        return Origin(
            username: String(words[0]), sessionID: sessionID, sessionVersion: sessionVersion,
            address: words[3...].joined(separator: " "))
    }

    private mutating func read(_ line: SDPLine, defaults: inout MediaSectionParser) throws(SDPError) {
        guard line.type == UInt8(ascii: "a") else { return }
        let attribute = line.attribute
        switch attribute.name {
        case "group":
            let words = line.attributeValue.words.map(String.init)
            guard let semantics = words.first else { throw line.malformed }
            groups.append(Group(semantics, Array(words.dropFirst())))
        case "ice-lite":
            isICELite = true
        case "ice-ufrag", "ice-pwd", "ice-options", "fingerprint", "setup", "extmap", "extmap-allow-mixed", "sendrecv",
            "sendonly", "recvonly", "inactive":
            try defaults.read(line)
        default:
            attributes.append(attribute)
        }
    }
}
