import COpenSSL

/// Where OpenSSL reads and writes the datagrams of one association. Unlike OpenSSL's memory BIO it keeps them apart.
final class DatagramBIO {
    /// The datagram that OpenSSL reads next.
    private var incoming: [UInt8]?
    /// What OpenSSL wrote, a datagram each.
    private var outgoing: [[UInt8]] = []
    private let mtu: Int

    /// One that sends at most `mtu` bytes in a datagram.
    init(mtu: Int) {
        self.mtu = mtu
    }

    /// Hands a new BIO on this to `ssl`, which frees it.
    func attach(to ssl: OpaquePointer) {
        guard let bio = BIO_new(Self.method) else { preconditionFailure("OpenSSL has memory") }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(ssl, bio, bio)
    }

    /// Lets OpenSSL read `datagram` while `body` runs; what it leaves is dropped, as a socket would.
    func withIncoming(_ datagram: [UInt8]?, _ body: () -> Void) {
        incoming = datagram
        body()
        incoming = nil
    }

    /// The datagrams written since the last call, as few as their records fit into. OpenSSL repeats a flight record by record,
    /// and the more datagrams it is, the likelier one of them is lost (RFC 6347 §4.1.1: "Multiple DTLS records may be placed
    /// in a single datagram").
    func takeOutgoing() -> [[UInt8]] {
        defer { outgoing = [] }
        return outgoing.reduce(into: []) { datagrams, records in
            if let last = datagrams.last, last.count + records.count <= mtu {
                datagrams[datagrams.count - 1] += records
            } else {
                datagrams.append(records)
            }
        }
    }

    /// One for all: OpenSSL never changes it once it is complete.
    private nonisolated(unsafe) static let method: OpaquePointer = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams") else {
            preconditionFailure("OpenSSL has memory")
        }
        BIO_meth_set_read(method) { bio, bytes, capacity in
            guard let bio, let bytes, capacity > 0 else { return -1 }
            doorward_bio_clear_retry_flags(bio)
            let datagrams = DatagramBIO.of(bio)
            guard let datagram = datagrams.incoming else {
                doorward_bio_set_retry_read(bio)
                return -1
            }
            datagrams.incoming = nil
            let count = min(datagram.count, Int(capacity))
            UnsafeMutableRawBufferPointer(start: bytes, count: count).copyBytes(from: datagram.prefix(count))
            return Int32(count)
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio, let bytes, count > 0 else { return -1 }
            doorward_bio_clear_retry_flags(bio)
            DatagramBIO.of(bio).outgoing.append(
                Array(UnsafeRawBufferPointer(start: bytes, count: Int(count))))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // A flush succeeds; of the rest (path MTU, timeouts of a socket, …) there is nothing to say.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return method
    }()

    private static func of(_ bio: OpaquePointer) -> DatagramBIO {
        guard let pointer = BIO_get_data(bio) else { preconditionFailure("every BIO of this kind is attached") }
        return Unmanaged<DatagramBIO>.fromOpaque(pointer).takeUnretainedValue()
    }
}
