/// The configuration in the layers that it is made of, so that it can be made anew when the owner changes his. Of each key
/// the last layer that has it counts:
///
/// ```
/// defaults ─► file ─► what the owner set on the page ─► environment ─► --set
/// ```
struct ConfigurationLayers: Sendable {
    /// Where a key has its value from.
    enum Source: Hashable, Sendable {
        /// Nobody set it.
        case `default`
        /// The configuration file.
        case file
        /// The owner, on the page.
        case page
        /// This variable of the environment.
        case environment(variable: String)
        /// `--set`.
        case arguments

        /// Whether what the owner sets on the page gives way to it.
        var isAbovePage: Bool {
            switch self {
            case .default, .file, .page: false
            case .environment, .arguments: true
            }
        }
    }

    /// What there is without the owner.
    let given: Configuration
    private let origins: [String: ConfigurationError.Origin]
    /// What the owner set: these keys of this.
    private var owners = Configuration()
    private(set) var owned: Set<String> = []

    /// The layers but for the owner's: `file` (a YAML file; nil for none), `environment`, `overrides`.
    ///
    /// - Throws: Every error in all three, not just the first.
    init(
        file: String? = nil, environment: [String: String] = [:], overrides: [String] = []
    ) throws(ConfigurationErrors) {
        var loader = ConfigurationLoader()
        if let file { loader.read(file: file) }
        loader.read(environment: environment)
        loader.read(overrides: overrides)
        given = try loader.finish()
        origins = loader.origins
    }

    /// `given` as if nobody had set anything.
    init(given: Configuration) {
        self.given = given
        origins = [:]
    }

    /// The configuration that all layers make.
    var configuration: Configuration {
        var result = given
        for key in Configuration.keys where source(of: key) == .page { key.copy(owners, &result) }
        return result
    }

    /// Where `key` has its value from.
    func source(of key: ConfigurationSection.Key) -> Source {
        let below = givenSource(of: key)
        return owned.contains(key.path) && !below.isAbovePage ? .page : below
    }

    /// The same, without the owner.
    func givenSource(of key: ConfigurationSection.Key) -> Source {
        switch origins[key.path] {
        case nil: .default
        case .file: .file
        case .environment(let variable): .environment(variable: variable)
        case .option: .arguments
        }
    }

    /// Has the owner set `key` to `input`, which must be what the key allows; nil takes back what he set.
    mutating func set(_ key: ConfigurationSection.Key, to input: SettingInput?) throws(SettingProblem) {
        guard let input else {
            owned.remove(key.path)
            return
        }
        try key.assign(input, &owners)
        owned.insert(key.path)
    }

    /// Takes over what `text` sets, the content of `file`, as far as it is sound and of `keys`; returns what is wrong with
    /// the rest.
    mutating func readOwners(_ text: [UInt8], of file: String, keys: Set<String>) -> [ConfigurationError] {
        var loader = ConfigurationLoader()
        loader.read(text, of: file)
        var errors = loader.errors
        for key in Configuration.keys {
            guard let origin = loader.origins[key.path] else { continue }
            guard keys.contains(key.path) else {
                errors.append(
                    ConfigurationError(origin: origin, key: key.path, problem: "is not for the page to set"))
                continue
            }
            key.copy(loader.configuration, &owners)
            owned.insert(key.path)
        }
        return errors
    }

    /// What the owner set, as a YAML file.
    var ownersYAML: String {
        var lines = [
            "# What an owner set on the page. Doorward writes this file anew at each change there. It overrides the",
            "# configuration file; the environment and --set override it.",
        ]
        for section in Configuration.sections {
            let keys = section.keys.filter { owned.contains($0.path) }
            guard !keys.isEmpty else { continue }
            lines.append("\(section.name):")
            lines += keys.map { "  \($0.name): \($0.format(owners))" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
