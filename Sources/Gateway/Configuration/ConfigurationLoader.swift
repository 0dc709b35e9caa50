import Glibc
import PeerConnection

/// Collects settings, and what is wrong with them, from a file, the environment and options, in this order.
struct ConfigurationLoader {
    private(set) var configuration = Configuration()
    /// What is wrong so far, but for what `finish` finds.
    private(set) var errors: [ConfigurationError] = []
    /// Where each key, by its path, was last set.
    private(set) var origins: [String: ConfigurationError.Origin] = [:]

    private static let keys = Configuration.keys

    // MARK: The file

    mutating func read(file: String) {
        do throws(YAMLProblem) {
            read(try contents(of: file), of: file)
        } catch {
            reject(error.message, at: .file(file, place: error.place))
        }
    }

    /// Reads `text`, what `file` holds.
    mutating func read(_ text: [UInt8], of file: String) {
        do throws(YAMLProblem) {
            guard let root = try YAMLReader.read(text), root.content != .plain("") else { return }
            guard case .mapping(let entries) = root.content else {
                throw YAMLProblem(message: "wants sections, such as “web:”", place: root.place)
            }
            var seen: [String: Int] = [:]
            for entry in entries {
                guard let name = readName(of: entry, in: file, within: nil, seen: &seen) else { continue }
                guard let section = Configuration.sections.first(where: { $0.name == name }) else {
                    reject(Self.unknownSection(name), key: name, at: .file(file, place: entry.key.place))
                    continue
                }
                read(section, from: entry.value, in: file)
            }
        } catch {
            reject(error.message, at: .file(file, place: error.place))
        }
    }

    private mutating func read(_ section: ConfigurationSection, from node: YAMLNode, in file: String) {
        // A section whose keys are all commented out is no mapping but nothing.
        if node.content == .plain("") { return }
        guard case .mapping(let entries) = node.content else {
            return reject(
                "wants keys of its own, indented below it", key: section.name, at: .file(file, place: node.place))
        }
        var seen: [String: Int] = [:]
        for entry in entries {
            guard let name = readName(of: entry, in: file, within: section, seen: &seen) else { continue }
            guard let key = section.keys.first(where: { $0.name == name }) else {
                let path = "\(section.name).\(name)"
                reject(Self.unknownKey(path), key: path, at: .file(file, place: entry.key.place))
                continue
            }
            assign(.node(entry.value), to: key, from: .file(file, place: entry.value.place))
        }
    }

    /// The name that `entry`'s key spells; nil, with an error, where it is none or stood there before (YAML 1.2
    /// §3.2.1.3: a mapping's keys are unique; libyaml does not see to it). `seen` holds the lines of the names so far.
    private mutating func readName(
        of entry: YAMLNode.Entry, in file: String, within section: ConfigurationSection?, seen: inout [String: Int]
    ) -> String? {
        let place = entry.key.place
        switch entry.key.content {
        case .plain(let name), .quoted(let name):
            guard let line = seen.updateValue(place.line, forKey: name) else { return name }
            let path = section.map { "\($0.name).\(name)" } ?? name
            reject("is there a second time; the first is in line \(line)", key: path, at: .file(file, place: place))
        case .sequence, .mapping:
            reject("a key must be a name", key: section?.name, at: .file(file, place: place))
        }
        return nil
    }

    // MARK: The environment and the options

    mutating func read(environment: [String: String]) {
        for key in Self.keys {
            for variable in key.variables {
                guard let value = environment[variable], !value.isEmpty else { continue }
                assign(.line(value), to: key, from: .environment(variable: variable))
            }
        }
        // DOORWARD_ alone may begin somebody else's variable; with a section behind it, it is ours and misspelt.
        let known = Set(Self.keys.flatMap(\.variables))
        let prefixes = Configuration.sections.map { "DOORWARD_\($0.name.uppercased())_" }
        for variable in environment.keys.sorted() where !known.contains(variable) {
            guard prefixes.contains(where: variable.hasPrefix) else { continue }
            let nearest = nearest(to: variable, among: known.sorted())
            reject("sets no key\(Self.suggestion(nearest))", at: .environment(variable: variable))
        }
    }

    mutating func read(overrides: [String]) {
        for option in overrides {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let path = trimmed(parts[0])
            let origin = ConfigurationError.Origin.option(path: path)
            guard parts.count == 2 else {
                reject("wants key.path=value", at: origin)
                continue
            }
            guard let key = Self.keys.first(where: { $0.path == path }) else {
                reject(Self.unknownKey(path), at: origin)
                continue
            }
            assign(.line(String(parts[1])), to: key, from: origin)
        }
    }

    // MARK: Both

    private mutating func assign(
        _ input: SettingInput, to key: ConfigurationSection.Key, from origin: ConfigurationError.Origin
    ) {
        do throws(SettingProblem) {
            try key.assign(input, &configuration)
            origins[key.path] = origin
        } catch {
            var origin = origin
            if case .file(let file, _) = origin, let place = error.place { origin = .file(file, place: place) }
            reject(error.message, key: key.path, at: origin)
        }
    }

    private mutating func reject(_ problem: String, key: String? = nil, at origin: ConfigurationError.Origin) {
        errors.append(ConfigurationError(origin: origin, key: key, problem: problem))
    }

    /// What was read, or all that is wrong with it.
    func finish() throws(ConfigurationErrors) -> Configuration {
        var errors = errors
        let network = configuration.network
        // W3C WebRTC §4.4.1.6 ("set a configuration"): the page's RTCPeerConnection throws an InvalidAccessError for a
        // TURN server without both.
        if let origin = origins["network.turn_servers"], !network.turnServers.isEmpty, network.turnSecret.isEmpty,
            network.turnUsername.isEmpty || network.turnCredential.isEmpty
        {
            errors.append(
                ConfigurationError(
                    origin: origin, key: "network.turn_servers",
                    problem: "wants network.turn_username and network.turn_credential beside it, or network.turn_secret"
                ))
        }
        if let origin = origins["network.ice_transport_policy"], network.iceTransportPolicy == .relay,
            network.turnServers.isEmpty
        {
            errors.append(
                ConfigurationError(
                    origin: origin, key: "network.ice_transport_policy",
                    problem: "wants network.turn_servers beside relay, or no call comes about"))
        }
        if let origin = origins["video.source"], configuration.video.source == .file, configuration.video.file == nil {
            errors.append(
                ConfigurationError(
                    origin: origin, key: "video.source", problem: "wants video.file beside file, the file to play"))
        }
        if let origin = origins["meeting.url"], configuration.meeting.url != nil,
            configuration.meeting.pageBrokerURL == nil
        {
            errors.append(
                ConfigurationError(
                    origin: origin, key: "meeting.url",
                    problem: "wants meeting.page_broker_url beside it, the same broker as browsers reach it"))
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors: errors) }
        return configuration
    }

    // MARK: What may have been meant

    private static func unknownSection(_ name: String) -> String {
        if let key = keys.first(where: { $0.name == name }) {
            return "is no section; \(name) stands in the section \(key.path.prefix { $0 != "." })"
        }
        return "is no section\(suggestion(nearest(to: name, among: Configuration.sections.map(\.name))))"
    }

    private static func unknownKey(_ path: String) -> String {
        "is no key\(suggestion(nearest(to: path, among: keys.map(\.path))))"
    }

    private static func suggestion(_ name: String?) -> String {
        name.map { "; did you mean \($0)?" } ?? ""
    }
}

/// The bytes of the file `path`.
private func contents(of path: String) throws(YAMLProblem) -> [UInt8] {
    func fail(_ number: Int32) -> YAMLProblem {
        YAMLProblem(message: "cannot be read: \(String(cString: strerror(number)))", place: nil)
    }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw fail(errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = Glibc.read(file, &chunk, chunk.count)
        if count == 0 { return bytes }
        if count < 0 {
            if errno == EINTR { continue }
            throw fail(errno)
        }
        bytes += chunk[..<count]
        // Whatever this is (/dev/zero), it is no configuration.
        guard bytes.count <= 1 << 20 else { throw fail(EFBIG) }
    }
}
