import Wire

/// Which packets of a stream to ask for again (RFC 4585 §6.2.1): bounded in number, in attempts and in time.
public struct NACKGenerator: Sendable {
    private struct Missing: Sendable {
        let sequence: Int64
        let noticed: Instant
        var asked: Instant?
        var attempts = 0
    }

    /// Packets missing at most; with more, asking for a key frame is cheaper.
    private static let capacity = 256
    private static let maximumAttempts = 10
    private static let maximumAge = Duration.seconds(1)
    /// A packet may only be late: most reordering is over after this.
    private static let patience = Duration.milliseconds(5)
    /// The least time between two requests, so that packets lost one by one share them: at most 200 a second.
    private static let interval = Duration.milliseconds(5)

    private var missing: [Missing] = []
    private var highest: Int64?
    private var lastRequest: Instant?
    /// Whether packets were given up, so that only a key frame helps; stays until `requestKeyFrame()` has asked.
    public private(set) var needsKeyFrame = false
    /// How long an answer takes; no packet is asked for again within it.
    public var roundTripTime = Duration.milliseconds(100)

    /// A generator that misses nothing.
    public init() {}

    /// Takes the unwrapped number of a packet that came.
    public mutating func handle(_ sequence: Int64, at now: Instant) {
        guard let highest else {
            highest = sequence
            return
        }
        if sequence <= highest {
            missing.removeAll { $0.sequence == sequence }
            return
        }
        self.highest = sequence
        if missing.count + Int(sequence - highest - 1) > Self.capacity {
            missing = []
            needsKeyFrame = true
            return
        }
        for number in (highest + 1)..<sequence { missing.append(Missing(sequence: number, noticed: now)) }
    }

    /// When the next packet is to be asked for; nil while none is missing.
    public var deadline: Instant? {
        guard let first = missing.lazy.map(due).min() else { return nil }
        return lastRequest.map { max(first, $0 + Self.interval) } ?? first
    }

    /// The packets to ask for now; empty for none.
    public mutating func requests(at now: Instant) -> [SequenceNumber] {
        if let lastRequest, now < lastRequest + Self.interval { return [] }
        let hopeful = missing.filter {
            now - $0.noticed <= Self.maximumAge && ($0.attempts < Self.maximumAttempts || due($0) > now)
        }
        if hopeful.count < missing.count { needsKeyFrame = true }
        missing = hopeful
        var numbers: [SequenceNumber] = []
        for index in missing.indices where due(missing[index]) <= now {
            missing[index].asked = now
            missing[index].attempts += 1
            numbers.append(SequenceNumber(truncating: missing[index].sequence))
        }
        if !numbers.isEmpty { lastRequest = now }
        return numbers
    }

    /// Whether a key frame is to be asked for now, instead of packets that were given up.
    public mutating func requestKeyFrame() -> Bool {
        defer { needsKeyFrame = false }
        return needsKeyFrame
    }

    /// Forgets all: the stream began anew.
    public mutating func restart() {
        missing = []
        highest = nil
    }

    private func due(_ packet: Missing) -> Instant {
        packet.asked.map { $0 + roundTripTime } ?? packet.noticed + Self.patience
    }
}
