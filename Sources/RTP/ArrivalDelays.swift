/// How late the last packets came, compared with the fastest of them: the distribution that a jitter buffer's delay
/// must cover. All in samples.
///
/// A packet's relative delay is its arrival less its timestamp; only differences between packets mean something. The
/// least of the window is the path at its quickest, so a drift between the sender's clock and ours moves it along.
///
/// A stall of the network delays many packets at once, each less than the one before, until the queue is empty. That is
/// one event, and only its first packet counts for the distribution: no buffer covers a stall of seconds, and its
/// hundred packets must not have the talker wait for the next eight.
struct ArrivalDelays: Sendable {
    /// 8 s of packets of 20 ms: enough for a quantile of 2 %, short enough to follow a clock that drifts.
    private static let capacity = 400
    /// How many packets pass between two sorts of the window.
    private static let interval = 10
    /// Below this many packets the window says too little.
    private static let minimumCount = 25

    private var ring: [(delay: Int64, isDraining: Bool)] = []
    private var next = 0
    private var sinceSort = 0
    private var last: Int64?
    /// The least relative delay of the window.
    private(set) var base: Int64 = 0
    private var late: Int64 = 0

    /// What 98 % of the packets stay below, over `base`; nil while too few are known.
    var lateness: Int64? { ring.count >= Self.minimumCount ? late : nil }

    /// Whether no packet is known.
    var isEmpty: Bool { ring.isEmpty }

    /// Takes the relative delay of one more packet of `duration`.
    mutating func insert(_ delay: Int64, duration: Int64) {
        base = ring.isEmpty ? delay : min(base, delay)
        let entry = (delay, isDraining: last.map { $0 - delay >= duration / 2 } ?? false)
        last = delay
        if ring.count < Self.capacity {
            ring.append(entry)
        } else {
            ring[next] = entry
            next = (next + 1) % Self.capacity
        }
        sinceSort += 1
        // A packet later than all that was planned for counts at once.
        guard sinceSort >= Self.interval || delay - base > late else { return }
        sinceSort = 0
        base = ring.reduce(delay) { min($0, $1.delay) }
        let sorted = ring.compactMap { $0.isDraining ? nil : $0.delay }.sorted()
        late = sorted.isEmpty ? 0 : sorted[sorted.count * 98 / 100] - base
    }
}
