import Synchronization

/// Keeps what the owner sets on the page, and makes the configuration of it and the rest.
///
/// Any thread may ask. Changes are made one after another on a thread of their own:
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

    private let folder: StateFolder?
    private let state: Mutex<ConfigurationLayers>
    private let thread = ChangeThread(name: "settings", capacity: 8)

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
        thread.stop()
    }

    /// The layers as they are.
    var layers: ConfigurationLayers { state.withLock { $0 } }

    /// Makes `changes`, and tells `then`, on the changing thread, what came of them, after it can no longer be lost.
    func change(
        _ changes: [String: SettingValue?],
        then: @escaping @Sendable (Result<ConfigurationLayers, Refusal>) -> Void
    ) {
        thread.submit {
            then(Result { () throws(Refusal) in try self.apply(changes) })
        } orRefuse: {
            then(.failure(.busy))
        }
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
