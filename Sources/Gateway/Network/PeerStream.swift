import DTLS
import Wire

/// What a stream of a peer goes by: a TCP connection, one under TLS, or a UDP socket for a TURN server alone.
package protocol PeerStream: AnyObject {
    /// What to wait for.
    var descriptor: Int32 { get }
    /// The other side's address.
    var remote: SocketAddress { get }
    /// Its own address; nil until it is known.
    var local: SocketAddress? { get }
    /// Whether the peer may use it.
    var isOpen: Bool { get }
    /// Whether room to write is waited for.
    var awaitsRoom: Bool { get }
    /// Why it could not be opened, or has ended, where that is known.
    var failure: String? { get }

    /// Goes on with opening it, when something can be read or written.
    func open() -> StreamOpening
    /// Takes what stands in `storage` to be sent, in order; returns how much of it is dropped.
    func send(_ storage: [UInt8], _ entries: ArraySlice<DatagramBatch.Entry>) -> Int
    /// Writes what waits as far as there is room; false where it is broken.
    func flush() -> Bool
    /// Reads once, and gives `each` what has come, each datagram by itself.
    func receive(_ each: ([UInt8]) -> Void) -> StreamReading
    /// Says good-bye, where the protocol knows one.
    func finish()
}

/// How far a stream that is being opened is.
package enum StreamOpening: Hashable {
    /// It takes its time.
    case underWay
    /// The peer may use it.
    case open
    /// It is of no use.
    case failed
}

/// What reading has brought.
package enum StreamReading: Hashable {
    /// Something; more may wait.
    case more
    /// Nothing is left for now.
    case nothing
    /// The other side has closed the stream, or it broke.
    case end
}

/// Opens what peers ask for.
package struct StreamOpener {
    private let authorities: String?
    private var context: TLSContext?

    /// Trusts the certificate authorities of the PEM file `authorities`, or the system's where none is given.
    package init(authorities: String?) {
        self.authorities = authorities
    }

    /// Begins to connect to `remote`, under TLS where the server has a `name`.
    package mutating func connect(
        to remote: SocketAddress, from local: IPAddress?, tls name: String?
    ) throws(SocketError) -> any PeerStream {
        guard let name else { return try TCPStream(connectingTo: remote, from: local) }
        return try TLSConnection(connectingTo: remote, from: local, name: name, context: try trust())
    }

    /// Whom a connection under TLS trusts; an error where the file of authorities is of no use.
    package mutating func trust() throws(SocketError) -> TLSContext {
        if let context { return context }
        do throws(TLSError) {
            let made = try TLSContext(authorities: authorities)
            context = made
            return made
        } catch {
            let place = authorities.map { "the authorities in \($0)" } ?? "the system's authorities"
            throw SocketError(description: "cannot read \(place): \(error)")
        }
    }
}
