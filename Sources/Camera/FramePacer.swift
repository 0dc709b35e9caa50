import Wire

/// When the pictures of a source without a clock of its own are due: evenly, and without catching up on those that were
/// missed.
struct FramePacer: Sendable {
    private let frameRate: Double
    private var start: Instant?
    /// The number of the picture that is due next, counted from 0 with those that were missed.
    private(set) var nextFrame = 0

    /// `frameRate` pictures a second, the first as soon as one is asked for.
    init(frameRate: Double) {
        self.frameRate = frameRate
    }

    /// When the next picture is due.
    mutating func due(at now: Instant) -> Instant {
        let start = self.start ?? now
        self.start = start
        return time(of: nextFrame, from: start)
    }

    /// The due picture is taken at `now`. Returns its number; those that should have been taken before it are left out.
    mutating func take(at now: Instant) -> Int {
        let start = self.start ?? now
        self.start = start
        let current = Int((Double((now - start).nanoseconds) * frameRate / 1e9).rounded(.down))
        // Rounding may put a picture that is just due a nanosecond early.
        let taken = max(nextFrame, current)
        nextFrame = taken + 1
        return taken
    }

    private func time(of frame: Int, from start: Instant) -> Instant {
        start + .nanoseconds(Int64((Double(frame) * 1e9 / frameRate).rounded()))
    }
}
