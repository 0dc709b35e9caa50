import DTLS
import Wire

/// A TCP connection under TLS, from this side on.
package final class TLSConnection: PeerStream {
    private let stream: TCPStream
    private let tls: TLSStream
    /// What the server said in one breath with the handshake's end.
    private var early: [UInt8] = []

    /// What TLS adds to the largest frame, and room for what it says of its own accord: that must not be dropped.
    private static let reserve = 4096

    /// Begins to connect to `remote`, from any port of `local` where that is given; the server's certificate must be for
    /// `name`, a host name or an address.
    package init(
        connectingTo remote: SocketAddress, from local: IPAddress?, name: String, context: TLSContext
    ) throws(SocketError) {
        stream = try TCPStream(connectingTo: remote, from: local)
        tls = TLSStream(context: context, name: name)
    }

    package var descriptor: Int32 { stream.descriptor }
    package var remote: SocketAddress { stream.remote }
    package var local: SocketAddress? { stream.local }
    package var isOpen: Bool { tls.state == .open }
    package var awaitsRoom: Bool { stream.awaitsRoom }

    package var failure: String? {
        if case .failed(let error) = tls.state { return error.description }
        return stream.failure
    }

    package func open() -> StreamOpening {
        if !stream.isOpen {
            let opening = stream.open()
            guard opening == .open else { return opening }
        }
        guard forward() else { return .failed }
        while tls.state == .connecting {
            switch stream.read() {
            case .bytes(let bytes):
                early += tls.receive(bytes)
                guard forward() else { return .failed }
            case .nothing: return .underWay
            case .end: tls.ended()
            }
        }
        return isOpen ? .open : .failed
    }

    package func send(_ storage: [UInt8], _ entries: ArraySlice<DatagramBatch.Entry>) -> Int {
        var dropped = 0
        for entry in entries {
            // a record that is made takes its number: it cannot be left out any more
            guard isOpen, stream.queued + entry.range.count + Self.reserve <= TCPStream.queueLimit else {
                dropped += 1
                continue
            }
            tls.send(storage[entry.range])
            _ = stream.enqueue(tls.takeOutgoing())
        }
        return dropped
    }

    package func flush() -> Bool { stream.flush() }

    package func receive(_ each: ([UInt8]) -> Void) -> StreamReading {
        if !early.isEmpty {
            each(early)
            early = []
        }
        switch stream.read() {
        case .nothing: return .nothing
        case .end:
            tls.ended()
            return .end
        case .bytes(let bytes):
            let plain = tls.receive(bytes)
            if !plain.isEmpty { each(plain) }
            return forward() && isOpen ? .more : .end
        }
    }

    package func finish() {
        tls.close()
        _ = forward()
    }

    /// Sends what TLS has to say; false where the connection is broken.
    private func forward() -> Bool {
        let bytes = tls.takeOutgoing()
        guard bytes.isEmpty || stream.enqueue(bytes) else { return false }
        return stream.flush()
    }
}
