import Wire

/// How many bytes may be in flight (RFC 9260 §7.2).
struct CongestionWindow: Sendable {
    /// cwnd
    private(set) var size: Int
    /// ssthresh
    private(set) var slowStartThreshold: Int
    /// Fast recovery lasts until this TSN is acknowledged; nil outside of it.
    private(set) var recoveryEnd: TSN?
    private var partialBytesAcknowledged = 0
    private var lastSent: Instant?
    private let segment: Int

    /// RFC 9260 §6.1 D: Max.Burst
    private static let maximumBurst = 4

    /// A window for packets of at most `segment` bytes to a side that announced `receiverWindow`.
    init(segment: Int, receiverWindow: Int) {
        self.segment = segment
        // §7.2.1: "The initial cwnd before data transmission … MUST be set to min(4·PMDCS, max(2·PMDCS, 4404))"
        size = min(4 * segment, max(2 * segment, 4404))
        slowStartThreshold = max(receiverWindow, 4 * segment)
    }

    var isRecovering: Bool { recoveryEnd != nil }

    /// How many bytes may be in flight after a burst that begins with `inFlight`.
    func limit(inFlight: Int) -> Int {
        min(size, inFlight + Self.maximumBurst * segment)
    }

    /// An acknowledgement came. `flight` is what was in flight before it.
    mutating func acknowledged(_ outcome: OutstandingQueue.Acknowledgement, cumulative: TSN, flight: Int) {
        if let end = recoveryEnd, cumulative >= end { recoveryEnd = nil }
        guard outcome.hasAdvanced, !isRecovering else { return }
        if size <= slowStartThreshold {
            // §7.2.1: only while the window is in full use
            if flight + segment > size { size += min(outcome.acknowledgedBytes, segment) }
        } else {
            // §7.2.2
            partialBytesAcknowledged += outcome.acknowledgedBytes
            if partialBytesAcknowledged >= size, flight + segment > size {
                partialBytesAcknowledged -= size
                size += segment
            }
        }
    }

    /// Misses were found (§7.2.3, §7.2.4); recovery lasts until `lastSent` is acknowledged.
    mutating func lossFound(lastSent: TSN) {
        guard !isRecovering else { return }
        slowStartThreshold = max(size / 2, 4 * segment)
        size = slowStartThreshold
        partialBytesAcknowledged = 0
        recoveryEnd = lastSent
    }

    /// The retransmission timer ran out (§7.2.3).
    mutating func timedOut() {
        slowStartThreshold = max(size / 2, 4 * segment)
        size = segment
        partialBytesAcknowledged = 0
        recoveryEnd = nil
    }

    /// All that was sent is acknowledged (§7.2.2: partial_bytes_acked begins anew).
    mutating func drained() {
        partialBytesAcknowledged = 0
    }

    /// Data is about to be sent after nothing was in flight: what an idle association knew of the path ages (§7.2.1:
    /// "once per RTO").
    mutating func resumed(after timeout: Duration, at now: Instant) {
        if let lastSent {
            var idle = now - lastSent
            while idle >= timeout, size > 4 * segment {
                size = max(size / 2, 4 * segment)
                idle -= timeout
            }
        }
    }

    mutating func sent(at now: Instant) {
        lastSent = now
    }
}
