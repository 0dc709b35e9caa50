import CLinux
import Glibc
import Wire

/// A non-blocking TCP socket that listens at one local address.
package final class TCPListener {
    /// The address that it listens at.
    package let local: SocketAddress
    package let descriptor: Int32

    /// Connections that the kernel keeps until they are accepted.
    private static let backlog: Int32 = 32

    /// Listens at `address`; port 0 lets the kernel choose.
    package init(bindingTo address: SocketAddress) throws(SocketError) {
        var bound = linux_address(address)
        descriptor = linux_tcp_listen(&bound, Self.backlog)
        guard descriptor >= 0 else {
            throw SocketError(description: "cannot listen on TCP \(address): \(String(cString: strerror(errno)))")
        }
        local = SocketAddress(address.ip, port: bound.port)
    }

    deinit {
        close(descriptor)
    }

    /// A connection that waits; nil once none does.
    package func accept() -> TCPStream? {
        var remote = linux_address()
        let accepted = linux_tcp_accept(descriptor, &remote)
        guard accepted >= 0 else { return nil }
        return TCPStream(accepted: accepted, local: local, remote: SocketAddress(remote))
    }
}

/// A non-blocking TCP connection with a bounded queue of what waits to be written.
package final class TCPStream {
    /// What reading has brought.
    package enum Reading: Equatable {
        /// Bytes; more may wait.
        case bytes([UInt8])
        /// Nothing for now.
        case nothing
        /// The other side has closed the connection, or it broke.
        case end
    }

    /// The other side's address.
    package let remote: SocketAddress
    package let descriptor: Int32
    /// Its own address; of a connection that this side opens known once it is open.
    package private(set) var local: SocketAddress?
    /// Frames that found no room.
    package private(set) var dropped = 0
    package private(set) var failure: String?

    private var queue: [UInt8] = []
    private var sent = 0

    /// What may wait: half a second of the best picture. Who lags further behind loses whole frames, as by UDP.
    package static let queueLimit = 1 << 18
    private static let readLimit = 1 << 16

    fileprivate init(accepted descriptor: Int32, local: SocketAddress, remote: SocketAddress) {
        self.descriptor = descriptor
        self.local = local
        self.remote = remote
    }

    /// Begins to connect to `remote`, from any port of `local` where that is given. The socket is writable once it is
    /// decided, and `finishConnecting` tells how.
    package init(connectingTo remote: SocketAddress, from local: IPAddress?) throws(SocketError) {
        self.remote = remote
        var to = linux_address(remote)
        if let local {
            var from = linux_address(SocketAddress(local, port: 0))
            descriptor = linux_tcp_connect(&from, &to)
        } else {
            descriptor = linux_tcp_connect(nil, &to)
        }
        guard descriptor >= 0 else {
            throw SocketError(description: "cannot connect to \(remote): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Whether it is open.
    package var isOpen: Bool { local != nil }
    /// How many bytes wait.
    package var queued: Int { queue.count - sent }

    /// The connection's own address, once connecting has ended; nil where it has failed.
    package func finishConnecting() -> SocketAddress? {
        var address = linux_address()
        let error = linux_tcp_connected(descriptor, &address)
        guard error == 0 else {
            failure = "cannot connect to \(remote): \(String(cString: strerror(error)))"
            return nil
        }
        local = SocketAddress(address)
        return local
    }

    /// Takes one frame to be written; false where it is dropped because too much waits, or the connection is not open.
    package func enqueue(_ frame: some Collection<UInt8>) -> Bool {
        guard isOpen, queued + frame.count <= Self.queueLimit else {
            dropped += 1
            return false
        }
        if sent > 0, sent == queue.count || sent >= Self.readLimit {
            queue.removeFirst(sent)
            sent = 0
        }
        queue.append(contentsOf: frame)
        return true
    }

    /// Writes what waits as far as there is room; false where the connection is broken.
    package func flush() -> Bool {
        while queued > 0 {
            let (offset, count) = (sent, queued)
            let written = queue.withUnsafeBufferPointer { queue in
                linux_tcp_send(descriptor, queue.baseAddress.map { $0 + offset }, count)
            }
            guard written >= 0 else { return false }
            guard written > 0 else { return true }
            sent += written
        }
        queue.removeAll(keepingCapacity: queue.capacity <= Self.readLimit)
        sent = 0
        return true
    }

    /// Reads once.
    package func read() -> Reading {
        var received = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.readLimit) { buffer, count in
            received = linux_tcp_receive(descriptor, buffer.baseAddress, buffer.count)
            count = max(0, received)
        }
        return received == 0 ? .end : received < 0 ? .nothing : .bytes(bytes)
    }
}

extension TCPStream: PeerStream {
    package var awaitsRoom: Bool { !isOpen || queued > 0 }

    package func open() -> StreamOpening {
        guard !isOpen else { return .open }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&waiting, 1, 0) == 1 else { return .underWay }
        return finishConnecting() == nil ? .failed : .open
    }

    package func send(_ storage: [UInt8], _ entries: ArraySlice<DatagramBatch.Entry>) -> Int {
        entries.reduce(0) { dropped, entry in dropped + (enqueue(storage[entry.range]) ? 0 : 1) }
    }

    package func receive(_ each: ([UInt8]) -> Void) -> StreamReading {
        switch read() {
        case .nothing: return .nothing
        case .end: return .end
        case .bytes(let bytes):
            each(bytes)
            return .more
        }
    }

    package func finish() {}
}
