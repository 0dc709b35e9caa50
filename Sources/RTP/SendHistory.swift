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
        let retransmitted: Instant?
    }

    /// What of an entry refers to nothing, so that it is overwritten without a thought.
    private struct Record {
        var sequenceNumber: SequenceNumber
        var payload: Int32
        var sent: Instant
        var retransmitted: Instant?
    }

    // Rings, indexed by the sequence number's low bits; they grow no more after `init`, but for the extensions, which are
    // there from the first packet on that has any.
    private var records: [Record]
    private var frames: [PacketizedFrame?]
    private var extensions: [HeaderExtensionValues?] = []
    private let maximumAge: Duration
    /// The oldest packet that may still be held; the rings hold nothing before it.
    private var oldest: SequenceNumber
    private(set) var count = 0

    /// A history of at most `capacity` packets (a power of two) that are at most `maximumAge` old.
    init(capacity: Int, maximumAge: Duration) {
        precondition(capacity > 0 && capacity <= 32768 && capacity & (capacity - 1) == 0, "a power of two up to 32768")
        records = Array(
            repeating: Record(sequenceNumber: 0, payload: 0, sent: .zero, retransmitted: nil), count: capacity)
        frames = Array(repeating: nil, count: capacity)
        self.maximumAge = maximumAge
        oldest = 0
    }

    /// Packets that are held at most.
    var capacity: Int { frames.count }

    private func slot(_ number: SequenceNumber) -> Int { Int(number.rawValue) & (frames.count - 1) }

    /// Appends the packet after the last one and forgets what is too old or too much. `itsExtensions` are those of
    /// `Entry.extensions`.
    mutating func append(
        _ number: SequenceNumber, _ frame: PacketizedFrame, payload: Int, _ itsExtensions: HeaderExtensionValues?,
        at now: Instant
    ) {
        while count > 0 {
            let index = slot(oldest)
            guard count == capacity || now - records[index].sent > maximumAge else { break }
            forget(index)
            oldest = oldest + 1
            count -= 1
        }
        if count == 0 { oldest = number }
        let index = slot(number)
        records[index] = Record(sequenceNumber: number, payload: Int32(payload), sent: now, retransmitted: nil)
        frames[index] = frame
        if let itsExtensions {
            if extensions.isEmpty { extensions = Array(repeating: nil, count: capacity) }
            extensions[index] = itsExtensions
        }
        count += 1
    }

    /// The packet with this number, while it is held and young enough.
    func entry(_ number: SequenceNumber, at now: Instant) -> Entry? {
        let index = slot(number)
        let record = records[index]
        guard let frame = frames[index], record.sequenceNumber == number, now - record.sent <= maximumAge else {
            return nil
        }
        return Entry(
            sequenceNumber: number, frame: frame, payload: Int(record.payload),
            extensions: extensions.isEmpty ? nil : extensions[index], retransmitted: record.retransmitted)
    }

    /// Forgets every packet.
    mutating func removeAll() {
        for index in frames.indices { forget(index) }
        count = 0
    }

    private mutating func forget(_ index: Int) {
        frames[index] = nil
        if !extensions.isEmpty { extensions[index] = nil }
    }

    /// Notes that the packet was sent again.
    mutating func markRetransmitted(_ number: SequenceNumber, at now: Instant) {
        let index = slot(number)
        if records[index].sequenceNumber == number { records[index].retransmitted = now }
    }
}
