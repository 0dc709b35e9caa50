import Wire

/// Why a text is no `candidate` attribute (RFC 8839 §5.1).
public enum ICECandidateError: Error, Hashable, Sendable {
    /// Fewer fields than the eight that every candidate has.
    case tooFewFields
    /// The foundation is not 1 to 32 visible ASCII characters.
    case invalidFoundation
    /// The component is not 1 to 256.
    case invalidComponent
    /// The priority is not 1 to 2³¹ − 1 (RFC 8445 §5.1.2).
    case invalidPriority
    /// The connection address or the `raddr` is neither an IP address nor a name.
    case invalidAddress
    /// A port is not 0 to 65535.
    case invalidPort
    /// The seventh field is not `typ`, or the type is unknown.
    case invalidType
    /// An extension has a name and no value.
    case danglingExtension
}

extension ICECandidate {
    /// Parses a candidate as browsers write it: an SDP line `a=candidate:…`, the attribute `candidate:…`, or its value
    /// only.
    ///
    ///     candidate:foundation component transport priority address port typ type
    ///               [raddr address] [rport port] [tcptype type] [extension value]…
    public init(parsing text: some StringProtocol) throws(ICECandidateError) {
        var rest = Substring(text)
        for prefix in ["a=", "candidate:"] where rest.lowercased().hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
        }
        // by scalars: a space with a combining mark behind it is no Character that is a space
        let fields = rest.unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map { Substring($0) }
        guard fields.count >= 8 else { throw .tooFewFields }
        // RFC 8839 wants ice-chars; some stacks write a name with "-" or "_", which is as good to compare.
        guard (1...32).contains(fields[0].utf8.count), fields[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .invalidFoundation
        }
        guard let component = UInt16(digits: fields[1]), (1...256).contains(component) else { throw .invalidComponent }
        guard let priority = UInt32(digits: fields[3]), (1...UInt32(Int32.max)).contains(priority) else {
            throw .invalidPriority
        }
        guard let port = UInt16(digits: fields[5]) else { throw .invalidPort }
        guard fields[6].lowercased() == "typ", let kind = Kind(rawValue: fields[7].lowercased()) else {
            throw .invalidType
        }
        self.init(
            foundation: String(fields[0]), component: component, transport: Transport(fields[2]), priority: priority,
            address: try Address(fields[4]), port: port, kind: kind)
        try parseExtensions(fields[8...])
    }

    private mutating func parseExtensions(_ fields: ArraySlice<Substring>) throws(ICECandidateError) {
        guard fields.count.isMultiple(of: 2) else { throw .danglingExtension }
        var relatedAddress: Address?
        var relatedPort: UInt16?
        for index in stride(from: fields.startIndex, to: fields.endIndex, by: 2) {
            let value = fields[index + 1]
            switch fields[index].lowercased() {
            case "raddr":
                relatedAddress = try Address(value)
            case "rport":
                guard let port = UInt16(digits: value) else { throw .invalidPort }
                relatedPort = port
            case "tcptype":
                if case .tcp = transport { transport = .tcp(type: value.lowercased()) }
            case "ufrag":
                usernameFragment = String(value)
            default:
                extensions.append(Extension(name: String(fields[index]), value: String(value)))
            }
        }
        if let relatedAddress { related = Related(address: relatedAddress, port: relatedPort ?? 0) }
    }

    /// The value of the candidate's attribute with its name, `candidate:…`: what an SDP line has after `a=`, and what
    /// `RTCIceCandidate.candidate` holds.
    public var attribute: String {
        var fields = [
            "candidate:\(foundation)", "\(component)", transport.token, "\(priority)", "\(address)", "\(port)", "typ",
            kind.rawValue,
        ]
        if let related { fields += ["raddr", "\(related.address)", "rport", "\(related.port)"] }
        if case .tcp(let type?) = transport { fields += ["tcptype", type] }
        for item in extensions { fields += [item.name, item.value] }
        if let usernameFragment { fields += ["ufrag", usernameFragment] }
        return fields.joined(separator: " ")
    }
}

extension ICECandidate: CustomStringConvertible {
    /// The candidate's attribute.
    public var description: String { attribute }
}

extension ICECandidate.Transport {
    fileprivate init(_ text: Substring) {
        switch text.lowercased() {
        case "udp": self = .udp
        case "tcp": self = .tcp(type: nil)
        case let other: self = .other(other)
        }
    }

    fileprivate var token: String {
        switch self {
        case .udp: "udp"
        case .tcp: "tcp"
        case .other(let token): token
        }
    }
}

extension ICECandidate.Address: CustomStringConvertible {
    fileprivate init(_ text: Substring) throws(ICECandidateError) {
        // A zone means something only to the host that wrote it (RFC 4007 §11.2).
        if let ip = IPAddress(text.prefix { $0 != "%" }) {
            self = .ip(ip)
            return
        }
        let isName = text.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
        guard isName, text.utf8.count <= 255, text.utf8.contains(where: \.isLetter) else { throw .invalidAddress }
        self = .name(String(text))
    }

    /// The address or name.
    public var description: String {
        switch self {
        case .ip(let ip): ip.description
        case .name(let name): name
        }
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (0x41...0x5A).contains(self & 0xDF) }
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
    fileprivate var isAlphanumeric: Bool { isLetter || isDigit }
}

extension FixedWidthInteger {
    /// The number that `text` writes in decimal digits only, without a sign.
    fileprivate init?(digits text: Substring) {
        guard text.utf8.allSatisfy(\.isDigit), let value = Self(text) else { return nil }
        self = value
    }
}
