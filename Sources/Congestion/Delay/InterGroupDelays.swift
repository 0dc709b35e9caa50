import Wire

/// The difference between two groups of packets (draft-ietf-rmcat-gcc-02 §5.2).
struct GroupDelta: Hashable, Sendable {
    /// T(i) − T(i−1), between the departures of the groups' last packets.
    let departure: Duration
    /// t(i) − t(i−1), between the arrivals of the groups' last packets.
    let arrival: Duration
    /// When the later group was complete, on the receiver's clock.
    let arrived: Duration
}

/// Gathers packets that left together into groups and measures from group to group (draft §5.2, §5.4): within a burst
/// the delay says something of the pacer and of Wi-Fi's aggregation, not of the queue.
struct InterGroupDelays: Sendable {
    private struct Group: Sendable {
        let firstSent: Instant
        var lastSent: Instant
        let firstArrived: Duration
        var lastArrived: Duration
    }

    /// draft §5.2: "burst_time of 5 ms"
    private static let burstTime = Duration.milliseconds(5)
    /// A burst that arrives in one piece ends at this length.
    private static let maximumBurst = Duration.milliseconds(100)
    /// So many groups in a row that arrived before their predecessors tell of another path.
    private static let maximumReordered = 3

    private var previous: Group?
    private var current: Group?
    private var reordered = 0

    /// Takes the next packet by arrival. Returns a measurement when it begins a group and two groups are complete.
    mutating func handle(sent: Instant, arrived: Duration) -> GroupDelta? {
        guard var group = current else {
            current = Group(firstSent: sent, lastSent: sent, firstArrived: arrived, lastArrived: arrived)
            return nil
        }
        // one that was overtaken belongs to a group that is measured already
        guard sent >= group.firstSent else { return nil }
        if sent - group.firstSent <= Self.burstTime || isBurst(group, sent, arrived) {
            group.lastSent = max(group.lastSent, sent)
            group.lastArrived = max(group.lastArrived, arrived)
            current = group
            return nil
        }
        defer { current = Group(firstSent: sent, lastSent: sent, firstArrived: arrived, lastArrived: arrived) }
        guard let before = previous else {
            previous = group
            return nil
        }
        let arrival = group.lastArrived - before.lastArrived
        previous = group
        guard arrival >= .zero else {
            reordered += 1
            if reordered >= Self.maximumReordered { self = InterGroupDelays() }
            return nil
        }
        reordered = 0
        return GroupDelta(departure: group.lastSent - before.lastSent, arrival: arrival, arrived: group.lastArrived)
    }

    /// draft §5.2: "A Packet which has an inter-arrival time less than burst_time and an inter-group delay variation
    /// d(i) less than 0 is considered being part of the current group of packets."
    private func isBurst(_ group: Group, _ sent: Instant, _ arrived: Duration) -> Bool {
        let arrival = arrived - group.lastArrived
        let departure = sent - group.lastSent
        return arrival < departure && arrival <= Self.burstTime && arrived - group.firstArrived < Self.maximumBurst
    }
}
