/// The settings that an owner changes on the page: those that say something to whoever lives in the house, and none that
/// could keep him from the page (ports, HTTPS, who comes in), that name files or devices, or that are secret.
enum OwnerSettings {
    private static let always = [
        "door.name",
        "calls.ring_timeout_ms", "calls.max_duration_ms", "calls.resume_ms",
        "video.width", "video.height", "video.frame_rate", "video.bitrate_kbps",
        "audio.capture", "audio.playback", "audio.bitrate_kbps",
        "network.stun_fallback",
    ]
    private static let withLock = "lock.pulse_ms"
    private static let withChime = "chime.mode"

    /// The paths of all.
    static let paths = Set(always + [withLock, withChime])

    /// Those that mean something where the door is as `configuration` says, in the order of the configuration file.
    static func keys(for configuration: Configuration) -> [ConfigurationSection.Key] {
        Configuration.keys.filter { key in
            switch key.path {
            case withLock: configuration.lock.line != nil
            case withChime: configuration.chime.line != nil
            default: always.contains(key.path)
            }
        }
    }
}

extension ConfigurationLayers {
    /// Makes the owner's `changes`, by path, of which nil takes back what he set: all, or where one is wrong none.
    ///
    /// - Throws: What is wrong, by path.
    mutating func change(_ changes: [String: SettingValue?]) throws(WrongSettings) {
        let keys = OwnerSettings.keys(for: given)
        var result = self
        var problems: [String: String] = [:]
        for (path, value) in changes {
            guard let key = keys.first(where: { $0.path == path }) else {
                problems[path] = "cannot be changed here"
                continue
            }
            switch givenSource(of: key) {
            case .environment(let variable): problems[path] = "is set by the variable \(variable)"
            case .arguments: problems[path] = "is set by --set, where the program is started"
            case .default, .file, .page:
                do throws(SettingProblem) {
                    try result.set(key, to: value?.input)
                } catch {
                    problems[path] = error.message
                }
            }
        }
        guard problems.isEmpty else { throw WrongSettings(problems: problems) }
        self = result
    }
}

/// What is wrong with settings, by path.
struct WrongSettings: Error, Equatable {
    let problems: [String: String]
}
