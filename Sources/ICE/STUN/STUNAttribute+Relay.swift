import Wire

/// The attributes of TURN (RFC 8656 §18) and of long-term credentials (RFC 8489 §14) on the wire.
extension STUNAttribute {
    init(relayType type: UInt16, value reader: inout ByteReader, transactionID: STUNMessage.TransactionID) throws {
        switch type {
        case STUNAttribute.channelNumberType:
            self = .channelNumber(try reader.uint16())
            try reader.skip(2)
        case STUNAttribute.lifetimeType:
            self = .lifetime(try reader.uint32())
        case STUNAttribute.xorPeerAddressType:
            self = .xorPeerAddress(try reader.stunAddress().xored(with: transactionID))
        case STUNAttribute.dataType:
            self = .data(Array(reader.rest()))
        case STUNAttribute.xorRelayedAddressType:
            self = .xorRelayedAddress(try reader.stunAddress().xored(with: transactionID))
        case STUNAttribute.requestedAddressFamilyType:
            self = .requestedAddressFamily(try reader.uint8())
            try reader.skip(3)
        case STUNAttribute.additionalAddressFamilyType:
            self = .additionalAddressFamily(try reader.uint8())
            try reader.skip(3)
        case STUNAttribute.requestedTransportType:
            self = .requestedTransport(try reader.uint8())
            try reader.skip(3)
        case STUNAttribute.addressErrorCodeType:
            // RFC 8656 §18.12: the family stands in the first of the bits that ERROR-CODE reserves
            var family = reader
            let error = try reader.errorCode()
            self = .addressErrorCode(family: try family.uint8(), error.code, reason: error.reason)
        case STUNAttribute.icmpType:
            // RFC 8656 §18.13: 16 reserved bits, 7 of the type and 9 of the code, 32 of the error's data
            try reader.skip(2)
            let word = try reader.uint16()
            try reader.skip(4)
            self = .icmp(type: UInt8(word >> 9), code: UInt8(truncatingIfNeeded: word & 0x1FF))
        case STUNAttribute.userHashType:
            self = .userHash(Array(reader.rest()))
        case STUNAttribute.passwordAlgorithmType:
            self = .passwordAlgorithm(try reader.passwordAlgorithm())
        case STUNAttribute.passwordAlgorithmsType:
            var algorithms: [STUNPasswordAlgorithm] = []
            while !reader.isAtEnd { algorithms.append(try reader.passwordAlgorithm()) }
            self = .passwordAlgorithms(algorithms)
        case STUNAttribute.alternateServerType:
            self = .alternateServer(try reader.stunAddress())
        case STUNAttribute.alternateDomainType:
            self = .alternateDomain(try reader.text())
        default:
            self = .other(type: type, value: Array(reader.rest()))
        }
    }

    func appendRelayValue(to value: inout [UInt8], transactionID: STUNMessage.TransactionID) {
        switch self {
        case .channelNumber(let number):
            value.append(uint32: UInt32(number) << 16)
        case .lifetime(let seconds):
            value.append(uint32: seconds)
        case .xorPeerAddress(let address), .xorRelayedAddress(let address):
            value.append(stunAddress: address.xored(with: transactionID))
        case .data(let bytes), .userHash(let bytes):
            value = bytes
        case .requestedAddressFamily(let byte), .additionalAddressFamily(let byte), .requestedTransport(let byte):
            value = [byte, 0, 0, 0]
        case .addressErrorCode(let family, let code, let reason):
            value.append(errorCode: code, reason: reason)
            value[0] = family
        case .icmp(let type, let code):
            value.append(uint32: UInt32(type & 0x7F) << 9 | UInt32(code))
            value.append(uint32: 0)
        case .passwordAlgorithm(let algorithm):
            value.append(passwordAlgorithm: algorithm)
        case .passwordAlgorithms(let algorithms):
            for algorithm in algorithms { value.append(passwordAlgorithm: algorithm) }
        case .alternateServer(let address):
            value.append(stunAddress: address)
        case .alternateDomain(let name):
            value.append(contentsOf: name.utf8)
        default:
            preconditionFailure("the attribute \(type) is none of TURN's or of long-term credentials")
        }
    }
}

extension ByteReader {
    /// RFC 8489 §14.11: the number, the length of the parameters, the parameters padded to four bytes.
    fileprivate mutating func passwordAlgorithm() throws -> STUNPasswordAlgorithm {
        let number = try uint16()
        let length = Int(try uint16())
        let parameters = Array(try slice(length))
        try skip(min(-length & 3, remaining))
        return STUNPasswordAlgorithm(number: number, parameters: parameters)
    }
}

extension [UInt8] {
    fileprivate mutating func append(passwordAlgorithm algorithm: STUNPasswordAlgorithm) {
        append(uint16: algorithm.number)
        append(uint16: UInt16(truncatingIfNeeded: algorithm.parameters.count))
        append(contentsOf: algorithm.parameters)
        append(contentsOf: repeatElement(0, count: -algorithm.parameters.count & 3))
    }
}
