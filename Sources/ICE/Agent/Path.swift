import Wire

/// The way that a message goes or has come: between two UDP sockets, or along a connection.
struct Path: Hashable {
    /// The base that it leaves from, or came to.
    let local: SocketAddress
    /// The other side's address.
    let remote: SocketAddress
    /// The connection; nil for UDP.
    var stream: StreamID?

    /// Whether it is the same connection, or for UDP leads between the same addresses.
    func isSame(as other: Path) -> Bool {
        guard stream == nil, other.stream == nil else { return stream == other.stream }
        return local == other.local && remote.unscoped == other.remote.unscoped
    }
}
