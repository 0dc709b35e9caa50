import Camera
import Media
import Synchronization

/// Those who wait for the next picture as a JPEG file: it is made once for all of them.
final class SnapshotRequests: Sendable {
    /// Takes the file; nil where there is no picture.
    typealias Answer = @Sendable ([UInt8]?) -> Void

    /// More than this do not wait: somebody asks without end.
    private static let limit = 16

    private struct State {
        var waiting: [Answer] = []
        /// Whether pictures come that are not encoded yet.
        var hasPictures = false
    }

    private let state = Mutex(State())

    /// Whether anybody waits.
    var isWanted: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// Waits for the next picture; answered at once with nil where none comes.
    func add(_ answer: @escaping Answer) {
        let isWaiting = state.withLock { state in
            guard state.hasPictures, state.waiting.count < Self.limit else { return false }
            state.waiting.append(answer)
            return true
        }
        if !isWaiting { answer(nil) }
    }

    /// From now on pictures come, or none: then nobody waits any longer.
    func pictures(areThere: Bool) {
        let left = state.withLock { state in
            state.hasPictures = areThere
            guard !areThere else { return [Answer]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for answer in left { answer(nil) }
    }

    /// Gives those who wait what `frame` shows.
    func give(_ frame: VideoFrame) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        guard !waiting.isEmpty else { return }
        let file = JPEGEncoder.encode(frame)
        for answer in waiting { answer(file) }
    }
}
