package import Wire

/// Datagrams under way on one path that all endpoints share, delivered in the order of a virtual clock.
package struct SimulatedNetwork {
    package struct Datagram {
        package let arrives: Instant
        package let order: Int
        package let bytes: [UInt8]
        package let from: SocketAddress
        package let to: SocketAddress
    }

    package var conditions: PathConditions {
        get { path.conditions }
        set { path.conditions = newValue }
    }
    /// Addresses that nothing goes to or comes from any more.
    package var unplugged: Set<SocketAddress> = []
    private var path: ImpairedPath
    private var underWay: [Datagram] = []
    private var sent = 0

    package init(conditions: PathConditions, random: any RandomSource) {
        path = ImpairedPath(conditions, random: random)
    }

    /// When the next datagram arrives; nil while none is under way.
    package var nextArrival: Instant? { underWay.map(\.arrives).min() }

    package mutating func send(_ bytes: [UInt8], from: SocketAddress, to: SocketAddress, at now: Instant) {
        guard !unplugged.contains(from), !unplugged.contains(to) else { return }
        for arrives in path.arrivals(of: bytes.count, isIPv6: to.ip.isIPv6, at: now) {
            underWay.append(Datagram(arrives: arrives, order: sent, bytes: bytes, from: from, to: to))
            sent += 1
        }
    }

    /// The datagrams that have arrived at `now`, in order.
    package mutating func arrivals(at now: Instant) -> [Datagram] {
        let arrived = underWay.filter { $0.arrives <= now }
        underWay.removeAll { $0.arrives <= now }
        return arrived.sorted { ($0.arrives, $0.order) < ($1.arrives, $1.order) }
    }
}
