import Wire

/// An attribute of a STUN message (RFC 8489 §14, RFC 8445 §16.1, RFC 8656 §18). MESSAGE-INTEGRITY,
/// MESSAGE-INTEGRITY-SHA256 and FINGERPRINT are not among them: `STUNMessage` checks and appends those itself.
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
    /// CHANNEL-NUMBER: a channel of a TURN allocation.
    case channelNumber(UInt16)
    /// LIFETIME, in seconds: how long a TURN allocation lives unless it is refreshed.
    case lifetime(UInt32)
    /// XOR-PEER-ADDRESS: whom a TURN server relays to or from.
    case xorPeerAddress(SocketAddress)
    /// DATA: what a TURN server relays.
    case data([UInt8])
    /// XOR-RELAYED-ADDRESS: the address that a TURN server has allocated.
    case xorRelayedAddress(SocketAddress)
    /// REQUESTED-ADDRESS-FAMILY: 1 for IPv4, 2 for IPv6.
    case requestedAddressFamily(UInt8)
    /// ADDITIONAL-ADDRESS-FAMILY: an address of this family, too.
    case additionalAddressFamily(UInt8)
    /// ADDRESS-ERROR-CODE: why there is no address of this family.
    case addressErrorCode(family: UInt8, UInt16, reason: String)
    /// REQUESTED-TRANSPORT: the protocol number, 17 for UDP.
    case requestedTransport(UInt8)
    /// ICMP: an error that a TURN server's packet to a peer has met.
    case icmp(type: UInt8, code: UInt8)
    /// USERHASH: SHA-256 of `username:realm`, which hides the name.
    case userHash([UInt8])
    /// PASSWORD-ALGORITHM: what the key was made with.
    case passwordAlgorithm(STUNPasswordAlgorithm)
    /// PASSWORD-ALGORITHMS: what a server lets the key be made with, the best first.
    case passwordAlgorithms([STUNPasswordAlgorithm])
    /// ALTERNATE-SERVER: whom to ask instead.
    case alternateServer(SocketAddress)
    /// ALTERNATE-DOMAIN: the name in that server's certificate.
    case alternateDomain(String)
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
        case .channelNumber: STUNAttribute.channelNumberType
        case .lifetime: STUNAttribute.lifetimeType
        case .xorPeerAddress: STUNAttribute.xorPeerAddressType
        case .data: STUNAttribute.dataType
        case .xorRelayedAddress: STUNAttribute.xorRelayedAddressType
        case .requestedAddressFamily: STUNAttribute.requestedAddressFamilyType
        case .additionalAddressFamily: STUNAttribute.additionalAddressFamilyType
        case .addressErrorCode: STUNAttribute.addressErrorCodeType
        case .requestedTransport: STUNAttribute.requestedTransportType
        case .icmp: STUNAttribute.icmpType
        case .userHash: STUNAttribute.userHashType
        case .passwordAlgorithm: STUNAttribute.passwordAlgorithmType
        case .passwordAlgorithms: STUNAttribute.passwordAlgorithmsType
        case .alternateServer: STUNAttribute.alternateServerType
        case .alternateDomain: STUNAttribute.alternateDomainType
        case .other(let type, _): type
        }
    }

    static let mappedAddressType: UInt16 = 0x0001
    static let usernameType: UInt16 = 0x0006
    static let messageIntegrityType: UInt16 = 0x0008
    static let errorCodeType: UInt16 = 0x0009
    static let unknownAttributesType: UInt16 = 0x000A
    static let channelNumberType: UInt16 = 0x000C
    static let lifetimeType: UInt16 = 0x000D
    static let xorPeerAddressType: UInt16 = 0x0012
    static let dataType: UInt16 = 0x0013
    static let xorRelayedAddressType: UInt16 = 0x0016
    static let requestedAddressFamilyType: UInt16 = 0x0017
    static let requestedTransportType: UInt16 = 0x0019
    static let messageIntegritySHA256Type: UInt16 = 0x001C
    static let passwordAlgorithmType: UInt16 = 0x001D
    static let userHashType: UInt16 = 0x001E
    static let additionalAddressFamilyType: UInt16 = 0x8000
    static let addressErrorCodeType: UInt16 = 0x8001
    static let passwordAlgorithmsType: UInt16 = 0x8002
    static let alternateDomainType: UInt16 = 0x8003
    static let icmpType: UInt16 = 0x8004
    static let alternateServerType: UInt16 = 0x8023
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

/// What a long-term key is made with (RFC 8489 §18.5.1).
public struct STUNPasswordAlgorithm: Hashable, Sendable {
    /// Its number.
    public var number: UInt16
    /// Its parameters; none for those that are known.
    public var parameters: [UInt8]

    /// An algorithm by its number.
    public init(number: UInt16, parameters: [UInt8] = []) {
        self.number = number
        self.parameters = parameters
    }

    /// MD5
    public static let md5 = STUNPasswordAlgorithm(number: 1)
    /// SHA-256
    public static let sha256 = STUNPasswordAlgorithm(number: 2)
}
