import Wire

/// How a simulated path treats datagrams.
struct PathConditions: Sendable {
    /// The part that is lost, 0 to 1.
    var loss = 0.0
    /// The part that arrives twice, 0 to 1.
    var duplication = 0.0
    /// The one-way delay; each datagram draws its own, so that a wide range reorders.
    var delay: ClosedRange<Duration> = .milliseconds(5) ... .milliseconds(5)

    static let perfect = PathConditions()
    static let hostile = PathConditions(loss: 0.2, duplication: 0.1, delay: .milliseconds(5) ... .milliseconds(60))
}

/// Datagrams under way, delivered in the order of a virtual clock.
struct SimulatedNetwork {
    struct Datagram {
        let arrives: Instant
        let order: Int
        let bytes: [UInt8]
        let from: SocketAddress
        let to: SocketAddress
    }

    var conditions: PathConditions
    /// Addresses that nothing goes to or comes from any more.
    var unplugged: Set<SocketAddress> = []
    private let random: any RandomSource
    private var underWay: [Datagram] = []
    private var sent = 0

    init(conditions: PathConditions, random: any RandomSource) {
        self.conditions = conditions
        self.random = random
    }

    /// When the next datagram arrives; nil while none is under way.
    var nextArrival: Instant? { underWay.map(\.arrives).min() }

    mutating func send(_ bytes: [UInt8], from: SocketAddress, to: SocketAddress, at now: Instant) {
        guard !unplugged.contains(from), !unplugged.contains(to), !happens(conditions.loss) else { return }
        deliver(bytes, from: from, to: to, at: now)
        if happens(conditions.duplication) { deliver(bytes, from: from, to: to, at: now) }
    }

    /// The datagrams that have arrived at `now`, in order.
    mutating func arrivals(at now: Instant) -> [Datagram] {
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
