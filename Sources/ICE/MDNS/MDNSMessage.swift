public import Wire

/// Why a datagram is no mDNS message that this host takes part in.
public enum MDNSError: Error, Hashable, Sendable {
    /// It ends too early, or points outside itself.
    case truncated
    /// A name is longer than DNS allows, or points forward or in a circle.
    case invalidName
    /// It is neither a standard query nor its response.
    case unsupported
    /// It has more questions or records than anybody needs.
    case tooMany
}

/// A message of multicast DNS (RFC 6762 §18, RFC 1035 §4), of which only addresses count.
///
/// ```
///      0  1  2  3  4  5  6  7  8  9  0  1  2  3  4  5
///    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
///    |                      ID                       |
///    |QR|   OPCODE  |AA|TC|RD|RA|   Z    |   RCODE   |
///    |                    QDCOUNT                    |   questions: name, type, class
///    |                    ANCOUNT                    |   records: name, type, class, TTL, length, data
///    |                    NSCOUNT                    |
///    |                    ARCOUNT                    |
///    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
/// ```
public struct MDNSMessage: Hashable, Sendable {
    /// What a question asks for.
    public enum QuestionType: UInt16, Hashable, Sendable {
        /// IPv4 addresses.
        case a = 1
        /// IPv6 addresses (RFC 3596 §2.1).
        case aaaa = 28
        /// Everything.
        case any = 255
    }

    /// A question for the addresses of a name.
    public struct Question: Hashable, Sendable {
        /// The name, without a dot at its end.
        public var name: String
        /// What is asked for.
        public var type: QuestionType
        /// Whether the answer may come to the asker alone (RFC 6762 §5.4).
        public var wantsUnicast = false

        /// A question for the addresses of `name`.
        public init(name: String, type: QuestionType, wantsUnicast: Bool = false) {
            self.name = name
            self.type = type
            self.wantsUnicast = wantsUnicast
        }
    }

    /// An address of a name.
    public struct Record: Hashable, Sendable {
        /// The name, without a dot at its end.
        public var name: String
        /// Its address.
        public var address: IPAddress
        /// For how many seconds it holds; 0 takes it back (RFC 6762 §10.1).
        public var timeToLive: UInt32
        /// Whether it replaces what was known before (RFC 6762 §10.2).
        public var flushesCache: Bool

        /// An address of `name`.
        public init(name: String, address: IPAddress, timeToLive: UInt32, flushesCache: Bool) {
            self.name = name
            self.address = address
            self.timeToLive = timeToLive
            self.flushesCache = flushesCache
        }

        /// The type that asks for it.
        var type: QuestionType { address.isIPv6 ? .aaaa : .a }
    }

    /// Tells a legacy asker's questions apart; else 0 (RFC 6762 §18.1).
    public var id: UInt16
    /// Whether it answers.
    public var isResponse: Bool
    /// The questions for addresses.
    public var questions: [Question]
    /// The addresses, answers and additional records alike.
    public var records: [Record]

    /// A message of its parts.
    public init(id: UInt16 = 0, isResponse: Bool, questions: [Question] = [], records: [Record] = []) {
        self.id = id
        self.isResponse = isResponse
        self.questions = questions
        self.records = records
    }
}

// MARK: Parsing

extension MDNSMessage {
    private static let maximumEntries = 256
    private static let internet: UInt16 = 1

    /// Parses a datagram. Questions and records of other types and classes are passed over.
    public init(parsing datagram: [UInt8]) throws(MDNSError) {
        var reader = DNSReader(datagram)
        id = try reader.uint16()
        let flags = try reader.uint16()
        // RFC 6762 §18.3 and §18.11: messages with another opcode or a response code MUST be ignored
        guard flags & 0x780F == 0 else { throw .unsupported }
        isResponse = flags & 0x8000 != 0
        questions = []
        records = []
        let questionCount = Int(try reader.uint16())
        var recordCount = 0
        for _ in 0..<3 { recordCount += Int(try reader.uint16()) }
        guard questionCount + recordCount <= Self.maximumEntries else { throw .tooMany }
        for _ in 0..<questionCount {
            let name = try reader.name()
            let (type, space) = (try reader.uint16(), try reader.uint16())
            guard let type = QuestionType(rawValue: type), [Self.internet, 255].contains(space & 0x7FFF) else {
                continue
            }
            questions.append(Question(name: name, type: type, wantsUnicast: space & 0x8000 != 0))
        }
        for _ in 0..<recordCount { try parseRecord(&reader) }
    }

    private mutating func parseRecord(_ reader: inout DNSReader) throws(MDNSError) {
        let name = try reader.name()
        let (type, space) = (try reader.uint16(), try reader.uint16())
        let high = UInt32(try reader.uint16())
        let timeToLive = high << 16 | UInt32(try reader.uint16())
        let data = try reader.bytes(Int(try reader.uint16()))
        guard space & 0x7FFF == Self.internet else { return }
        let number = { (range: Range<Int>) in data[range].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        let address: IPAddress
        switch (type, data.count) {
        case (QuestionType.a.rawValue, 4): address = .v4(UInt32(number(0..<4)))
        case (QuestionType.aaaa.rawValue, 16): address = .v6(high: number(0..<8), low: number(8..<16))
        default: return
        }
        records.append(
            Record(name: name, address: address, timeToLive: timeToLive, flushesCache: space & 0x8000 != 0))
    }
}

/// Reads the integers and names of a DNS message.
private struct DNSReader {
    private let message: [UInt8]
    private var index = 0

    init(_ message: [UInt8]) {
        self.message = message
    }

    mutating func bytes(_ count: Int) throws(MDNSError) -> [UInt8] {
        guard count <= message.count - index else { throw .truncated }
        defer { index += count }
        return Array(message[index..<(index + count)])
    }

    mutating func uint16() throws(MDNSError) -> UInt16 {
        let bytes = try bytes(2)
        return UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    }

    /// RFC 1035 §3.1 and §4.1.4: labels, each behind its length, the last of which may be a pointer to an earlier name.
    mutating func name() throws(MDNSError) -> String {
        var labels: [String] = []
        var length = 0
        var position = index
        var end: Int?
        while true {
            guard position < message.count else { throw .truncated }
            let first = Int(message[position])
            switch first >> 6 {
            case 0b11:
                guard position + 1 < message.count else { throw .truncated }
                let target = (first & 0x3F) << 8 | Int(message[position + 1])
                // each one points further back, so that none goes in a circle
                guard target < position else { throw .invalidName }
                end = end ?? position + 2
                position = target
            case 0 where first == 0:
                index = end ?? position + 1
                return labels.joined(separator: ".")
            case 0:
                guard position + 1 + first <= message.count else { throw .truncated }
                length += first + 1
                guard length <= 255 else { throw .invalidName }
                labels.append(String(decoding: message[(position + 1)..<(position + 1 + first)], as: UTF8.self))
                position += 1 + first
            default:
                throw .invalidName
            }
        }
    }
}

// MARK: Writing

extension MDNSMessage {
    /// Whether `name` can stand in a message: labels of 1 to 63 bytes, 253 in all (RFC 1035 §2.3.4).
    static func isValid(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
                (1...63).contains($0.utf8.count)
            }
    }

    /// The message as a datagram; its names must be valid.
    public func serialized() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(uint16: id)
        // RFC 6762 §18.4: a response is authoritative
        bytes.append(uint16: isResponse ? 0x8400 : 0)
        for count in [questions.count, records.count, 0, 0] { bytes.append(uint16: UInt16(count)) }
        for question in questions {
            bytes.append(name: question.name)
            bytes.append(uint16: question.type.rawValue)
            bytes.append(uint16: Self.internet | (question.wantsUnicast ? 0x8000 : 0))
        }
        for record in records {
            bytes.append(name: record.name)
            bytes.append(uint16: record.type.rawValue)
            bytes.append(uint16: Self.internet | (record.flushesCache ? 0x8000 : 0))
            bytes.append(uint32: record.timeToLive)
            let address = record.address.bytes
            bytes.append(uint16: UInt16(address.count))
            bytes += address
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(name: String) {
        precondition(MDNSMessage.isValid(name), "a name's labels fit their lengths")
        for label in name.split(separator: ".") {
            append(UInt8(label.utf8.count))
            append(contentsOf: label.utf8)
        }
        append(0)
    }
}
