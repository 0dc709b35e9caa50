public import Wire

/// How a datagram gets to a peer: straight from a socket, or by a TURN server, for which it is framed in place.
///
///     ChannelData (RFC 8656 §12.4)
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |  channel number, 0x4000-0x4FFF |            length             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                        application data                        |
///     |                               +--------------------------------+
///     |                               |  padding to 4, on streams only |
///     +-------------------------------+--------------------------------+
public struct DatagramRoute: Hashable, Sendable {
    @usableFromInline
    enum Framing: Hashable, Sendable {
        case none
        case length
        case channel(UInt16)
        case indication(peer: SocketAddress, transactionID: STUNMessage.TransactionID)
    }

    /// The local socket that it leaves from.
    public let local: SocketAddress
    /// Where that sends it.
    public let remote: SocketAddress
    /// The connection that it leaves on, or the socket of the TURN client; nil for a socket that is shared.
    public let stream: StreamID?
    /// Whether that is a connection, where ChannelData is padded.
    let isPadded: Bool
    @usableFromInline let framing: Framing

    init(local: SocketAddress, remote: SocketAddress, stream: StreamID?, isPadded: Bool, framing: Framing) {
        self.local = local
        self.remote = remote
        self.stream = stream
        self.isPadded = isPadded
        self.framing = framing
    }

    /// The route of a pair without a server between; on a TCP connection every datagram stands behind its length
    /// (RFC 4571 §2).
    public init(of pair: ICECandidatePair) {
        self.init(
            local: pair.localAddress, remote: pair.remoteAddress, stream: pair.stream, isPadded: false,
            framing: pair.stream == nil ? .none : .length)
    }

    /// Appends to `buffer` what `write` appends, framed for this route. `write` must leave what stands before untouched;
    /// nothing is appended where it appends nothing.
    @inlinable
    public func frame<Failure: Error>(
        into buffer: inout [UInt8], _ write: (inout [UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        guard framing != .none else { return try write(&buffer) }
        let start = buffer.count
        beginFrame(in: &buffer)
        let payload = buffer.count
        try write(&buffer)
        endFrame(from: start, payload: payload, in: &buffer)
    }

    /// Appends what stands before the payload, its length left open.
    @usableFromInline
    func beginFrame(in buffer: inout [UInt8]) {
        let start = buffer.count
        switch framing {
        case .none, .length:
            break
        case .channel(let number):
            buffer.append(uint16: number)
        case .indication(let peer, let id):
            // datagrams of one burst are told apart by where they stand in it
            let own = STUNMessage.TransactionID(high: id.high, low: id.low &+ UInt64(start))
            STUNMessage(.indication, method: .send, transactionID: own, attributes: [.xorPeerAddress(peer)])
                .write(to: &buffer)
            buffer.append(uint16: STUNAttribute.dataType)
        }
        buffer.append(uint16: 0)
    }

    /// Ends the frame that began at `start`, or takes it back where it is empty.
    @usableFromInline
    func endFrame(from start: Int, payload: Int, in buffer: inout [UInt8]) {
        let length = buffer.count - payload
        guard length > 0 else {
            buffer.removeLast(buffer.count - start)
            return
        }
        precondition(length <= 0xFFFF, "a datagram's length has 16 bits")
        buffer.set(uint16: UInt16(length), at: payload - 2)
        // RFC 8656 §12.5: over TCP and TLS ChannelData "MUST be padded to a multiple of four bytes", over UDP it need not
        // be; a STUN message always is
        let isIndication = framing.isIndication
        if isIndication || isPadded {
            buffer.append(contentsOf: repeatElement(0, count: -length & 3))
        }
        if isIndication {
            buffer.set(uint16: UInt16(buffer.count - start - STUNMessage.headerLength), at: start + 2)
        }
    }
}

extension DatagramRoute.Framing {
    fileprivate var isIndication: Bool {
        if case .indication = self { true } else { false }
    }
}

extension DatagramBatch {
    /// Appends the datagram that `write` adds to the end of the buffer it is given, framed for `route`. There is none
    /// when `write` adds nothing, or throws.
    @inlinable
    public mutating func append<Failure: Error>(
        by route: DatagramRoute, _ write: (inout [UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        try append(from: route.local, to: route.remote, on: route.stream) { (buffer) throws(Failure) in
            try route.frame(into: &buffer, write)
        }
    }
}
