import Codecs
import Media
import Wire

/// What is encoded for whom, asked anew a few times a second: the ladder, the governor, and the times between. It tells in
/// words what an owner would like to know.
struct EncodingControl {
    /// How often viewers' networks are looked at.
    private static let interval = Duration.milliseconds(150)
    /// How long the encoder's work is added up.
    private static let loadInterval = Duration.seconds(1)

    private let hasLeastEffort: Bool
    private var ladder: EncodingLadder<SessionID>
    private var governor: LoadGovernor
    private var source: PictureSource
    private(set) var plan = EncodingPlan<SessionID>()
    private var next: Instant?
    private var read: (counters: EncodingLine.Counters, at: Instant)?

    init(configuration: Configuration.Video) {
        hasLeastEffort = configuration.preset == .ultrafast
        ladder = EncodingLadder(maximumBitrate: configuration.bitrateKbps * 1000)
        source = PictureSource(size: configuration.size, frameRate: Double(configuration.frameRate))
        governor = LoadGovernor(hasLeastEffort: hasLeastEffort, source: source)
    }

    /// Who watches has changed: the next plan is due at once.
    mutating func watchersChanged() {
        next = nil
    }

    /// Whether a plan is due.
    func isDue(at now: Instant) -> Bool { now >= next ?? now }

    /// Makes the plan for `viewers`, each with what his network bears, while the main encode has done what `counters` say.
    /// Returns what has changed, in words.
    mutating func update(
        _ viewers: [SessionID: Int?], source: PictureSource, counters: EncodingLine.Counters, at now: Instant
    ) -> [String] {
        next = now + Self.interval
        if source != self.source {
            self.source = source
            governor = LoadGovernor(hasLeastEffort: hasLeastEffort, source: source)
        }
        var changes: [String] = []
        if let change = govern(counters, at: now) { changes.append(change) }
        let before = plan
        plan = ladder.update(viewers, source: source, limit: governor.limit, at: now)
        return changes + describe(from: before, viewers)
    }

    /// Takes what the main encode did in the last second; what follows from it, in words.
    private mutating func govern(_ counters: EncodingLine.Counters, at now: Instant) -> String? {
        guard plan.main != nil, let last = read else {
            read = (counters, now)
            return nil
        }
        let period = now - last.at
        guard period >= Self.loadInterval else { return nil }
        read = (counters, now)
        let load = EncoderLoad(
            encoded: counters.encoded - last.counters.encoded, dropped: counters.dropped - last.counters.dropped,
            busy: counters.busy - last.counters.busy)
        let before = governor.limit
        guard governor.update(load, in: period, at: now) else { return nil }
        guard governor.limit.isLess(than: before) else {
            return "the board has time again: \(describe(governor.limit))"
        }
        let each = load.encoded == 0 ? 0 : load.busy.milliseconds / Double(load.encoded)
        return "the board is too slow: a picture takes \(Int(each.rounded())) ms, and \(load.dropped) of "
            + "\(load.encoded + load.dropped) were dropped; from now on \(describe(governor.limit))"
    }

    // MARK: Words

    private func describe(_ limit: EncoderLimit) -> String {
        let effort = limit.leastEffort && !hasLeastEffort ? " with the least effort" : ""
        return "at most \(describe(PictureFormat(scale: limit.scale, frameDivisor: limit.frameDivisor)))\(effort)"
    }

    private func describe(_ format: PictureFormat) -> String {
        let rate = source.frameRate / Double(format.frameDivisor)
        return "\(format.scale.size(of: source.size)) at \(Int(rate.rounded())) pictures a second"
    }

    private func describe(_ target: EncodingTarget) -> String {
        "\(describe(target.format)), \(target.bitrate / 1000) kbit/s"
    }

    private func describe(from before: EncodingPlan<SessionID>, _ viewers: [SessionID: Int?]) -> [String] {
        var changes: [String] = []
        if let old = before.main, let new = plan.main, old.format != new.format {
            changes.append("the picture is now \(describe(new))")
        }
        if let old = before.low, let new = plan.low, old.format != new.format {
            changes.append("the second picture is now \(describe(new))")
        }
        for (viewer, encoding) in plan.encodings.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard let old = before.encodings[viewer], old != encoding else { continue }
            let bears = (viewers[viewer] ?? nil).map { " bears \($0 / 1000) kbit/s and" } ?? ""
            guard encoding == .low, let low = plan.low else {
                changes.append("peer \(viewer)\(bears) has the picture that all have")
                continue
            }
            changes.append("peer \(viewer)\(bears) has a smaller picture than the others: \(describe(low))")
        }
        if before.low != nil, plan.low == nil, plan.main != nil { changes.append("the second picture has ended") }
        return changes
    }
}

extension EncoderLimit {
    fileprivate func isLess(than other: EncoderLimit) -> Bool {
        (leastEffort ? 1 : 0, scale.rawValue, frameDivisor)
            > (other.leastEffort ? 1 : 0, other.scale.rawValue, other.frameDivisor)
    }
}
