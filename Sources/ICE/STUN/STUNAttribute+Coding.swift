import Wire

extension STUNAttribute {
    init(type: UInt16, value: ArraySlice<UInt8>, transactionID: STUNMessage.TransactionID) throws(STUNError) {
        var reader = ByteReader(value)
        do {
            switch type {
            case STUNAttribute.mappedAddressType:
                self = .mappedAddress(try reader.stunAddress())
            case STUNAttribute.xorMappedAddressType:
                self = .xorMappedAddress(try reader.stunAddress().xored(with: transactionID))
            case STUNAttribute.usernameType:
                self = .username(try reader.text())
            case STUNAttribute.realmType:
                self = .realm(try reader.text())
            case STUNAttribute.nonceType:
                self = .nonce(try reader.text())
            case STUNAttribute.softwareType:
                // Only for logs and of no consequence (RFC 8489 §14.14): a broken one does not spoil the message.
                self = .software(String(decoding: reader.rest(), as: UTF8.self))
            case STUNAttribute.errorCodeType:
                let error = try reader.errorCode()
                self = .errorCode(error.code, reason: error.reason)
            case STUNAttribute.unknownAttributesType:
                var types: [UInt16] = []
                while !reader.isAtEnd { types.append(try reader.uint16()) }
                self = .unknownAttributes(types)
            case STUNAttribute.priorityType:
                self = .priority(try reader.uint32())
            case STUNAttribute.useCandidateType:
                self = .useCandidate
            case STUNAttribute.iceControlledType:
                self = .iceControlled(try reader.uint64())
            case STUNAttribute.iceControllingType:
                self = .iceControlling(try reader.uint64())
            default:
                self = try STUNAttribute(relayType: type, value: &reader, transactionID: transactionID)
            }
        } catch {
            throw .malformedAttribute(type: type)
        }
        guard reader.isAtEnd else { throw .malformedAttribute(type: type) }
    }

    func append(to bytes: inout [UInt8], transactionID: STUNMessage.TransactionID) {
        var value: [UInt8] = []
        switch self {
        case .mappedAddress(let address):
            value.append(stunAddress: address)
        case .xorMappedAddress(let address):
            value.append(stunAddress: address.xored(with: transactionID))
        case .username(let text), .realm(let text), .nonce(let text), .software(let text):
            value.append(contentsOf: text.utf8)
        case .errorCode(let code, let reason):
            value.append(errorCode: code, reason: reason)
        case .unknownAttributes(let types):
            for type in types { value.append(uint16: type) }
        case .priority(let priority):
            value.append(uint32: priority)
        case .useCandidate:
            break
        case .iceControlled(let tieBreaker), .iceControlling(let tieBreaker):
            value.append(uint64: tieBreaker)
        case .other(_, let bytes):
            value = bytes
        default:
            appendRelayValue(to: &value, transactionID: transactionID)
        }
        STUNAttribute.append(type: type, value: value, to: &bytes)
    }

    static func append(type: UInt16, value: [UInt8], to bytes: inout [UInt8]) {
        precondition(value.count <= 0xFFFF, "a STUN attribute's length has 16 bits")
        bytes.append(uint16: type)
        bytes.append(uint16: UInt16(value.count))
        bytes.append(contentsOf: value)
        // RFC 8489 §14: padding "MUST be set to zero on sending and MUST be ignored by the receiver".
        bytes.append(contentsOf: repeatElement(0, count: -value.count & 3))
    }
}

/// An attribute's content is not what its type wants; told as `STUNError.malformedAttribute`.
struct MalformedValue: Error {}

extension ByteReader {
    /// RFC 8489 §14.1: eight bits of zero, the family (1 for IPv4, 2 for IPv6), the port, the address.
    mutating func stunAddress() throws -> SocketAddress {
        let family = try uint16() & 0xFF
        let port = try uint16()
        switch family {
        case 1: return SocketAddress(.v4(try uint32()), port: port)
        case 2: return SocketAddress(.v6(high: try uint64(), low: try uint64()), port: port)
        default: throw MalformedValue()
        }
    }

    /// RFC 8489 §14.8: 21 reserved bits, the class (hundreds, 3 to 6), the number (0 to 99), the reason phrase.
    mutating func errorCode() throws -> (code: UInt16, reason: String) {
        let word = try uint32()
        let (hundreds, number) = (UInt16(word >> 8 & 7), UInt16(word & 0xFF))
        guard (3...6).contains(hundreds), number < 100 else { throw MalformedValue() }
        return (hundreds * 100 + number, String(decoding: rest(), as: UTF8.self))
    }

    mutating func text() throws -> String {
        guard let text = String(validating: rest(), as: UTF8.self) else { throw MalformedValue() }
        return text
    }
}

extension [UInt8] {
    mutating func append(stunAddress address: SocketAddress) {
        append(uint16: address.ip.isIPv6 ? 2 : 1)
        append(uint16: address.port)
        append(contentsOf: address.ip.bytes)
    }

    mutating func append(errorCode code: UInt16, reason: String) {
        precondition((300..<700).contains(code), "STUN error codes are 300 to 699")
        append(uint32: UInt32(code / 100) << 8 | UInt32(code % 100))
        append(contentsOf: reason.utf8)
    }
}

extension SocketAddress {
    /// RFC 8489 §14.2: the port with the cookie's first half, the address with the cookie and the transaction ID.
    func xored(with id: STUNMessage.TransactionID) -> SocketAddress {
        let cookie = STUNMessage.magicCookie
        let port = port ^ UInt16(cookie >> 16)
        switch ip {
        case .v4(let value):
            return SocketAddress(.v4(value ^ cookie), port: port)
        case .v6(let high, let low, _):
            let mask = UInt64(cookie) << 32 | UInt64(id.high)
            return SocketAddress(.v6(high: high ^ mask, low: low ^ id.low), port: port)
        }
    }
}
