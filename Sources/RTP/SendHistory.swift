import Wire

/// The last packets of one stream, for retransmission: references to the frames they were cut from, no copies.
struct SendHistory: Sendable {
    /// One packet that was sent.
    struct Entry: Sendable {
        let sequenceNumber: SequenceNumber
        let frame: PacketizedFrame
        let payload: Int
        /// What its header said beyond the frame's facts, where it may have to be repeated as it was; nil where a
        /// retransmission stream repeats its payload.
        let extensions: HeaderExtensionValues?
        let sent: Instant
        var retransmitted: Instant?
    }

    /// A ring, indexed by the sequence number's low bits; it grows no more after `init`.
    private var ring: [Entry?]
    private let maximumAge: Duration
    /// The oldest packet that may still be held; the ring holds nothing before it.
    private var oldest: SequenceNumber
    private(set) var count = 0

    /// A history of at most `capacity` packets (a power of two) that are at most `maximumAge` old.
    init(capacity: Int, maximumAge: Duration) {
        precondition(capacity > 0 && capacity <= 32768 && capacity & (capacity - 1) == 0, "a power of two up to 32768")
        ring = Array(repeating: nil, count: capacity)
        self.maximumAge = maximumAge
        oldest = 0
    }

    /// Packets that are held at most.
    var capacity: Int { ring.count }

    private func slot(_ number: SequenceNumber) -> Int { Int(number.rawValue) & (ring.count - 1) }

    /// Appends the packet after the last one and forgets what is too old or too much.
    mutating func append(_ entry: Entry) {
        if count == 0 { oldest = entry.sequenceNumber }
        while count > 0 {
            let index = slot(oldest)
            guard count == ring.count || ring[index].map({ entry.sent - $0.sent > maximumAge }) == true else { break }
            ring[index] = nil
            oldest = oldest + 1
            count -= 1
        }
        if count == 0 { oldest = entry.sequenceNumber }
        ring[slot(entry.sequenceNumber)] = entry
        count += 1
    }

    /// The packet with this number, while it is held and young enough.
    func entry(_ number: SequenceNumber, at now: Instant) -> Entry? {
        guard let entry = ring[slot(number)], entry.sequenceNumber == number, now - entry.sent <= maximumAge else {
            return nil
        }
        return entry
    }

    /// Forgets every packet.
    mutating func removeAll() {
        for index in ring.indices { ring[index] = nil }
        count = 0
    }

    /// Notes that the packet was sent again.
    mutating func markRetransmitted(_ number: SequenceNumber, at now: Instant) {
        ring[slot(number)]?.retransmitted = now
    }
}
