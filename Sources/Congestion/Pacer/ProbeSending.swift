public import Wire

/// A probe cluster on its way out: when its next packet is due so that it leaves at its rate.
@usableFromInline
struct ProbeSending: Sendable {
    /// A timer is not exact to less than this, so so much may leave together.
    private static let burst = Duration.milliseconds(2)
    /// Later than this it would show another rate than its own.
    private static let patience = Duration.milliseconds(20)

    @usableFromInline let cluster: ProbeCluster
    private var started: Instant?
    private var packets = 0
    private var bytes = 0
    /// When the packets that leave together began to.
    private var burstStarted: Instant?

    @usableFromInline init(_ cluster: ProbeCluster) {
        self.cluster = cluster
    }

    @usableFromInline var hasStarted: Bool { started != nil }

    @usableFromInline var isComplete: Bool { packets >= cluster.minimumPackets && bytes >= cluster.minimumBytes }

    /// When the next packet is due; nil for at once.
    @usableFromInline var due: Instant? {
        started.map { $0 + .nanoseconds(Int64(Double(bytes) * 8e9 / cluster.bitrate) + 1) }
    }

    /// Whether a packet may leave.
    @usableFromInline mutating func mayDepart(at now: Instant) -> Bool {
        guard let due, due > now else {
            burstStarted = now
            return true
        }
        return burstStarted == now && due - now < Self.burst
    }

    /// Whether it waited for packets until it cannot show its rate any more.
    @usableFromInline func isLate(at now: Instant) -> Bool {
        due.map { now - $0 > Self.patience } ?? false
    }

    @usableFromInline mutating func departed(_ size: Int, at now: Instant) {
        started = started ?? now
        packets += 1
        bytes += size
    }
}
