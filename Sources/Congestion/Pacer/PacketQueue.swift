public import Wire

/// A packet that waits.
@usableFromInline
struct QueuedPacket<Payload: Sendable>: Sendable {
    @usableFromInline let payload: Payload
    @usableFromInline let size: Int
    @usableFromInline let queued: Instant
    /// Counts the frames of video; 0 for what belongs to none.
    @usableFromInline let frame: UInt64

    @inlinable init(payload: Payload, size: Int, queued: Instant, frame: UInt64) {
        (self.payload, self.size, self.queued, self.frame) = (payload, size, queued, frame)
    }
}

/// Packets that wait, first in first out: a ring that grows to what it ever held at once, and then allocates no more.
@usableFromInline
struct PacketQueue<Payload: Sendable>: Sendable {
    @usableFromInline var ring: [QueuedPacket<Payload>?] = []
    @usableFromInline var head = 0
    @usableFromInline var count = 0
    /// Bytes that wait.
    @usableFromInline var bytes = 0

    @inlinable init() {}

    @inlinable var isEmpty: Bool { count == 0 }

    @inlinable var first: QueuedPacket<Payload>? { count > 0 ? ring[head] : nil }

    @inlinable mutating func append(_ packet: QueuedPacket<Payload>) {
        if count == ring.count { grow() }
        ring[(head + count) & (ring.count - 1)] = packet
        count += 1
        bytes += packet.size
    }

    @discardableResult @inlinable
    mutating func removeFirst() -> QueuedPacket<Payload>? {
        guard let packet = first else { return nil }
        ring[head] = nil
        head = (head + 1) & (ring.count - 1)
        count -= 1
        bytes -= packet.size
        return packet
    }

    /// Removes all from the end up to the last packet of `frame`, or all.
    @inlinable mutating func removeLast(after frame: UInt64?) {
        while count > 0 {
            let last = (head + count - 1) & (ring.count - 1)
            guard let packet = ring[last], packet.frame != frame else { return }
            ring[last] = nil
            count -= 1
            bytes -= packet.size
        }
    }

    @inlinable mutating func grow() {
        var grown: [QueuedPacket<Payload>?] = Array(repeating: nil, count: max(ring.count * 2, 16))
        for index in 0..<count { grown[index] = ring[(head + index) & (ring.count - 1)] }
        (ring, head) = (grown, 0)
    }
}
