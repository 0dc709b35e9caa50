import Wire

/// The first attribute of each kind, which is the one that counts (RFC 8489 §14).
extension STUNMessage {
    /// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS where a server sends only that.
    public var mappedAddress: SocketAddress? {
        first { if case .xorMappedAddress(let address) = $0 { address } else { nil } }
            ?? first { if case .mappedAddress(let address) = $0 { address } else { nil } }
    }

    /// USERNAME
    public var username: String? {
        first { if case .username(let name) = $0 { name } else { nil } }
    }

    /// The code of ERROR-CODE.
    public var errorCode: UInt16? {
        first { if case .errorCode(let code, _) = $0 { code } else { nil } }
    }

    /// ERROR-CODE with its reason phrase.
    public var error: (code: UInt16, reason: String)? {
        first { if case .errorCode(let code, let reason) = $0 { (code, reason) } else { nil } }
    }

    /// REALM
    public var realm: String? {
        first { if case .realm(let realm) = $0 { realm } else { nil } }
    }

    /// NONCE
    public var nonce: String? {
        first { if case .nonce(let nonce) = $0 { nonce } else { nil } }
    }

    /// PASSWORD-ALGORITHMS
    public var passwordAlgorithms: [STUNPasswordAlgorithm]? {
        first { if case .passwordAlgorithms(let algorithms) = $0 { algorithms } else { nil } }
    }

    /// LIFETIME
    public var lifetime: UInt32? {
        first { if case .lifetime(let seconds) = $0 { seconds } else { nil } }
    }

    /// CHANNEL-NUMBER
    public var channelNumber: UInt16? {
        first { if case .channelNumber(let number) = $0 { number } else { nil } }
    }

    /// Every XOR-RELAYED-ADDRESS: one for each address family that was asked for.
    public var relayedAddresses: [SocketAddress] {
        attributes.compactMap { if case .xorRelayedAddress(let address) = $0 { address } else { nil } }
    }

    /// Every XOR-PEER-ADDRESS.
    public var peerAddresses: [SocketAddress] {
        attributes.compactMap { if case .xorPeerAddress(let address) = $0 { address } else { nil } }
    }

    /// DATA
    public var data: [UInt8]? {
        first { if case .data(let bytes) = $0 { bytes } else { nil } }
    }

    /// ALTERNATE-SERVER
    public var alternateServer: SocketAddress? {
        first { if case .alternateServer(let address) = $0 { address } else { nil } }
    }

    /// ALTERNATE-DOMAIN
    public var alternateDomain: String? {
        first { if case .alternateDomain(let name) = $0 { name } else { nil } }
    }

    /// PRIORITY
    public var priority: UInt32? {
        first { if case .priority(let priority) = $0 { priority } else { nil } }
    }

    /// Whether it has USE-CANDIDATE.
    public var hasUseCandidate: Bool { attributes.contains(.useCandidate) }

    /// The sender's role and tie-breaker, from ICE-CONTROLLING or ICE-CONTROLLED.
    public var role: (ICERole, tieBreaker: UInt64)? {
        first {
            switch $0 {
            case .iceControlling(let tieBreaker): (.controlling, tieBreaker)
            case .iceControlled(let tieBreaker): (.controlled, tieBreaker)
            default: nil
            }
        }
    }

    /// The types below 0x8000 (RFC 8489 §14: the receiver must understand them) that this room does not know.
    public var unknownRequiredAttributes: [UInt16] {
        attributes.compactMap { if case .other(let type, _) = $0, type < 0x8000 { type } else { nil } }
    }

    func first<Value>(_ value: (STUNAttribute) -> Value?) -> Value? {
        for attribute in attributes {
            if let found = value(attribute) { return found }
        }
        return nil
    }
}
