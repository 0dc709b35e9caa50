import ICE
public import Wire

/// The book of which of many peers a datagram is for, where they share sockets.
///
/// A STUN Binding request names its peer by the username fragment before the colon (RFC 8445 §7.2.2); every other datagram
/// comes from an address that its peer has exchanged checks with.
public struct DatagramRouter<ID: Hashable & Sendable>: Sendable {
    private var owners: [SocketAddress: ID] = [:]
    /// The addresses that each peer owns, the last learned at the end.
    private var addresses: [ID: [SocketAddress]] = [:]
    private var fragments: [String: ID] = [:]
    /// The username fragments of each peer.
    private var registered: [ID: [String]] = [:]
    /// Addresses of one peer at once: more than ICE checks, and a bound on what somebody who knows a username fragment can
    /// make us remember with false sender addresses.
    private let addressLimit: Int

    /// An empty book.
    public init(addressLimit: Int = 256) {
        self.addressLimit = addressLimit
    }

    /// Which peer `datagram` is for; nil for none.
    public mutating func route(_ datagram: [UInt8], from remote: SocketAddress) -> ID? {
        guard ICEAgent.isSTUN(datagram), let fragment = ICEAgent.localUsernameFragment(of: datagram) else {
            return owners[remote]
        }
        guard let id = fragments[fragment] else { return nil }
        learn(remote, of: id)
        return id
    }

    /// Remembers that `id` answers to the username fragments `names`, and to no others any more.
    public mutating func register(_ names: [String], for id: ID) {
        guard registered[id] != names else { return }
        for old in registered[id] ?? [] where fragments[old] == id { fragments[old] = nil }
        for name in names { fragments[name] = id }
        registered[id] = names
    }

    /// From now on datagrams from `remote` are for `id`, which has just sent there, or was named by one that came.
    public mutating func learn(_ remote: SocketAddress, of id: ID) {
        let previous = owners.updateValue(id, forKey: remote)
        guard previous != id else { return }
        if let previous { addresses[previous]?.removeAll { $0 == remote } }
        addresses[id, default: []].append(remote)
        if let known = addresses[id], known.count > addressLimit {
            owners[known[0]] = nil
            addresses[id]?.removeFirst()
        }
    }

    /// Forgets everything about `id`.
    public mutating func forget(_ id: ID) {
        for address in addresses.removeValue(forKey: id) ?? [] { owners[address] = nil }
        register([], for: id)
        registered[id] = nil
    }
}
