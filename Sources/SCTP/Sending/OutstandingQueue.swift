import Wire

/// The data that was sent and is not cumulatively acknowledged: what is in flight, what is lost, and what was given up
/// (RFC 9260 §6.2.1, §7.2.4; RFC 3758 §3.5).
struct OutstandingQueue: Sendable {
    private enum Status: Sendable {
        case inFlight
        /// A gap block covers it; the other side may still take that back.
        case acknowledged
        /// To be sent again.
        case lost
        /// Given up: the other side is to skip it.
        case abandoned
    }

    private struct Chunk: Sendable {
        var data: DataChunk
        let context: SendQueue.MessageContext
        var status = Status.inFlight
        var transmissions = 1
        var sentAt: Instant
        var missIndications = 0
        /// Acknowledgements of this TSN and later ones say that the chunk has been passed by: they were sent after it.
        var overtakenFrom: TSN
    }

    /// What an acknowledgement did.
    struct Acknowledgement: Sendable {
        /// Bytes that left the flight by it.
        var acknowledgedBytes = 0
        /// Whether the cumulative TSN has moved.
        var hasAdvanced = false
        /// The time since a chunk was sent that was sent once only (Karn's rule) and is acknowledged now.
        var roundTripTime: Duration?
        /// Whether a chunk was found lost by it.
        var hasFoundLoss = false
    }

    /// RFC 9260 §7.2.4: "three consecutive miss indications"
    private static let missIndicationLimit = 3

    private var chunks = FIFO<Chunk>()
    /// The TSN of the first in `chunks`, one past the cumulative acknowledgement.
    private var first: TSN
    /// Round trips are measured once in each (RFC 9260 §6.3.1 C4): from a chunk of this TSN or later.
    private var measuredFrom: TSN
    private var lostCount = 0
    private var abandonedCount = 0
    /// Bytes sent and neither acknowledged nor given up nor found lost.
    private(set) var bytesInFlight = 0
    /// Messages given up.
    private(set) var abandonedMessages: UInt64 = 0

    /// Nothing was sent; the first TSN will be `initial`.
    init(initial: TSN) {
        first = initial
        measuredFrom = initial
    }

    /// The last TSN that was acknowledged with all before it.
    var cumulativeTSN: TSN { first - 1 }
    /// The TSN that the next chunk gets.
    var nextTSN: TSN { first + chunks.count }
    var isEmpty: Bool { chunks.isEmpty }
    var hasLost: Bool { lostCount > 0 }

    /// Takes a fragment that is sent now; the chunk with its TSN.
    mutating func send(_ fragment: SendQueue.Fragment, at now: Instant) -> DataChunk {
        var data = fragment.chunk
        data.tsn = nextTSN.rawValue
        chunks.append(Chunk(data: data, context: fragment.context, sentAt: now, overtakenFrom: nextTSN + 1))
        bytesInFlight += data.payload.count
        return data
    }

    /// Takes a fragment that is never sent, so that the other side has a TSN to skip to.
    mutating func skip(_ fragment: SendQueue.Fragment, at now: Instant) {
        var data = fragment.chunk
        data.tsn = nextTSN.rawValue
        data.payload = []
        let end = Chunk(
            data: data, context: fragment.context, status: .abandoned, sentAt: now, overtakenFrom: nextTSN + 1)
        chunks.append(end)
        abandonedCount += 1
    }

    // MARK: Acknowledgement

    /// Takes an acknowledgement; nil when it is older than the last, or of what was never sent.
    mutating func handle(
        _ sack: SelectiveAcknowledgementChunk, isRecovering: Bool, at now: Instant
    ) -> Acknowledgement? {
        let cumulative = TSN(sack.cumulativeTSN, near: first)
        guard cumulative >= cumulativeTSN, cumulative < nextTSN else { return nil }
        let ranges = sack.gaps.map { (cumulative + Int($0.start))...(cumulative + max(Int($0.start), Int($0.end))) }
        guard zip(sack.gaps, ranges).allSatisfy({ $0.start > 0 && $0.end >= $0.start && $1.upperBound < nextTSN })
        else { return nil }
        var outcome = Acknowledgement()
        var highestNew: TSN?
        outcome.hasAdvanced = cumulative > cumulativeTSN
        while first <= cumulative {
            if acknowledge(0, &outcome, at: now) { highestNew = first }
            switch chunks[0].status {
            case .abandoned: abandonedCount -= 1
            default: break
            }
            chunks.removeFirst()
            first = first + 1
        }
        let end = takeGaps(ranges, &outcome, &highestNew, at: now)
        if let highestNew { countMisses(below: highestNew, end, isRecovering && outcome.hasAdvanced, &outcome) }
        return outcome
    }

    /// Notes what the gap blocks cover, and what they cover no more: the other side may drop what it had not delivered
    /// (RFC 9260 §6.2.1 D iii). The distance of the last TSN that is covered.
    private mutating func takeGaps(
        _ ranges: [ClosedRange<TSN>], _ outcome: inout Acknowledgement, _ highestNew: inout TSN?, at now: Instant
    ) -> Int {
        var covered = 0
        for range in ranges {
            // overlapping blocks are gone through once
            for index in covered..<max(covered, range.lowerBound - first) where chunks[index].status == .acknowledged {
                chunks[index].status = .inFlight
                bytesInFlight += chunks[index].data.payload.count
            }
            let start = max(covered, range.lowerBound - first)
            let end = range.upperBound - first
            guard start <= end else { continue }
            for index in start...end where acknowledge(index, &outcome, at: now) {
                highestNew = max(highestNew ?? first, first + index)
            }
            covered = end + 1
        }
        for index in covered..<chunks.count where chunks[index].status == .acknowledged {
            chunks[index].status = .inFlight
            bytesInFlight += chunks[index].data.payload.count
        }
        return covered
    }

    /// Marks a chunk acknowledged; whether it was not before.
    private mutating func acknowledge(_ index: Int, _ outcome: inout Acknowledgement, at now: Instant) -> Bool {
        switch chunks[index].status {
        case .acknowledged, .abandoned: return false
        case .lost: lostCount -= 1
        case .inFlight: bytesInFlight -= chunks[index].data.payload.count
        }
        chunks[index].status = .acknowledged
        outcome.acknowledgedBytes += chunks[index].data.payload.count
        if chunks[index].transmissions == 1, first + index >= measuredFrom {
            outcome.roundTripTime = now - chunks[index].sentAt
            measuredFrom = nextTSN
        }
        return true
    }

    /// RFC 9260 §7.2.4, the Highest TSN Newly Acknowledged algorithm: only what is below it counts as missed, but in
    /// fast recovery everything that is reported missing.
    private mutating func countMisses(
        below highestNew: TSN, _ end: Int, _ countsAll: Bool, _ outcome: inout Acknowledgement
    ) {
        let limit = countsAll ? end : highestNew - first
        for index in 0..<max(0, min(limit, chunks.count)) where chunks[index].status == .inFlight {
            // What was sent again can only be overtaken by what was sent after that.
            guard chunks[index].overtakenFrom <= highestNew else { continue }
            chunks[index].missIndications += 1
            guard chunks[index].missIndications >= Self.missIndicationLimit else { continue }
            lose(index)
            outcome.hasFoundLoss = true
        }
    }

    private mutating func lose(_ index: Int) {
        bytesInFlight -= chunks[index].data.payload.count
        chunks[index].status = .lost
        chunks[index].missIndications = 0
        lostCount += 1
    }

    /// The retransmission timer ran out: all that is in flight counts as lost (RFC 9260 §6.3.3 E3).
    mutating func loseAll() {
        for index in 0..<chunks.count where chunks[index].status == .inFlight { lose(index) }
    }

    // MARK: Retransmission

    /// Takes the first lost chunk of at most `maximum` bytes to send it again.
    mutating func nextLost(maximum: Int, at now: Instant) -> DataChunk? {
        guard lostCount > 0 else { return nil }
        for index in 0..<chunks.count where chunks[index].status == .lost {
            guard chunks[index].data.payload.count <= maximum else { return nil }
            chunks[index].status = .inFlight
            chunks[index].transmissions += 1
            chunks[index].sentAt = now
            chunks[index].overtakenFrom = nextTSN
            lostCount -= 1
            bytesInFlight += chunks[index].data.payload.count
            return chunks[index].data
        }
        return nil
    }

    // MARK: Giving up

    /// Gives up the messages whose time or retransmissions are used up, of those with a lost fragment (RFC 3758 §3.5
    /// A3, RFC 7496 §3). `abandonRest` takes the rest of a message off the send queue: its end, if it had not been sent.
    mutating func abandonLost(
        at now: Instant, abandonRest: (SendQueue.MessageContext, SCTPStreamIdentifier) -> SendQueue.Fragment?
    ) {
        guard lostCount > 0 else { return }
        var index = 0
        while index < chunks.count, lostCount > 0 {
            defer { index += 1 }
            guard chunks[index].status == .lost else { continue }
            let isOver =
                switch chunks[index].context.reliability {
                case .reliable: false
                case .retransmissions(let limit): chunks[index].transmissions > limit
                case .lifetime: chunks[index].context.expiry.map { $0 <= now } ?? false
                }
            guard isOver else { continue }
            let (context, stream) = (chunks[index].context, chunks[index].data.stream)
            abandon(context.number)
            abandonedMessages += 1
            if let end = abandonRest(context, stream) { skip(end, at: now) }
        }
    }

    /// Counts a message that was given up in the send queue; of what had been sent of it, nothing is sent again.
    mutating func abandon(_ context: SendQueue.MessageContext, end: SendQueue.Fragment?, at now: Instant) {
        abandonedMessages += 1
        guard let end else { return }
        abandon(context.number)
        skip(end, at: now)
    }

    private mutating func abandon(_ message: UInt64) {
        for index in 0..<chunks.count where chunks[index].context.number == message {
            switch chunks[index].status {
            case .abandoned: continue
            case .lost: lostCount -= 1
            case .inFlight: bytesInFlight -= chunks[index].data.payload.count
            case .acknowledged: break
            }
            chunks[index].status = .abandoned
            chunks[index].data.payload = []
            abandonedCount += 1
        }
    }

    /// What tells the other side to skip the chunks given up that are next in turn (RFC 3758 §3.5 C1…C3); nil when
    /// there are none. `maximum` bounds the streams it lists.
    func forwardTSN(isInterleaved: Bool, maximum: Int) -> ForwardTSNChunk? {
        guard abandonedCount > 0, !chunks.isEmpty, chunks[0].status == .abandoned else { return nil }
        struct Key: Hashable {
            let stream: SCTPStreamIdentifier
            let isUnordered: Bool
        }
        var highest: [Key: UInt32] = [:]
        var index = 0
        while index < chunks.count, chunks[index].status == .abandoned {
            let data = chunks[index].data
            // RFC 3758 §3.2: unordered messages have no number to skip; of interleaved ones there is one (RFC 8260)
            if isInterleaved || !data.isUnordered {
                let key = Key(stream: data.stream, isUnordered: data.isUnordered)
                guard highest[key] != nil || highest.count < maximum else { break }
                highest[key] = data.messageNumber
            }
            index += 1
        }
        let skipped = highest.map { key, number in
            ForwardTSNChunk.Skipped(stream: key.stream, isUnordered: key.isUnordered, messageNumber: number)
        }
        return ForwardTSNChunk(
            newCumulativeTSN: (first + (index - 1)).rawValue,
            skipped: skipped.sorted { ($0.stream, $0.isUnordered ? 1 : 0) < ($1.stream, $1.isUnordered ? 1 : 0) },
            isInterleaved: isInterleaved)
    }
}
