/// Which of the bytes that wait on a stream are none of the application's: messages of the establishment protocol, and
/// the byte that stands for an empty message. What is sent is sent in the order in which it was queued.
struct SendOverhead {
    private struct Run {
        /// Where it ends, counted from the stream's first byte.
        let end: Int
        let count: Int
    }

    private var runs: [Run] = []
    /// How many of `runs` were sent.
    private var gone = 0
    /// Bytes of the others.
    private var count = 0
    /// Bytes that were ever queued, overhead or not.
    private var total = 0

    /// So many bytes were queued.
    mutating func queued(_ bytes: Int, isOverhead: Bool) {
        total += bytes
        guard isOverhead else { return }
        runs.append(Run(end: total, count: bytes))
        count += bytes
    }

    /// How many of the last `waiting` bytes are overhead.
    mutating func waiting(of waiting: Int) -> Int {
        let sent = total - waiting
        while gone < runs.count, runs[gone].end <= sent {
            count -= runs[gone].count
            gone += 1
        }
        if gone == runs.count || gone > 32 && gone * 2 > runs.count {
            runs.removeFirst(gone)
            gone = 0
        }
        guard gone < runs.count else { return 0 }
        return count - max(0, sent - (runs[gone].end - runs[gone].count))
    }
}
