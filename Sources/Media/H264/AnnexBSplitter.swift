/// Cuts a byte stream (H.264 annex B) into its NAL units at the start codes, whatever pieces it comes in.
struct AnnexBSplitter: Sendable {
    /// More than the largest picture of the highest level that a board could send takes.
    static let largestUnit = 8 << 20

    private var buffer: [UInt8] = []
    /// Where the unit begins that has no end yet; nil before the first start code.
    private var unit: Int?
    /// Up to where no start code begins.
    private var scanned = 0
    /// Where the stream begins.
    private var beginning = 0

    /// Takes the next bytes.
    mutating func append(_ bytes: some Collection<UInt8>) {
        let consumed = unit ?? scanned
        if consumed > 0 {
            // what led up to the first start code was looked at
            buffer.removeSubrange(..<consumed)
            scanned -= consumed
            beginning = 0
            unit = unit.map { $0 - consumed }
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next unit that ends at a start code, without it and the zeros before it; nil where none does yet.
    mutating func nextUnit() throws(H264StreamError) -> ArraySlice<UInt8>? {
        while let code = nextStartCode() {
            defer {
                unit = code + 3
                scanned = code + 3
            }
            guard let start = unit else {
                // leading_zero_8bits
                guard buffer[beginning..<code].allSatisfy({ $0 == 0 }) else { throw .notAnnexB }
                continue
            }
            let found = trimmed(start..<code)
            if !found.isEmpty { return buffer[found] }
        }
        if let unit {
            guard buffer.count - unit <= Self.largestUnit else { throw .tooLarge(Self.largestUnit) }
        } else {
            guard buffer[beginning..<scanned].allSatisfy({ $0 == 0 }) else { throw .notAnnexB }
        }
        return nil
    }

    /// The unit that ends with the stream; to be asked for when `nextUnit` gives none. Then a new stream may begin.
    mutating func finish() -> ArraySlice<UInt8>? {
        defer {
            unit = nil
            scanned = buffer.count
            beginning = buffer.count
        }
        guard let unit else { return nil }
        let found = trimmed(unit..<buffer.count)
        return found.isEmpty ? nil : buffer[found]
    }

    /// Forgets everything.
    mutating func restart() {
        self = AnnexBSplitter()
    }

    /// Where the next 00 00 01 begins.
    private mutating func nextStartCode() -> Int? {
        var index = scanned
        let last = buffer.count - 3
        while index <= last {
            switch buffer[index + 2] {
            case 0: index += 1
            case 1:
                if buffer[index] == 0, buffer[index + 1] == 0 { return index }
                index += 3
            default: index += 3
            }
        }
        // a step of three may lead past what has not come yet, but never past a zero at the end
        scanned = min(index, buffer.count)
        return nil
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound, buffer[end - 1] == 0 { end -= 1 }
        return range.lowerBound..<end
    }
}
