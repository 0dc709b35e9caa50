package import Wire

/// How a simulated path treats datagrams.
package struct PathConditions: Sendable {
    /// The part that is lost, 0 to 1.
    package var loss: Double
    /// The part that arrives twice, 0 to 1.
    package var duplication: Double
    /// The one-way delay; each datagram draws its own, so that a wide range reorders.
    package var delay: ClosedRange<Duration>

    package init(
        loss: Double = 0, duplication: Double = 0,
        delay: ClosedRange<Duration> = .milliseconds(5) ... .milliseconds(5)
    ) {
        self.loss = loss
        self.duplication = duplication
        self.delay = delay
    }

    package static let perfect = PathConditions()
    package static let hostile = PathConditions(
        loss: 0.2, duplication: 0.1, delay: .milliseconds(5) ... .milliseconds(60))
}

/// Datagrams under way, delivered in the order of a virtual clock.
package struct SimulatedNetwork {
    package struct Datagram {
        package let arrives: Instant
        package let order: Int
        package let bytes: [UInt8]
        package let from: SocketAddress
        package let to: SocketAddress
    }

    package var conditions: PathConditions
    /// Addresses that nothing goes to or comes from any more.
    package var unplugged: Set<SocketAddress> = []
    private let random: any RandomSource
    private var underWay: [Datagram] = []
    private var sent = 0

    package init(conditions: PathConditions, random: any RandomSource) {
        self.conditions = conditions
        self.random = random
    }

    /// When the next datagram arrives; nil while none is under way.
    package var nextArrival: Instant? { underWay.map(\.arrives).min() }

    package mutating func send(_ bytes: [UInt8], from: SocketAddress, to: SocketAddress, at now: Instant) {
        guard !unplugged.contains(from), !unplugged.contains(to), !happens(conditions.loss) else { return }
        deliver(bytes, from: from, to: to, at: now)
        if happens(conditions.duplication) { deliver(bytes, from: from, to: to, at: now) }
    }

    /// The datagrams that have arrived at `now`, in order.
    package mutating func arrivals(at now: Instant) -> [Datagram] {
        let arrived = underWay.filter { $0.arrives <= now }
        underWay.removeAll { $0.arrives <= now }
        return arrived.sorted { ($0.arrives, $0.order) < ($1.arrives, $1.order) }
    }

    private mutating func deliver(_ bytes: [UInt8], from: SocketAddress, to: SocketAddress, at now: Instant) {
        let spread = (conditions.delay.upperBound - conditions.delay.lowerBound).nanoseconds
        let delay = conditions.delay.lowerBound + .nanoseconds(spread == 0 ? 0 : Int64(random.below(Int(spread))))
        underWay.append(Datagram(arrives: now + delay, order: sent, bytes: bytes, from: from, to: to))
        sent += 1
    }

    private func happens(_ part: Double) -> Bool {
        part > 0 && Double(random.below(1_000_000)) < part * 1_000_000
    }
}
