import Wire

/// A UDP socket from which nothing goes but to one TURN server: an allocation belongs to the two addresses (RFC 8656
/// §2.2).
package final class RelaySocket: PeerStream {
    /// The server's address.
    package let remote: SocketAddress
    private let socket: UDPSocket

    /// Binds a socket at any port of `address`.
    package init(from address: IPAddress, to server: SocketAddress) throws(SocketError) {
        socket = try UDPSocket(bindingTo: SocketAddress(address, port: 0))
        remote = server
    }

    package var descriptor: Int32 { socket.descriptor }
    package var local: SocketAddress? { socket.local }
    package var isOpen: Bool { true }
    package var awaitsRoom: Bool { false }
    package var failure: String? { nil }

    package func open() -> StreamOpening { .open }

    package func send(_ storage: [UInt8], _ entries: ArraySlice<DatagramBatch.Entry>) -> Int {
        socket.send(storage, entries)
    }

    package func flush() -> Bool { true }

    package func receive(_ each: ([UInt8]) -> Void) -> StreamReading {
        let mayHaveMore = socket.receive { bytes, sender in
            // anybody may send to a port: only the server is listened to
            if sender == remote { each(bytes) }
        }
        return mayHaveMore ? .more : .nothing
    }

    package func finish() {}
}
