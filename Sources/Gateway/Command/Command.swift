/// What the command line asks for.
public enum Command: Equatable, Sendable {
    /// Start the daemon.
    case run(ConfigurationSource)
    /// Say whether a configuration is sound.
    case check(ConfigurationSource)
    /// List cameras, sound devices and GPIO lines.
    case devices
    /// Press the button of the running daemon.
    case ring(ConfigurationSource)
    /// Say who belongs to the household, or who is asked in.
    case household(HouseholdCommand, ConfigurationSource)
    /// Watch a WHEP address in the terminal.
    case view(ViewOptions)
    /// Write a copy of the page for a web host into a folder.
    case exportPage(String)
    /// Print how it is used.
    case help
    /// Print the version.
    case version

    /// Where the configuration comes from: a file, if any, and `key.path=value` overrides in their order.
    public struct ConfigurationSource: Equatable, Sendable {
        /// The file's path.
        public var file: String?
        /// Overrides, each `key.path=value`.
        public var overrides: [String] = []

        /// The defaults alone.
        public init(file: String? = nil, overrides: [String] = []) {
            self.file = file
            self.overrides = overrides
        }
    }

    /// A command line that cannot be understood, with the sentence to print.
    public struct UsageError: Error, Equatable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// The version that `--version` prints.
    public static let programVersion = "0.1.0"

    /// Understands `arguments` (without the program's own name).
    public static func parse(_ arguments: [String]) throws(UsageError) -> Command {
        if arguments.contains("--help") || arguments.contains("-h") { return .help }
        if arguments.contains("--version") { return .version }
        guard let name = arguments.first else {
            throw UsageError(description: "a command is missing")
        }
        let rest = arguments.dropFirst()
        switch name {
        case "run": return .run(try source(rest, of: name))
        case "check": return .check(try source(rest, of: name))
        case "ring": return .ring(try source(rest, of: name))
        case "pair": return .household(.pair, try source(rest, of: name))
        case "people": return .household(.people, try source(rest, of: name))
        case "token", "revoke":
            guard let subject = rest.first, !subject.isEmpty, !subject.hasPrefix("-") else {
                throw UsageError(description: name == "token" ? "token needs a name" : "revoke needs an identifier")
            }
            let command = name == "token" ? HouseholdCommand.token(subject) : .revoke(subject)
            return .household(command, try source(rest.dropFirst(), of: name))
        case "devices":
            if let extra = rest.first { throw UsageError(description: "devices takes no “\(extra)”") }
            return .devices
        case "page":
            guard rest.count == 2, rest.first == "export", let folder = rest.last, !folder.isEmpty,
                !folder.hasPrefix("-")
            else { throw UsageError(description: "page needs “export” and a folder") }
            return .exportPage(folder)
        case "view": return .view(try ViewOptions.parse(rest))
        case "help": return .help
        default: throw UsageError(description: "there is no command “\(name)”")
        }
    }

    private static func source(
        _ arguments: ArraySlice<String>, of command: String
    ) throws(UsageError) -> ConfigurationSource {
        var source = ConfigurationSource()
        var rest = arguments
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let attached = parts.count == 2 ? parts[1] : nil
            switch parts.first {
            case "--config":
                guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
                    throw UsageError(description: "--config needs a file")
                }
                source.file = value
            case "--set":
                guard let value = attached ?? rest.popFirst(), value.contains("=") else {
                    throw UsageError(description: "--set needs key.path=value")
                }
                source.overrides.append(value)
            default:
                // `doorward check FILE` reads as one expects it to
                guard command == "check", source.file == nil, !argument.hasPrefix("-") else {
                    throw UsageError(description: "\(command) takes no “\(argument)”")
                }
                source.file = argument
            }
        }
        return source
    }

    /// What `--help` prints.
    public static let usage = """
        doorward \(programVersion): a video doorbell that any browser can call and be called by

        usage:
          doorward run   [--config FILE] [--set key.path=value …]   start the daemon
          doorward check [--config FILE] [--set key.path=value …]   say whether a configuration is sound
          doorward devices                                          list cameras, sound devices and GPIO lines
          doorward ring  [--config FILE] [--set key.path=value …]   press the button of the running daemon
          doorward pair  [--config FILE] [--set key.path=value …]   show a code and a QR code that let an owner's device in
          doorward people [--config FILE] [--set …]                 list people, their devices, programs and invitations
          doorward token NAME [--config FILE] [--set …]             make a bearer token for the program NAME
          doorward revoke ID [--config FILE] [--set …]              send a person, a device or a program away
          doorward page export FOLDER                               write a copy of the page for any web host
          doorward view  URL [option …]                             watch a WHEP address in the terminal
          doorward --help | --version

        view's options: --duration SECONDS, --save-video FILE.h264, --save-audio FILE.opus, --token TOKEN (a bearer's), and
        --insecure, which takes any certificate. It uses the STUN and TURN servers that the WHEP server names, or in their
        place --ice-server URI (once for each) with --ice-username NAME and --ice-credential PASSWORD; --relay-only keeps
        to TURN servers, --ice-authorities FILE.pem vouches for turns: ones. It exits with 1 where the server does not
        take the call, 3 where no connection comes about or it breaks, 4 where a file cannot be written.

        No file is needed: every key has a default. Environment variables override the file and --set overrides both;
        doorward.yaml documents every key and its variable.

        """
}
