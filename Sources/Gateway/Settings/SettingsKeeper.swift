import Synchronization

/// Keeps what the owner sets on the page, and makes the configuration of it and the rest.
///
/// Any thread may ask. Changes are made one after another on a thread of their own, because they take as long as a disk does;
/// it is there from the first change on:
///
/// ```
/// change ──► check ──► file ──► the layers ──► answer
///              └─ refused: nothing changed ────┘
/// ```
final class SettingsKeeper: Sendable {
    /// Why nothing was changed.
    enum Refusal: Error {
        /// What is wrong with which setting.
        case wrong(WrongSettings)
        /// It could not be kept, and so it was not done.
        case notKept(StateError)
        /// There is too much to do.
        case busy
    }

    private struct Job: Sendable {
        let run: @Sendable () -> Void
        let refuse: @Sendable () -> Void
    }

    private let folder: StateFolder?
    private let state: Mutex<ConfigurationLayers>
    private let jobs = Handover<Job>(capacity: 8)
    private let thread = Mutex<WorkerThread?>(nil)

    /// The keeper of what `folder` holds, above and below what `layers` have; nil keeps nothing, and changes nothing.
    /// `report` is told of what is wrong in the file.
    init(_ layers: ConfigurationLayers, in folder: StateFolder?, report: (String) -> Void) {
        var layers = layers
        if let folder { SettingsFile(in: folder).load(into: &layers).forEach(report) }
        self.folder = folder
        state = Mutex(layers)
    }

    /// Ends the thread; what is being changed is finished first.
    func stop() {
        let thread = thread.withLock { $0 }
        thread?.requestStop()
        jobs.close()
        thread?.join()
    }

    /// The layers as they are.
    var layers: ConfigurationLayers { state.withLock { $0 } }

    /// Makes `changes`, and tells `then`, on the changing thread, what came of them, after it can no longer be lost.
    func change(
        _ changes: [String: SettingValue?],
        then: @escaping @Sendable (Result<ConfigurationLayers, Refusal>) -> Void
    ) {
        thread.withLock { [jobs] thread in
            guard thread == nil else { return }
            thread = WorkerThread(name: "settings") { stop in
                while !stop.isRequested { jobs.take(timeout: .seconds(600))?.run() }
            }
        }
        let job = Job {
            then(Result { () throws(Refusal) in try self.apply(changes) })
        } refuse: {
            then(.failure(.busy))
        }
        jobs.give(job)?.refuse()
    }

    private func apply(_ changes: [String: SettingValue?]) throws(Refusal) -> ConfigurationLayers {
        var layers = layers
        do throws(WrongSettings) {
            try layers.change(changes)
        } catch {
            throw .wrong(error)
        }
        do throws(StateError) {
            guard let folder else { throw StateError(description: "there is no state folder to keep it in") }
            try folder.create()
            try SettingsFile(in: folder).save(layers)
        } catch {
            throw .notKept(error)
        }
        state.withLock { $0 = layers }
        return layers
    }
}
