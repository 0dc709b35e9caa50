/// Which TSNs have come (RFC 9260 §6.2), as an acknowledgement tells them.
struct ReceivedTSNs: Sendable {
    /// What a TSN is.
    enum Novelty: Hashable, Sendable {
        case new
        case duplicate
        /// Further ahead than an acknowledgement can say, or one gap too many.
        case tooFar
    }

    /// As many gap blocks as are kept, and a SACK of as many fits a packet.
    private static let maximumGaps = 200
    private static let maximumDuplicates = 16

    /// Every TSN up to this one has come.
    private(set) var cumulative: TSN
    /// What has come beyond it: in order, not touching.
    private(set) var ranges: [ClosedRange<TSN>] = []
    private(set) var duplicates: [UInt32] = []

    init(initial: TSN) {
        cumulative = initial - 1
    }

    var hasGaps: Bool { !ranges.isEmpty }

    func novelty(of tsn: TSN) -> Novelty {
        if tsn <= cumulative { return .duplicate }
        guard tsn - cumulative <= Int(UInt16.max) else { return .tooFar }
        let index = self.index(after: tsn)
        if index > 0, ranges[index - 1].upperBound >= tsn { return .duplicate }
        guard tsn == cumulative + 1 || ranges.count < Self.maximumGaps else {
            let touchesBefore = index > 0 && ranges[index - 1].upperBound + 1 == tsn
            let touchesAfter = index < ranges.count && tsn + 1 == ranges[index].lowerBound
            return touchesBefore || touchesAfter ? .new : .tooFar
        }
        return .new
    }

    /// Notes a TSN that came again, for the next acknowledgement.
    mutating func noteDuplicate(_ tsn: TSN) {
        if duplicates.count < Self.maximumDuplicates { duplicates.append(tsn.rawValue) }
    }

    /// Notes a new TSN.
    mutating func insert(_ tsn: TSN) {
        if tsn == cumulative + 1 {
            cumulative = tsn
            absorb()
            return
        }
        let index = self.index(after: tsn)
        var range = tsn...tsn
        var replaced = index..<index
        if index > 0, ranges[index - 1].upperBound + 1 == tsn {
            range = ranges[index - 1].lowerBound...range.upperBound
            replaced = (index - 1)..<index
        }
        if index < ranges.count, ranges[index].lowerBound == tsn + 1 {
            range = range.lowerBound...ranges[index].upperBound
            replaced = replaced.lowerBound..<(index + 1)
        }
        ranges.replaceSubrange(replaced, with: CollectionOfOne(range))
    }

    /// The other side has given up everything up to `tsn` (RFC 3758 §3.6).
    mutating func skip(to tsn: TSN) {
        guard tsn > cumulative else { return }
        cumulative = tsn
        absorb()
    }

    private mutating func absorb() {
        var absorbed = 0
        while absorbed < ranges.count, ranges[absorbed].lowerBound <= cumulative + 1 {
            cumulative = max(cumulative, ranges[absorbed].upperBound)
            absorbed += 1
        }
        ranges.removeFirst(absorbed)
    }

    /// The index of the first range that begins after `tsn`.
    private func index(after tsn: TSN) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].lowerBound > tsn { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The acknowledgement to send now; duplicates are told once.
    mutating func acknowledgement(receiverWindow: Int) -> SelectiveAcknowledgementChunk {
        defer { duplicates = [] }
        let gaps = ranges.map { range in
            SelectiveAcknowledgementChunk.GapBlock(
                start: UInt16(clamping: range.lowerBound - cumulative),
                end: UInt16(clamping: range.upperBound - cumulative))
        }
        return SelectiveAcknowledgementChunk(
            cumulativeTSN: cumulative.rawValue, receiverWindow: UInt32(clamping: max(0, receiverWindow)), gaps: gaps,
            duplicates: duplicates)
    }
}
