import Wire

/// A STUN message (RFC 8489 §5).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |0 0|  M11…M7 C1 M6…M4 C0 M3…M0 |  length, without this header  |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                   magic cookie 0x2112A442                     |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                    transaction ID (96 bits)                   |
///     |                                                               |
///     |                                                               |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     | attributes: type, length, value, padding to four bytes …
public struct STUNMessage: Sendable {
    /// The two class bits of the message type.
    public enum Class: UInt8, Hashable, Sendable {
        /// Wants a response.
        case request = 0
        /// Wants none.
        case indication = 1
        /// The request was met.
        case successResponse = 2
        /// The request was refused; ERROR-CODE tells why.
        case errorResponse = 3
    }

    /// The twelve method bits of the message type.
    public struct Method: RawRepresentable, Hashable, Sendable {
        /// The method's number, below 0x1000.
        public let rawValue: UInt16

        /// The method of a number, of which the low twelve bits count.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue & 0xFFF
        }

        /// Binding, the only method of ICE itself.
        public static let binding = Method(rawValue: 1)
        /// TURN's Allocate (RFC 8656 §17).
        public static let allocate = Method(rawValue: 3)
        /// TURN's Refresh.
        public static let refresh = Method(rawValue: 4)
        /// TURN's Send, an indication.
        public static let send = Method(rawValue: 6)
        /// TURN's Data, an indication.
        public static let data = Method(rawValue: 7)
        /// TURN's CreatePermission.
        public static let createPermission = Method(rawValue: 8)
        /// TURN's ChannelBind.
        public static let channelBind = Method(rawValue: 9)
    }

    /// The 96 random bits that bind a response to its request.
    public struct TransactionID: Hashable, Sendable {
        /// The first 32 bits.
        public let high: UInt32
        /// The other 64.
        public let low: UInt64

        /// An identifier of known bits.
        public init(high: UInt32, low: UInt64) {
            self.high = high
            self.low = low
        }

        /// A fresh identifier.
        public init(random: any RandomSource) {
            self.init(high: random.uint32(), low: random.next())
        }
    }

    /// What the message is to the other side.
    public var messageClass: Class
    /// What it is about.
    public var method: Method
    /// Which exchange it is a part of.
    public var transactionID: TransactionID
    /// Its attributes in order, without MESSAGE-INTEGRITY and FINGERPRINT, and without what comes after
    /// MESSAGE-INTEGRITY.
    public var attributes: [STUNAttribute]
    /// Whether the parsed message had a FINGERPRINT (which then was right).
    public private(set) var hasFingerprint = false

    private var integrity: Integrity?
    private var integritySHA256: Integrity?

    /// The MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 of a parsed message, and the bytes that it covers.
    private struct Integrity: Sendable {
        let bytes: [UInt8]
        let offset: Int
        let count: Int
    }

    static let magicCookie: UInt32 = 0x2112_A442
    static let headerLength = 20
    private static let fingerprintMask: UInt32 = 0x5354_554E

    /// A message to send.
    public init(
        _ messageClass: Class, method: Method = .binding, transactionID: TransactionID, attributes: [STUNAttribute] = []
    ) {
        self.messageClass = messageClass
        self.method = method
        self.transactionID = transactionID
        self.attributes = attributes
    }

    /// Parses one whole datagram and checks its FINGERPRINT, if it has one; its integrity is checked by `isAuthentic`.
    public init(parsing datagram: [UInt8]) throws(STUNError) {
        do {
            var reader = ByteReader(datagram)
            let type = try reader.uint16()
            let length = Int(try reader.uint16())
            let cookie = try reader.uint32()
            transactionID = TransactionID(high: try reader.uint32(), low: try reader.uint64())
            guard type & 0xC000 == 0, cookie == STUNMessage.magicCookie else { throw STUNError.notSTUN }
            guard length % 4 == 0 else { throw STUNError.misalignedLength }
            guard reader.remaining >= length else { throw STUNError.truncated }
            guard reader.remaining == length else { throw STUNError.trailingBytes }
            (messageClass, method) = STUNMessage.split(type)
            attributes = []
            try parseAttributes(&reader, of: datagram)
        } catch let error as STUNError {
            throw error
        } catch {
            throw .truncated
        }
    }

    private mutating func parseAttributes(_ reader: inout ByteReader, of datagram: [UInt8]) throws {
        while !reader.isAtEnd {
            let offset = reader.position
            // RFC 8489 §14.7: FINGERPRINT "MUST be the last attribute in the message".
            guard !hasFingerprint else { throw STUNError.attributeAfterFingerprint }
            let type = try reader.uint16()
            let length = Int(try reader.uint16())
            let value: ArraySlice<UInt8>
            do {
                value = try reader.slice(length)
                try reader.skip(-length & 3)
            } catch {
                throw STUNError.truncatedAttribute(type: type)
            }
            switch type {
            case STUNAttribute.fingerprintType:
                var word = ByteReader(value)
                guard value.count == 4, let expected = try? word.uint32() else {
                    throw STUNError.malformedAttribute(type: type)
                }
                guard CRC32.checksum(datagram[..<offset]) ^ STUNMessage.fingerprintMask == expected else {
                    throw STUNError.fingerprintMismatch
                }
                hasFingerprint = true
            case STUNAttribute.messageIntegritySHA256Type where integritySHA256 == nil:
                // RFC 8489 §14.6: "at least 16 bytes, at most 32, and a multiple of 4"
                guard (16...SHA256.digestLength).contains(value.count), value.count % 4 == 0 else {
                    throw STUNError.malformedAttribute(type: type)
                }
                integritySHA256 = Integrity(bytes: datagram, offset: offset, count: value.count)
            case _ where integrity != nil || integritySHA256 != nil:
                // RFC 8489 §14.5: what follows MESSAGE-INTEGRITY, except MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, is
                // not covered and "MUST" be ignored.
                continue
            case STUNAttribute.messageIntegrityType:
                guard value.count == SHA1.digestLength else { throw STUNError.malformedAttribute(type: type) }
                integrity = Integrity(bytes: datagram, offset: offset, count: value.count)
            default:
                attributes.append(try STUNAttribute(type: type, value: value, transactionID: transactionID))
            }
        }
    }

    /// Whether the parsed message has a MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256.
    public var hasIntegrity: Bool { integrity != nil || integritySHA256 != nil }

    /// Whether the parsed message has the integrity attribute of the key's kind, made with `key` (RFC 8489 §14.5 and
    /// §14.6). False for a message that was not parsed.
    public func isAuthentic(_ key: STUNKey) -> Bool {
        guard let integrity = key.isSHA256 ? integritySHA256 : integrity else { return false }
        let expected = key.authenticate(integrity.bytes[..<integrity.offset], length: integrity.count)
        let start = integrity.offset + 4
        // Every byte is compared, so that the time taken tells nothing about where they differ.
        return zip(expected, integrity.bytes[start..<(start + integrity.count)]).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The datagram, with the integrity attribute of the key where one is given, and a FINGERPRINT (RFC 8445 §7.1: always in ICE).
    public func serialized(key: STUNKey? = nil, fingerprint: Bool = true) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160)
        write(to: &bytes)
        if let key {
            let digest = key.authenticate(bytes[...], length: key.codeLength)
            let type =
                key.isSHA256 ? STUNAttribute.messageIntegritySHA256Type : STUNAttribute.messageIntegrityType
            STUNAttribute.append(type: type, value: digest, to: &bytes)
        }
        if fingerprint {
            // The length that the checksum covers counts the FINGERPRINT too (RFC 8489 §14.7).
            setLength(bytes.count + 8, of: &bytes)
            let checksum = CRC32.checksum(bytes[...]) ^ STUNMessage.fingerprintMask
            bytes.append(uint16: STUNAttribute.fingerprintType)
            bytes.append(uint16: 4)
            bytes.append(uint32: checksum)
        }
        setLength(bytes.count, of: &bytes)
        return bytes
    }

    /// Appends the header, its length still 0, and the attributes.
    func write(to bytes: inout [UInt8]) {
        bytes.append(uint16: STUNMessage.type(messageClass, method))
        bytes.append(uint16: 0)
        bytes.append(uint32: STUNMessage.magicCookie)
        bytes.append(uint32: transactionID.high)
        bytes.append(uint64: transactionID.low)
        for attribute in attributes { attribute.append(to: &bytes, transactionID: transactionID) }
    }

    private func setLength(_ count: Int, of bytes: inout [UInt8]) {
        let length = count - STUNMessage.headerLength
        precondition(length <= 0xFFFF, "the attributes of a STUN message fit in 64 KiB")
        bytes.set(uint16: UInt16(length), at: 2)
    }

    private static func type(_ messageClass: Class, _ method: Method) -> UInt16 {
        let (method, bits) = (method.rawValue, UInt16(messageClass.rawValue))
        return (method & 0xF80) << 2 | (bits & 2) << 7 | (method & 0x070) << 1 | (bits & 1) << 4 | method & 0x00F
    }

    private static func split(_ type: UInt16) -> (Class, Method) {
        let method = (type & 0x3E00) >> 2 | (type & 0x00E0) >> 1 | type & 0x000F
        let messageClass: Class =
            switch (type & 0x0100 != 0, type & 0x0010 != 0) {
            case (false, false): .request
            case (false, true): .indication
            case (true, false): .successResponse
            case (true, true): .errorResponse
            }
        return (messageClass, Method(rawValue: method))
    }
}
