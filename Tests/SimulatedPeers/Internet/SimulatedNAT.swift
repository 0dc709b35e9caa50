package import Wire

/// How an address translator maps and filters (RFC 4787 §4, §5).
package struct NATBehaviour: Hashable, Sendable {
    /// On what of the remote address a mapping or a filter depends.
    package enum Dependence: Int, CaseIterable, Sendable {
        case endpointIndependent, addressDependent, addressAndPortDependent
    }

    package var mapping: Dependence
    package var filtering: Dependence
    /// How long a mapping, or what a filter lets in, outlives the last datagram that left by it (RFC 4787 §4.3: two
    /// minutes and more; many devices do not keep to it).
    package var timeout: Duration = .seconds(120)
    /// Whether those behind it reach one another by their mapped addresses (RFC 4787 §6).
    package var hairpins = true
    /// Whether a mapping has the port of its inside address, where that is free (RFC 4787 §4.2.1).
    package var preservesPorts = false

    package init(mapping: Dependence, filtering: Dependence) {
        self.mapping = mapping
        self.filtering = filtering
    }

    package static let fullCone = NATBehaviour(mapping: .endpointIndependent, filtering: .endpointIndependent)
    package static let restrictedCone = NATBehaviour(mapping: .endpointIndependent, filtering: .addressDependent)
    package static let portRestrictedCone = NATBehaviour(
        mapping: .endpointIndependent, filtering: .addressAndPortDependent)
    package static let symmetric = NATBehaviour(mapping: .addressAndPortDependent, filtering: .addressAndPortDependent)
}

/// An address translator with one outside address.
package struct SimulatedNAT {
    package let outside: IPAddress
    package var behaviour: NATBehaviour

    /// What a mapping is for: an inside address, and of the remote one as much as the mapping depends on.
    private struct Key: Hashable {
        let inside: SocketAddress
        let remote: IPAddress?
        let remotePort: UInt16?
    }

    private struct Mapping {
        let inside: SocketAddress
        let key: Key
        var lastUse: Instant
        /// When something last went to each of these through the mapping.
        var contacted: [SocketAddress: Instant] = [:]
    }

    private var ports: [Key: UInt16] = [:]
    private var mappings: [UInt16: Mapping] = [:]
    private let random: any RandomSource

    package init(outside: IPAddress, behaviour: NATBehaviour, random: any RandomSource) {
        self.outside = outside
        self.behaviour = behaviour
        self.random = random
    }

    /// The outside address that a datagram from `inside` to `remote` leaves by.
    package mutating func outward(from inside: SocketAddress, to remote: SocketAddress, at now: Instant)
        -> SocketAddress
    {
        let key = Key(
            inside: inside, remote: behaviour.mapping == .endpointIndependent ? nil : remote.ip,
            remotePort: behaviour.mapping == .addressAndPortDependent ? remote.port : nil)
        if let port = ports[key], let mapping = mappings[port], mapping.lastUse + behaviour.timeout < now {
            forget(port)
        }
        let port = ports[key] ?? freePort(like: inside.port)
        ports[key] = port
        mappings[port, default: Mapping(inside: inside, key: key, lastUse: now)].lastUse = now
        mappings[port]?.contacted[remote] = now
        return SocketAddress(outside, port: port)
    }

    /// The inside address that a datagram from `remote` to `port` is for; nil where it is not let in.
    package func inward(to port: UInt16, from remote: SocketAddress, at now: Instant) -> SocketAddress? {
        guard let mapping = mappings[port], now <= mapping.lastUse + behaviour.timeout else { return nil }
        let isLetIn =
            switch behaviour.filtering {
            case .endpointIndependent: true
            case .addressDependent:
                mapping.contacted.contains { $0.key.ip == remote.ip && now <= $0.value + behaviour.timeout }
            case .addressAndPortDependent:
                mapping.contacted[remote].map { now <= $0 + behaviour.timeout } ?? false
            }
        return isLetIn ? mapping.inside : nil
    }

    /// All mappings are forgotten, as when the device starts anew.
    package mutating func reboot() {
        ports = [:]
        mappings = [:]
    }

    private mutating func forget(_ port: UInt16) {
        if let mapping = mappings.removeValue(forKey: port) { ports[mapping.key] = nil }
    }

    private func freePort(like port: UInt16) -> UInt16 {
        var port = behaviour.preservesPorts ? port : UInt16(20_000 + random.below(40_000))
        while mappings[port] != nil { port = UInt16(20_000 + random.below(40_000)) }
        return port
    }
}
