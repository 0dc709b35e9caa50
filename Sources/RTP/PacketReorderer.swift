import Wire

/// Hands packets of one video stream out in order: waits for a missing one a bounded time, in which a retransmission
/// may come, then goes on without it.
public struct PacketReorderer: Sendable {
    /// Packets that wait, at most.
    public let capacity: Int
    /// How long the packet after a gap waits for it to close.
    public var patience: Duration

    private var waiting: [(sequence: Int64, packet: RTPPacket, arrived: Instant)] = []
    private var next: Int64?

    /// An empty queue. Patience should exceed the round trip, for a retransmission to be in time.
    public init(capacity: Int = 512, patience: Duration = .milliseconds(200)) {
        precondition(capacity > 0, "a queue holds something")
        self.capacity = capacity
        self.patience = patience
    }

    /// When `nextPacket` will give up on a gap; nil while nothing waits.
    public var deadline: Instant? { waiting.first.map { $0.arrived + patience } }

    /// Takes a packet with its unwrapped sequence number. One that comes twice or after its turn is dropped: false.
    @discardableResult
    public mutating func handle(_ packet: RTPPacket, sequence: Int64, at now: Instant) -> Bool {
        if let next, sequence < next { return false }
        if next == nil { next = sequence }
        let index = waiting.lastIndex { $0.sequence <= sequence }.map { $0 + 1 } ?? 0
        if index > 0, waiting[index - 1].sequence == sequence { return false }
        waiting.insert((sequence, packet, now), at: index)
        return true
    }

    /// The next packet in order; nil while there is none or its turn has not come. Drain after every `handle` and at
    /// the deadline.
    public mutating func nextPacket(at now: Instant) -> (sequence: Int64, packet: RTPPacket, arrived: Instant)? {
        guard let first = waiting.first else { return nil }
        guard first.sequence == next || waiting.count > capacity || now >= first.arrived + patience else { return nil }
        waiting.removeFirst()
        next = first.sequence + 1
        return first
    }

    /// Forgets all: the stream began anew.
    public mutating func restart() {
        waiting = []
        next = nil
    }
}
