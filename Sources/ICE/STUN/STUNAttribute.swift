import Wire

/// An attribute of a STUN message (RFC 8489 §14, RFC 8445 §16.1). MESSAGE-INTEGRITY and FINGERPRINT are not among them:
/// `STUNMessage` checks and appends those itself.
public enum STUNAttribute: Hashable, Sendable {
    /// MAPPED-ADDRESS, from servers of RFC 3489.
    case mappedAddress(SocketAddress)
    /// XOR-MAPPED-ADDRESS: the source that the server saw.
    case xorMappedAddress(SocketAddress)
    /// USERNAME
    case username(String)
    /// REALM
    case realm(String)
    /// NONCE
    case nonce(String)
    /// SOFTWARE
    case software(String)
    /// ERROR-CODE: 300 to 699, with a reason phrase.
    case errorCode(UInt16, reason: String)
    /// UNKNOWN-ATTRIBUTES: the types that a request had and the server did not know.
    case unknownAttributes([UInt16])
    /// PRIORITY: the priority of the peer-reflexive candidate that a check may make.
    case priority(UInt32)
    /// USE-CANDIDATE: the nomination.
    case useCandidate
    /// ICE-CONTROLLED, with the sender's tie-breaker.
    case iceControlled(UInt64)
    /// ICE-CONTROLLING, with the sender's tie-breaker.
    case iceControlling(UInt64)
    /// Any other attribute.
    case other(type: UInt16, value: [UInt8])

    /// The attribute's type number.
    public var type: UInt16 {
        switch self {
        case .mappedAddress: STUNAttribute.mappedAddressType
        case .xorMappedAddress: STUNAttribute.xorMappedAddressType
        case .username: STUNAttribute.usernameType
        case .realm: STUNAttribute.realmType
        case .nonce: STUNAttribute.nonceType
        case .software: STUNAttribute.softwareType
        case .errorCode: STUNAttribute.errorCodeType
        case .unknownAttributes: STUNAttribute.unknownAttributesType
        case .priority: STUNAttribute.priorityType
        case .useCandidate: STUNAttribute.useCandidateType
        case .iceControlled: STUNAttribute.iceControlledType
        case .iceControlling: STUNAttribute.iceControllingType
        case .other(let type, _): type
        }
    }

    static let mappedAddressType: UInt16 = 0x0001
    static let usernameType: UInt16 = 0x0006
    static let messageIntegrityType: UInt16 = 0x0008
    static let errorCodeType: UInt16 = 0x0009
    static let unknownAttributesType: UInt16 = 0x000A
    static let realmType: UInt16 = 0x0014
    static let nonceType: UInt16 = 0x0015
    static let xorMappedAddressType: UInt16 = 0x0020
    static let priorityType: UInt16 = 0x0024
    static let useCandidateType: UInt16 = 0x0025
    static let softwareType: UInt16 = 0x8022
    static let fingerprintType: UInt16 = 0x8028
    static let iceControlledType: UInt16 = 0x8029
    static let iceControllingType: UInt16 = 0x802A
}
