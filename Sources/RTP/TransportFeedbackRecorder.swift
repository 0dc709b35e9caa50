import Wire

/// Notes when the packets of a transport arrive and makes the feedback about them
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
public struct TransportFeedbackRecorder: Sendable {
    /// Packets that one message reports on at most: a message then stays below 1200 bytes however they are spaced (2
    /// bytes of delta and 2/7 of a chunk each).
    private static let maximumStatuses: Int64 = 450
    /// Packets remembered between two messages.
    private static let capacity = 2048

    private var sequences = Unwrapper<UInt16>()
    private var arrivals: [(sequence: Int64, ticks: Int64)] = []
    /// The first number that no message has reported on; nil before the first packet.
    private var next: Int64?
    private var feedbackPacketCount: UInt8 = 0

    /// A recorder that has seen nothing.
    public init() {}

    /// Whether there is something to report.
    public var isEmpty: Bool { arrivals.isEmpty }

    /// Takes the transport-wide number of a packet that came. One already reported as lost, or noted twice, is ignored.
    public mutating func handle(_ number: UInt16, at now: Instant) {
        let last = sequences.last ?? Int64(number)
        let sequence = sequences.peek(number)
        if sequence >= last { _ = sequences.unwrap(number) }
        guard sequence >= next ?? sequence, arrivals.count < Self.capacity else { return }
        if next == nil { next = sequence }
        let index = arrivals.lastIndex { $0.sequence <= sequence }.map { $0 + 1 } ?? 0
        if index > 0, arrivals[index - 1].sequence == sequence { return }
        let ticks = now.nanoseconds.flooredQuotientAndRemainder(TransportFeedback.tick.nanoseconds).quotient
        arrivals.insert((sequence, ticks), at: index)
    }

    /// The next message about what came since the last; nil when nothing did. Call again until nil.
    public mutating func feedback(sender: SSRC, media: SSRC) -> TransportFeedback? {
        guard let first = arrivals.first, let begin = next else { return nil }
        // A great loss before the first arrival is reported with no more statuses than a message may have.
        let base = max(begin, first.sequence - Self.maximumStatuses / 2)
        var count = 0
        var before = first.ticks
        for arrival in arrivals {
            guard arrival.sequence - base < Self.maximumStatuses,
                Int16(exactly: arrival.ticks - before) != nil || count == 0
            else { break }
            before = arrival.ticks
            count += 1
        }
        let reported = arrivals.prefix(count)
        let end = (reported.last?.sequence ?? base) + 1
        arrivals.removeFirst(count)
        next = end
        defer { feedbackPacketCount &+= 1 }
        return TransportFeedback(
            sender: sender, media: media, baseSequenceNumber: SequenceNumber(truncating: base),
            statusCount: UInt16(end - base), feedbackPacketCount: feedbackPacketCount,
            arrivals: reported.map {
                TransportFeedback.Arrival(
                    sequenceNumber: SequenceNumber(truncating: $0.sequence), ticks: UInt32(truncatingIfNeeded: $0.ticks)
                )
            })
    }
}
