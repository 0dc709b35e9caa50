/// One thing wrong with the configuration, and where it stands.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where a setting came from.
    public enum Origin: Hashable, Sendable {
        /// A place in a file; lines and columns count from 1. Without a place where the file cannot be read at all.
        case file(String, place: Place?)
        /// A variable of the environment.
        case environment(variable: String)
        /// The argument of `--set`, up to its `=`: a password behind that is nobody's business.
        case option(path: String)
    }

    /// A place in a text file.
    public struct Place: Hashable, Sendable {
        /// The line, from 1.
        public let line: Int
        /// The column in that line, from 1.
        public let column: Int
    }

    /// Where the wrong setting was made.
    public let origin: Origin
    /// The key's path, such as `web.port`; nil where the error belongs to no key (a syntax error).
    public let key: String?
    /// What is wrong with it.
    public let problem: String

    /// `/etc/doorward/doorward.yaml:12:9: web.port: wants a whole number from 0 to 65535, not "http"`
    public var description: String {
        let place =
            switch origin {
            case .file(let path, let place?): "\(path):\(place.line):\(place.column)"
            case .file(let path, nil): path
            case .environment(let variable): "environment variable \(variable)"
            case .option(let path): "--set \(path)"
            }
        // An option's path is the key.
        let key = origin == key.map { .option(path: $0) } ? nil : key
        return [place, key, problem].compactMap(\.self).joined(separator: ": ")
    }
}

/// All that is wrong with a configuration: at least one error, in the order file, environment, options.
public struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// The errors.
    public let errors: [ConfigurationError]

    /// One error a line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
