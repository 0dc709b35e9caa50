internal import ICE
package import Wire

/// A host of the simulated internet that answers datagrams by rules of its own, at once: a STUN or TURN server.
package protocol SimulatedServer: AnyObject {
    /// A datagram came from `remote` to the server's address `local`.
    func receive(_ bytes: [UInt8], local: SocketAddress, from remote: SocketAddress, at now: Instant)
    /// When `timePassed` is due; nil for never.
    var deadline: Instant? { get }
    /// The deadline may have passed.
    func timePassed(at now: Instant)
    /// What the server has sent since the last call.
    func takeOutgoing() -> [SimulatedDatagram]
}

/// A datagram with its source and its destination, as whoever holds it sees them.
package struct SimulatedDatagram {
    package let bytes: [UInt8]
    package let from: SocketAddress
    package let to: SocketAddress

    package init(_ bytes: [UInt8], from: SocketAddress, to: SocketAddress) {
        self.bytes = bytes
        self.from = from
        self.to = to
    }
}

/// Tells everyone from which address their requests came (RFC 8489, Binding).
package final class SimulatedSTUNServer: SimulatedServer {
    private var outgoing: [SimulatedDatagram] = []

    package init() {}

    package var deadline: Instant? { nil }

    package func timePassed(at now: Instant) {}

    package func receive(_ bytes: [UInt8], local: SocketAddress, from remote: SocketAddress, at now: Instant) {
        guard let request = try? STUNMessage(parsing: bytes), request.messageClass == .request,
            request.method == .binding
        else { return }
        let response = STUNMessage(
            .successResponse, transactionID: request.transactionID, attributes: [.xorMappedAddress(remote)])
        outgoing.append(SimulatedDatagram(response.serialized(), from: local, to: remote))
    }

    package func takeOutgoing() -> [SimulatedDatagram] {
        defer { outgoing = [] }
        return outgoing
    }
}
