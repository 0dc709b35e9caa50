/// How late the last packets came, compared with the fastest of them: the distribution that a jitter buffer's delay must
/// cover. All in samples.
///
/// A packet's relative delay is its arrival less its timestamp; only differences between packets mean something. The
/// least of the window is the path at its quickest, so a drift between the sender's clock and ours moves it along.
struct ArrivalDelays: Sendable {
    /// 8 s of packets of 20 ms: enough for a quantile of 2 %, short enough to follow a clock that drifts.
    private static let capacity = 400
    /// How many packets pass between two sorts of the window.
    private static let interval = 10
    /// Below this many packets the window says too little.
    private static let minimumCount = 25

    private var ring: [Int64] = []
    private var next = 0
    private var sinceSort = 0
    /// The least relative delay of the window.
    private(set) var base: Int64 = 0
    private var late: Int64 = 0

    /// What 98 % of the packets stay below, over `base`; nil while too few are known.
    var lateness: Int64? { ring.count >= Self.minimumCount ? late : nil }

    /// Whether no packet is known.
    var isEmpty: Bool { ring.isEmpty }

    /// Takes the relative delay of one more packet.
    mutating func insert(_ delay: Int64) {
        base = ring.isEmpty ? delay : min(base, delay)
        if ring.count < Self.capacity {
            ring.append(delay)
        } else {
            ring[next] = delay
            next = (next + 1) % Self.capacity
        }
        sinceSort += 1
        // A packet later than all that was planned for counts at once.
        guard sinceSort >= Self.interval || delay - base > late else { return }
        sinceSort = 0
        let sorted = ring.sorted()
        base = sorted[0]
        late = sorted[(sorted.count * 98 / 100)] - base
    }
}
