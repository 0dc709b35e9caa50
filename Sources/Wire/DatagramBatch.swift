/// Datagrams that wait to leave, back to back in one buffer, so that a burst is written, protected in place and sent
/// without an allocation for each packet. What goes by a TCP connection stands among them, framed as that wants it.
public struct DatagramBatch: Sendable {
    /// One datagram of the batch.
    public struct Entry: Sendable {
        /// Where its bytes lie in `storage`.
        public let range: Range<Int>
        /// The address of the local socket it leaves from.
        public let local: SocketAddress
        /// Where it goes.
        public let remote: SocketAddress
        /// The connection that its bytes, framed already, are written to; nil for a UDP datagram.
        public let stream: StreamID?

        @usableFromInline
        init(range: Range<Int>, local: SocketAddress, remote: SocketAddress, stream: StreamID?) {
            self.range = range
            self.local = local
            self.remote = remote
            self.stream = stream
        }
    }

    /// A datagram with which a picture begins or ends.
    public struct FrameMark: Hashable, Sendable {
        /// When the picture was captured.
        public let captured: Instant
        /// Whether it begins with the datagram.
        public let isFirst: Bool
        /// Whether it ends with it.
        public let isLast: Bool
    }

    /// The bytes of all datagrams, in order.
    @inlinable public var storage: [UInt8] { bytes }
    /// The datagrams, in the order in which they leave.
    @inlinable public var entries: [Entry] { datagrams }
    /// The pictures that begin and end in the batch, for whoever measures how old they are when they leave.
    public private(set) var marks: [FrameMark] = []

    // What writes a packet is made for its writer where it is used, in another module: that has to see all of it.
    @usableFromInline var bytes: [UInt8] = []
    @usableFromInline var datagrams: [Entry] = []

    /// An empty batch.
    public init() {}

    /// Whether nothing waits.
    @inlinable public var isEmpty: Bool { datagrams.isEmpty }

    /// Appends a copy of `bytes`, a datagram, or what is to be written to `stream`.
    public mutating func append(
        _ bytes: some Collection<UInt8>, from local: SocketAddress, to remote: SocketAddress,
        on stream: StreamID? = nil
    ) {
        let start = self.bytes.count
        self.bytes.append(contentsOf: bytes)
        datagrams.append(Entry(range: start..<self.bytes.count, local: local, remote: remote, stream: stream))
    }

    /// Appends the datagram that `write` adds to the end of the buffer it is given; it must leave what stands before
    /// untouched. There is none when `write` adds nothing, or throws.
    @inlinable
    public mutating func append<Failure: Error>(
        from local: SocketAddress, to remote: SocketAddress, on stream: StreamID? = nil,
        _ write: (inout [UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        let start = bytes.count
        do {
            try write(&bytes)
        } catch {
            bytes.removeLast(bytes.count - start)
            throw error
        }
        precondition(bytes.count >= start, "a datagram's writer only appends")
        guard bytes.count > start else { return }
        datagrams.append(Entry(range: start..<bytes.count, local: local, remote: remote, stream: stream))
    }

    /// Lets `change` work on what was appended, as it stands: it keeps the length.
    @inlinable
    public mutating func update<Failure: Error>(_ change: (inout [UInt8]) throws(Failure) -> Void) throws(Failure) {
        let count = bytes.count
        defer { precondition(bytes.count == count, "what was appended keeps its length") }
        try change(&bytes)
    }

    /// Notes that the datagram appended last begins or ends a picture that was captured at `captured`.
    public mutating func mark(captured: Instant, isFirst: Bool, isLast: Bool) {
        guard isFirst || isLast else { return }
        marks.append(FrameMark(captured: captured, isFirst: isFirst, isLast: isLast))
    }

    /// Forgets every datagram and keeps the memory for the next.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        datagrams.removeAll(keepingCapacity: true)
        marks.removeAll(keepingCapacity: true)
    }
}
