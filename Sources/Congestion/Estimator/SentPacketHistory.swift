import Wire

/// What became of a packet that bore a transport-wide sequence number.
struct SentPacket: Sendable {
    enum Fate: UInt8, Sendable {
        /// Nothing has been said of it.
        case unknown
        /// A later one arrived and this one had not.
        case lost
        /// It arrived.
        case received
    }

    /// The transport-wide sequence number with its wraps.
    var number: Int64
    /// Bytes on the wire.
    var size: Int
    /// The probe cluster that it belongs to; nil for none.
    var cluster: ProbeCluster.ID?
    var sent: Instant
    /// All bytes sent up to and with this packet.
    var bytesSent: Int64
    var fate = Fate.unknown
}

/// The packets that feedback may still speak of, by transport-wide sequence number.
///
/// A ring that grows until it holds what was sent within `age`, and then no more: steady state allocates nothing.
struct SentPacketHistory: Sendable {
    /// Feedback later than this says nothing of the network as it is.
    private static let age = Duration.seconds(10)
    private static let initialCapacity = 256
    /// A quarter of the numbers, so that a number stands for one packet.
    private static let maximumCapacity = 16384

    private var ring: [SentPacket?] = Array(repeating: nil, count: Self.initialCapacity)
    /// The packet that was sent last; nil before the first.
    private(set) var last: SentPacket?
    /// The bytes sent up to the highest packet that feedback spoke of, or that was given up.
    private var bytesSettled: Int64 = 0

    /// Bytes that were sent and of which nothing is known.
    var bytesInFlight: Int { Int((last?.bytesSent ?? 0) - bytesSettled) }

    /// Packets that are held at most before it grows.
    var capacity: Int { ring.count }

    /// Notes a packet. Numbers rise, by less than half of all from one to the next.
    mutating func append(_ number: UInt16, size: Int, cluster: ProbeCluster.ID?, at now: Instant) {
        precondition(size > 0, "a packet has bytes")
        var unwrapped = Int64(number)
        if let last {
            let step = number &- UInt16(truncatingIfNeeded: last.number)
            precondition(step > 0 && step < 0x8000, "transport-wide sequence numbers rise")
            unwrapped = last.number + Int64(step)
        }
        if let old = ring[slot(unwrapped)], now - old.sent < Self.age, ring.count < Self.maximumCapacity { grow() }
        let packet = SentPacket(
            number: unwrapped, size: size, cluster: cluster, sent: now, bytesSent: (last?.bytesSent ?? 0) + Int64(size))
        ring[slot(unwrapped)] = packet
        last = packet
    }

    /// The number of which `number` is the low half, among those that can have been sent; nil before the first packet.
    func unwrap(_ number: UInt16) -> Int64? {
        guard let last else { return nil }
        return last.number - Int64(UInt16(truncatingIfNeeded: last.number) &- number)
    }

    /// The packet `number`, while it is held.
    func packet(_ number: Int64) -> SentPacket? {
        guard number >= 0, let packet = ring[slot(number)], packet.number == number else { return nil }
        return packet
    }

    /// The numbers among `range` that may be held.
    func held(_ range: Range<Int64>) -> Range<Int64> {
        let end = (last?.number ?? -1) + 1
        return range.clamped(to: max(end - Int64(ring.count), 0)..<max(end, 0))
    }

    /// Notes what became of a packet that is held.
    mutating func settle(_ number: Int64, as fate: SentPacket.Fate) {
        guard let packet = packet(number) else { return }
        ring[slot(number)]?.fate = fate
        bytesSettled = max(bytesSettled, packet.bytesSent)
    }

    /// Counts nothing as in flight that was sent until now.
    mutating func giveUp() {
        bytesSettled = last?.bytesSent ?? 0
    }

    private func slot(_ number: Int64) -> Int { Int(truncatingIfNeeded: number) & (ring.count - 1) }

    private mutating func grow() {
        let old = ring
        ring = Array(repeating: nil, count: old.count * 2)
        for case let packet? in old { ring[slot(packet.number)] = packet }
    }
}
