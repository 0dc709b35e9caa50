public import Wire

/// Decides what is encoded for viewers whose networks bear different rates: one encode while they bear about the same, and
/// a second, lower one while somebody bears much less than the best.
///
/// ```
///   2500 ─┬─ the best viewer ──────────┐
///         │                            ├─ main: the least of these
///   2000 ─┴─ 0.8 of it ────────────────┘
///    600     another ──────────────────┐
///    300     the poorest ──────────────┴─ low: the least of these
/// ```
///
/// A viewer leaves the main encode as soon as he bears less than 0.8 of what the best does, so nobody loses more than a
/// fifth to another's network; he comes back when he has borne the main encode's rate for some time, longer each time
/// that it did not last. Whoever is alone has the one encode, which follows him.
public struct EncodingLadder<Viewer: Hashable & Sendable>: Sendable {
    /// The least that an encode is made with: below, there is nothing to be seen.
    public static var minimumBitrate: Int { 50_000 }

    /// The low encode's highest rate, as a part of the main one's: near enough to it for an estimate, which cannot rise far
    /// above what is sent, to show that the main one's can be borne.
    private static var lowShare: Double { 0.8 }
    /// How much a rate may rise in a second, as a part of it.
    private static var growth: Double { 0.6 }

    /// What an encoder is not told for less: a rate that has risen so many times.
    private static var leastGrowth: Double { 1.03 }

    private struct Encode {
        var bitrate: Int
        var format: FormatControl
    }

    private let maximumBitrate: Int
    private var members: [Viewer: LadderMember] = [:]
    private var main: Encode?
    private var low: Encode?
    private var updated: Instant?

    /// A ladder whose encodes have at most `maximumBitrate` bits a second.
    public init(maximumBitrate: Int) {
        precondition(maximumBitrate > 0, "an encode takes some bits")
        self.maximumBitrate = maximumBitrate
    }

    /// The plan at `now`, to be asked for a few times a second. `viewers` are all who watch, each with the bits a second
    /// that his network bears for pictures, nil while that is unknown; `limit` is what the board can do.
    public mutating func update(
        _ viewers: [Viewer: Int?], source: PictureSource, limit: EncoderLimit = EncoderLimit(), at now: Instant
    ) -> EncodingPlan<Viewer> {
        let elapsed = updated.map { min(now - $0, .seconds(1)) } ?? .zero
        updated = now
        if members.keys.contains(where: { viewers[$0] == nil }) { members = members.filter { viewers[$0.key] != nil } }
        for (viewer, available) in viewers {
            members[viewer, default: LadderMember(at: now)]
                .take(available, within: floor...maximumBitrate, at: now)
        }
        guard !members.isEmpty else {
            (main, low) = (nil, nil)
            return EncodingPlan()
        }
        place(at: now)

        let formats = LadderFormats(of: source, maximumBitrate: maximumBitrate)
        // who is about to leave does not pull the others along
        let mainRate = max(capacity(of: .main), Int(LadderMember.leaves * Double(best)))
        main = follow(
            main, of: .main, rate: mainRate, formats, ceiling: formats.ceiling(of: limit), after: elapsed, at: now)
        if let main, members.values.contains(where: { $0.encoding == .low }) {
            let rate = min(capacity(of: .low), Int(Self.lowShare * Double(main.bitrate)))
            low = follow(
                low, of: .low, rate: max(rate, floor), formats,
                ceiling: min(main.format.index + 1, formats.needs.count - 1), after: elapsed, at: now)
        } else {
            low = nil
        }
        return plan(formats, limit)
    }

    private var floor: Int { min(Self.minimumBitrate, maximumBitrate) }

    /// The most that anybody bears, and the least that anybody on `encoding` does; of those whose network is known, where
    /// there are any.
    private var best: Int { known(members.values.map(\.self)).map(\.capacity).max() ?? maximumBitrate }
    private func capacity(of encoding: Encoding) -> Int {
        known(members.values.filter { $0.encoding == encoding }).map(\.capacity).min() ?? floor
    }

    private func known(_ members: [LadderMember]) -> [LadderMember] {
        members.contains(where: \.isSettled) ? members.filter(\.isSettled) : members
    }

    private mutating func place(at now: Instant) {
        let (best, bitrate) = (best, main?.bitrate)
        // in their places: a loop over the members would copy them all before the first change
        var index = members.startIndex
        while index != members.endIndex {
            switch members.values[index].encoding {
            case .main: members.values[index].considerLeaving(best: best, at: now)
            case .low: if let bitrate { members.values[index].considerReturning(to: bitrate, at: now) }
            }
            members.formIndex(after: &index)
        }
        guard members.values.allSatisfy({ $0.encoding == .low }) else { return }
        // they were left alone: the low encode's rate and format become the main one's
        if low != nil { (main, low) = (low, nil) }
        for (viewer, member) in members where Double(member.capacity) >= LadderMember.leaves * Double(best) {
            members[viewer]?.moveToMain()
        }
    }

    /// `encode`, or a new one, after some time at `rate`: down at once, up by and by.
    private func follow(
        _ encode: Encode?, of encoding: Encoding, rate: Int, _ formats: LadderFormats, ceiling: Int,
        after elapsed: Duration, at now: Instant
    ) -> Encode {
        let isKnown = members.values.contains { $0.encoding == encoding && $0.isSettled }
        guard var encode else {
            // before anything is known, nobody is shown less than the best
            let first = isKnown ? formats.first(for: rate) : 0
            return Encode(bitrate: rate, format: FormatControl(index: max(first, ceiling)))
        }
        if rate < encode.bitrate || !isKnown {
            encode.bitrate = rate
        } else {
            let most = Double(encode.bitrate) * (1 + Self.growth * elapsed.inSeconds)
            let isWorthIt = rate == maximumBitrate || Double(rate) > Double(encode.bitrate) * Self.leastGrowth
            if isWorthIt { encode.bitrate = min(rate, Int(most.rounded(.up))) }
        }
        if isKnown || ceiling > encode.format.index {
            encode.format.update(bitrate: encode.bitrate, formats: formats, ceiling: ceiling, at: now)
        }
        return encode
    }

    private func plan(_ formats: LadderFormats, _ limit: EncoderLimit) -> EncodingPlan<Viewer> {
        func target(_ encode: Encode) -> EncodingTarget {
            EncodingTarget(
                bitrate: encode.bitrate, format: formats.all[encode.format.index], leastEffort: limit.leastEffort)
        }
        var plan = EncodingPlan<Viewer>()
        plan.main = main.map(target)
        plan.low = low.map(target)
        plan.encodings = members.mapValues(\.encoding)
        return plan
    }
}
