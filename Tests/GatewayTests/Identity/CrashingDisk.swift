import Synchronization
import Wire

@testable import Gateway

/// A disk whose power fails at a step of the test's choice. What was not synced may then be there, or in part, or not at
/// all: the kernel writes in any order that it likes.
final class CrashingDisk: Disk {
    private struct State {
        /// What is on the disk for sure, by name.
        var files: [String: [UInt8]] = [:]
        /// What programs see.
        var view: [String: [UInt8]] = [:]
        /// Files whose content may not have reached the disk.
        var dirty: Set<String> = []
        /// Changes of names that may not have.
        var renames: [(from: String, to: String)] = []
        var stepsLeft: Int?
        var isDead = false
    }

    private let state = Mutex(State())

    /// Has the power fail before step `step`, counted from now; nil for never.
    func cutPower(beforeStep step: Int?) {
        state.withLock { $0.stepsLeft = step }
    }

    var hasFailed: Bool { state.withLock { $0.isDead } }

    /// Puts the power back: what is there now, of all that may be.
    func restart(random: any RandomSource) {
        state.withLock { state in
            var files = state.files
            for name in state.dirty {
                guard let content = state.view[name], random.below(3) > 0 else { continue }
                files[name] = Array(content.prefix(random.below(content.count + 1)))
            }
            for rename in state.renames where random.below(2) == 0 {
                files[rename.to] = files.removeValue(forKey: rename.from) ?? []
            }
            state = State(files: files, view: files)
        }
    }

    private func step(_ body: (inout State) -> Void) throws(StateError) {
        let isDone = state.withLock { state in
            if state.stepsLeft == 0 { state.isDead = true }
            guard !state.isDead else { return false }
            state.stepsLeft = state.stepsLeft.map { $0 - 1 }
            body(&state)
            return true
        }
        guard isDone else { throw StateError(description: "the power is off") }
    }

    func remove(_ file: String) {
        try? step { $0.view[file] = nil }
    }

    func write(_ bytes: [UInt8], to file: String) throws(StateError) {
        try step {
            $0.view[file] = bytes
            $0.dirty.insert(file)
        }
    }

    func sync(_ file: String) throws(StateError) {
        try step {
            guard $0.dirty.remove(file) != nil else { return }
            $0.files[file] = $0.view[file]
        }
    }

    func rename(_ file: String, to name: String) throws(StateError) {
        try step {
            $0.view[name] = $0.view.removeValue(forKey: file)
            $0.renames.append((file, name))
            // what was not on the disk under the one name is not under the other
            if $0.dirty.remove(file) != nil { $0.dirty.insert(name) }
        }
    }

    func syncFolder(_ path: String) throws(StateError) {
        try step {
            for rename in $0.renames { $0.files[rename.to] = $0.files.removeValue(forKey: rename.from) ?? [] }
            $0.renames = []
        }
    }

    func read(_ file: String, limit: Int) throws(StateError) -> [UInt8]? {
        state.withLock { $0.view[file] }
    }
}
