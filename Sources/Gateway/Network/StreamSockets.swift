import ICE
import Wire

/// The streams of all peers: TCP connections and TURN clients' own sockets, and connections that were accepted and have not shown yet which peer they are for.
///
/// Anybody can connect to a port that listens: what is not a peer's costs a descriptor and a few bytes for a few
/// seconds, and there are never more than so many of them.
final class StreamSockets {
    /// Which stream of which peer a connection is.
    struct Owner: Hashable {
        let session: SessionID
        let stream: StreamID
    }

    /// A connection, by its descriptor.
    final class Connection {
        let socket: any PeerStream
        let begunAt: Instant
        fileprivate(set) var owner: Owner?
        /// What came before it was known whose it is.
        fileprivate var early: [UInt8] = []
        /// Whether the loop watches for room to write.
        var awaitsRoom = false

        init(_ socket: any PeerStream, owner: Owner?, at now: Instant) {
            self.socket = socket
            self.owner = owner
            begunAt = now
        }
    }

    /// What the first bytes of an accepted connection are.
    enum Opening: Equatable {
        /// More is to come.
        case incomplete
        /// A check for the peer with this username fragment, in the first of these bytes.
        case check(String, [UInt8])
        /// Nothing that a peer would send.
        case stranger
    }

    private(set) var connections: [Int32: Connection] = [:]
    private var descriptors: [Owner: Int32] = [:]

    /// Accepted connections without a peer: in all, from one address, and for how long.
    static let strangerLimit = 32
    static let strangerLimitOfAddress = 8
    static let strangerPatience = Duration.seconds(5)
    /// A check is far shorter.
    private static let openingLimit = 1500

    private var strangers: some Sequence<Connection> { connections.values.lazy.filter { $0.owner == nil } }

    /// When a connection that shows nothing is closed.
    var deadline: Instant? {
        connections.isEmpty ? nil : strangers.map { $0.begunAt + Self.strangerPatience }.min()
    }

    /// The connections that have shown nothing for too long.
    func overdue(at now: Instant) -> [Connection] {
        strangers.filter { now >= $0.begunAt + Self.strangerPatience }
    }

    /// Takes in a connection that was accepted; nil where there are too many that show nothing.
    func accepted(_ socket: TCPStream, at now: Instant) -> Connection? {
        let ofAddress = strangers.reduce(0) { $0 + ($1.socket.remote.ip == socket.remote.ip ? 1 : 0) }
        let all = strangers.reduce(0) { count, _ in count + 1 }
        guard all < Self.strangerLimit, ofAddress < Self.strangerLimitOfAddress else { return nil }
        let connection = Connection(socket, owner: nil, at: now)
        connections[socket.descriptor] = connection
        return connection
    }

    /// Takes in a connection that a peer has asked for.
    func opening(_ socket: any PeerStream, for owner: Owner, at now: Instant) -> Connection {
        let connection = Connection(socket, owner: owner, at: now)
        connections[socket.descriptor] = connection
        descriptors[owner] = socket.descriptor
        return connection
    }

    /// What an accepted connection turns out to be with `bytes`, by its first frame (RFC 4571), which must be a check
    /// (RFC 6544 §7.1).
    func identify(_ connection: Connection, by bytes: [UInt8]) -> Opening {
        connection.early += bytes
        var reader = FrameReader()
        reader.append(connection.early)
        let length = connection.early.prefix(2).reduce(0) { $0 << 8 | Int($1) }
        guard connection.early.count < 2 || (20...Self.openingLimit).contains(length) else { return .stranger }
        guard let frame = reader.next() else { return .incomplete }
        guard let fragment = ICEAgent.localUsernameFragment(of: frame) else { return .stranger }
        return .check(fragment, connection.early)
    }

    /// An accepted connection is a peer's.
    func assign(_ connection: Connection, to owner: Owner) {
        connection.owner = owner
        connection.early = []
        descriptors[owner] = connection.socket.descriptor
    }

    func connection(of owner: Owner) -> Connection? { descriptors[owner].flatMap { connections[$0] } }

    func connections(of session: SessionID) -> [Connection] {
        connections.values.filter { $0.owner?.session == session }
    }

    /// Forgets a connection; it is closed with its last reference.
    func remove(_ connection: Connection) {
        connections[connection.socket.descriptor] = nil
        if let owner = connection.owner { descriptors[owner] = nil }
    }
}
