/// Fragments in order of their numbers, gathered to messages. Fragments of one message have consecutive numbers: TSNs
/// of DATA, fragment numbers of I-DATA.
struct FragmentRuns: Sendable {
    /// Consecutive fragments of one message.
    private struct Run: Sendable {
        var first: Int64
        var fragments: [DataChunk]
        var bytes: Int

        var end: Int64 { first + Int64(fragments.count) }
        var hasBeginning: Bool { fragments[0].isBeginning }
        var hasEnding: Bool { fragments[fragments.count - 1].isEnding }

        func isContinued(by other: DataChunk) -> Bool {
            let own = fragments[0]
            return own.stream == other.stream && own.isUnordered == other.isUnordered
                && own.messageNumber == other.messageNumber
        }
    }

    private var runs: [Run] = []

    var isEmpty: Bool { runs.isEmpty }

    /// Adds a fragment that was not added before; the message's fragments when that completes it.
    mutating func insert(
        _ chunk: DataChunk, at number: Int64, maximumBytes: Int
    ) throws(SCTPError) -> [DataChunk]? {
        let index = self.index(after: number)
        var position = index
        var run = Run(first: number, fragments: [chunk], bytes: chunk.payload.count)
        if index > 0 {
            let before = runs[index - 1]
            guard before.end <= number else { throw .protocolViolation("a fragment that is there already") }
            if before.end == number, !before.hasEnding, !chunk.isBeginning {
                guard before.isContinued(by: chunk) else { throw .protocolViolation("fragments of two messages") }
                position = index - 1
                // taken out, so that appending does not copy
                run = runs[position]
                runs[position].fragments = [chunk]
                run.fragments.append(chunk)
                run.bytes += chunk.payload.count
            }
        }
        let isNew = position == index
        if index < runs.count, runs[index].first == run.end, !run.hasEnding, !runs[index].hasBeginning {
            guard runs[index].isContinued(by: chunk) else { throw .protocolViolation("fragments of two messages") }
            run.fragments += runs[index].fragments
            run.bytes += runs[index].bytes
            runs.remove(at: index)
        }
        guard run.bytes <= maximumBytes else { throw .outOfResource }
        if run.hasBeginning, run.hasEnding {
            if !isNew { runs.remove(at: position) }
            return run.fragments
        }
        if isNew { runs.insert(run, at: position) } else { runs[position] = run }
        return nil
    }

    /// Drops the messages that have a fragment up to `number`; the bytes dropped, `overhead` counted for each fragment.
    mutating func drop(through number: Int64, overhead: Int) -> Int {
        let count = runs.firstIndex { $0.first > number } ?? runs.count
        let bytes = runs[..<count].reduce(0) { $0 + $1.bytes + $1.fragments.count * overhead }
        runs.removeFirst(count)
        return bytes
    }

    private func index(after number: Int64) -> Int {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].first > number { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
