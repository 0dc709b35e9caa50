import ICE
import Wire

/// What went by a transport, STUN not counted: in all, and by each way that it took.
struct TransportTraffic {
    /// Datagrams and their bytes, both ways.
    struct Count {
        var packetsSent: UInt64 = 0
        var bytesSent: UInt64 = 0
        var packetsReceived: UInt64 = 0
        var bytesReceived: UInt64 = 0
        var lastReceived: Instant?

        mutating func noteSent(packets: Int, bytes: Int) {
            packetsSent += UInt64(packets)
            bytesSent += UInt64(bytes)
        }

        mutating func noteReceived(bytes: Int, at now: Instant) {
            packetsReceived += 1
            bytesReceived += UInt64(bytes)
            lastReceived = now
        }
    }

    private struct Way {
        let local: SocketAddress
        let remote: SocketAddress
        var count = Count()
    }

    /// A call has one or two, and a few more where addresses change.
    private static let maximumWays = 32

    private(set) var total = Count()
    private var ways: [Way] = []

    /// What went between these addresses.
    func count(local: SocketAddress, remote: SocketAddress) -> Count {
        ways.first { $0.local == local && $0.remote == remote }?.count ?? Count()
    }

    mutating func noteSent(packets: Int, bytes: Int, along pair: DatagramRoute) {
        guard packets > 0 else { return }
        // the length before a frame on a connection (RFC 4571 §2) is none of the packet's
        let bytes = pair.stream == nil ? bytes : bytes - 2 * packets
        total.noteSent(packets: packets, bytes: bytes)
        guard let index = way(pair.local, pair.remote) else { return }
        ways[index].count.noteSent(packets: packets, bytes: bytes)
    }

    mutating func noteReceived(bytes: Int, at local: SocketAddress, from remote: SocketAddress, at now: Instant) {
        total.noteReceived(bytes: bytes, at: now)
        guard let index = way(local, remote) else { return }
        ways[index].count.noteReceived(bytes: bytes, at: now)
    }

    private mutating func way(_ local: SocketAddress, _ remote: SocketAddress) -> Int? {
        if let index = ways.firstIndex(where: { $0.local == local && $0.remote == remote }) { return index }
        guard ways.count < Self.maximumWays else { return nil }
        ways.append(Way(local: local, remote: remote))
        return ways.count - 1
    }
}
