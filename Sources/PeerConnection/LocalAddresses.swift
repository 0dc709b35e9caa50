import Wire

/// The addresses that the shell has sockets at, and which transport uses which.
///
/// All transports may share a socket. But where both sides do so, and two transports were not bundled, nothing in a
/// packet of media tells them apart; so of several sockets on one IP address each transport takes the one that the
/// fewest others have.
struct LocalAddresses {
    /// A bound socket.
    struct Entry {
        let address: SocketAddress
        let preference: UInt16
    }

    private(set) var entries: [Entry] = []
    /// Where TCP connections are accepted; a connection's first check says which transport it is for.
    private(set) var listeners: [Entry] = []
    /// What the other side is told in place of an address.
    var names: [IPAddress: String] = [:]
    /// Whether every address was given.
    var hasEnded = false

    mutating func add(_ entry: Entry) {
        guard !entries.contains(where: { $0.address == entry.address }) else { return }
        entries.append(entry)
    }

    mutating func addListener(_ entry: Entry) {
        guard !listeners.contains(where: { $0.address == entry.address }) else { return }
        listeners.append(entry)
    }

    mutating func remove(_ address: SocketAddress) {
        entries.removeAll { $0.address == address }
        listeners.removeAll { $0.address == address }
    }

    /// What a new transport takes beside `transports`: one socket on each IP address.
    func selection(beside transports: [PeerTransport]) -> [Entry] {
        var chosen: [Entry] = []
        for entry in entries {
            guard let known = chosen.firstIndex(where: { $0.address.ip == entry.address.ip }) else {
                chosen.append(entry)
                continue
            }
            if users(of: entry, among: transports) < users(of: chosen[known], among: transports) {
                chosen[known] = entry
            }
        }
        return chosen
    }

    private func users(of entry: Entry, among transports: [PeerTransport]) -> Int {
        transports.count { $0.addresses.contains(entry.address) }
    }
}
