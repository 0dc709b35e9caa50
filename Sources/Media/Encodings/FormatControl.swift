import Wire

/// The formats that a source has, the best first, and the bits a second that each needs.
struct LadderFormats: Sendable {
    let all: [PictureFormat]
    let needs: [Double]

    /// Where the owner allows so little that the full format would never have enough, he wants it all the same: it then
    /// needs 0.6 of that, and the others less in proportion.
    init(of source: PictureSource, maximumBitrate: Int) {
        all = PictureFormat.all(of: source)
        let factor = min(1, 0.6 * Double(maximumBitrate) / PictureFormat.full.need(of: source))
        needs = all.map { $0.need(of: source) * factor }
    }

    /// The place of the first that `bitrate` suffices for; of the last where it does for none.
    func first(for bitrate: Int) -> Int {
        needs.firstIndex { $0 <= Double(bitrate) } ?? needs.count - 1
    }

    /// The place of the best that the board can do.
    func ceiling(of limit: EncoderLimit) -> Int {
        all.firstIndex { $0.scale >= limit.scale && $0.frameDivisor >= limit.frameDivisor } ?? all.count - 1
    }
}

/// Which format suits one encode's bitrate. It gives way quickly and comes back slowly, for each change costs a key frame
/// and is seen.
struct FormatControl: Sendable {
    /// How long a bitrate must be too low before the format gives way; where it is far too low, the shorter one.
    private static let (patience, impatience) = (Duration.seconds(1), Duration.milliseconds(300))
    /// Below this part of what the format needs, its pictures fall apart at once.
    private static let farTooLow = 0.7
    /// Below this part a link has broken down, and a key frame of the format would take longer than anybody waits.
    private static let hopeless = 0.5
    /// The bitrate must be so many times what a better format needs.
    private static let room = 1.3
    /// How long there must be room; doubled, up to the longest, each time that the better format did not last.
    private static let (shortestHold, longestHold) = (Duration.seconds(3), Duration.seconds(60))
    /// A better format that was kept for so long was no mistake.
    private static let lasting = Duration.seconds(30)

    /// The place of the format in use.
    private(set) var index: Int
    private var isPoorSince: Instant?
    private var isRichSince: Instant?
    private var roseAt: Instant?
    private var hold = shortestHold

    /// The control of an encode that begins in the `index`th format.
    init(index: Int) {
        self.index = index
    }

    /// Takes note of the bitrate; `ceiling` is the place of the best format allowed.
    mutating func update(bitrate: Int, formats: LadderFormats, ceiling: Int, at now: Instant) {
        let needs = formats.needs
        // the source may have become a smaller one
        index = min(max(index, ceiling), needs.count - 1)
        let fitting = formats.first(for: bitrate)
        if fitting > index {
            isRichSince = nil
            let since = isPoorSince ?? now
            isPoorSince = since
            let part = Double(bitrate) / needs[index]
            let patience = part < Self.farTooLow ? Self.impatience : Self.patience
            guard part < Self.hopeless || now - since >= patience else { return }
            if let roseAt {
                hold = now - roseAt < Self.lasting ? min(hold * 2, Self.longestHold) : Self.shortestHold
            }
            move(to: fitting)
            roseAt = nil
        } else {
            isPoorSince = nil
            let better = needs.indices.first {
                (ceiling..<max(index, ceiling)).contains($0) && Self.room * needs[$0] <= Double(bitrate)
            }
            guard let better else {
                isRichSince = nil
                return
            }
            let since = isRichSince ?? now
            isRichSince = since
            guard now - since >= hold else { return }
            move(to: better)
            roseAt = now
        }
    }

    private mutating func move(to index: Int) {
        self.index = index
        (isPoorSince, isRichSince) = (nil, nil)
    }
}
