import Media
import RTP
import Wire

/// Frames that were made before they are due, until they are: a file's. They wait on the loop, whose own timer sends
/// each; the thread that reads the file wakes a few times a second, and not for each of them.
struct FrameSchedule {
    /// What waits.
    enum Frame: Sendable {
        case picture(PacketizedFrame, of: Encoding)
        case sound(PacketizedFrame)
    }

    /// How long before they are due frames are made.
    static let lead = Duration.milliseconds(250)

    /// In the order in which they are due; what stands before `first` has left.
    private var frames: [(frame: Frame, due: Instant)] = []
    private var first = 0

    /// When the next frame is due; nil for never.
    var deadline: Instant? { first < frames.count ? frames[first].due : nil }

    /// Keeps `frame` until `due`, behind what is due no later.
    mutating func add(_ frame: Frame, due: Instant) {
        frames.removeFirst(first)
        first = 0
        let index = frames.lastIndex { $0.due <= due }.map { $0 + 1 } ?? 0
        frames.insert((frame, due), at: index)
    }

    /// The next frame that is due at `now`; nil for none.
    mutating func next(at now: Instant) -> Frame? {
        guard let deadline, deadline <= now else { return nil }
        defer { first += 1 }
        return frames[first].frame
    }

    /// Leaves out what was due before `now`: nobody was there.
    mutating func skip(to now: Instant) {
        while let deadline, deadline < now { first += 1 }
    }
}
