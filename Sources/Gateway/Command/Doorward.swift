import CLinux
import Glibc
import Web

/// The program: what each command does.
public enum Doorward {
    /// Runs the command in `arguments` (without the program's name) and returns the exit status: 0, 1 where it failed,
    /// 2 where the command line or the configuration is wrong; `view` has more (`ViewCommand.Outcome`).
    public static func main(_ arguments: [String]) -> Int32 {
        do throws(Command.UsageError) {
            switch try Command.parse(arguments) {
            case .help:
                print(Command.usage, terminator: "")
                return 0
            case .version:
                print("doorward \(Command.programVersion)")
                return 0
            case .devices:
                print(DeviceList.text(), terminator: "")
                return 0
            case .run(let source): return run(source)
            case .check(let source): return check(source)
            case .ring(let source): return ring(source)
            case .household(let command, let source): return manage(command, source)
            case .exportPage(let folder): return exportPage(to: folder)
            case .view(let options):
                return ViewCommand(options, screen: ViewScreen()) { complain("doorward: \($0)\n") }.run().rawValue
            }
        } catch {
            complain("doorward: \(error)\n\n" + Command.usage)
            return 2
        }
    }

    private static func run(_ source: Command.ConfigurationSource) -> Int32 {
        guard let layers = load(source) else { return 2 }
        linux_disable_huge_pages()
        let loop = EventLoop<Daemon>()
        let daemon = Daemon(layers: layers, environment: environment, loop: loop)
        loop.adopt()
        return daemon.assumeIsolated { daemon in
            if let error = daemon.start() {
                daemon.log.error(error.description)
                return 1
            }
            loop.run(as: daemon) { $0.turn() }
            daemon.finishStop()
            return 0
        }
    }

    private static func check(_ source: Command.ConfigurationSource) -> Int32 {
        guard load(source) != nil else { return 2 }
        print("\(source.file ?? "the default configuration"): sound")
        return 0
    }

    private static func ring(_ source: Command.ConfigurationSource) -> Int32 {
        ask("ring", source) { answer in
            guard let pages = Int(answer) else { return nil }
            return "ringing \(pages) open page\(pages == 1 ? "" : "s")\n"
        }
    }

    private static func exportPage(to folder: String) -> Int32 {
        do throws(WebError) {
            try PageCopy.write(to: folder)
        } catch {
            complain("doorward: \(error)\n")
            return 1
        }
        print("the page is in \(folder): serve it over HTTPS, and name its address to the door as meeting.page_url")
        return 0
    }

    private static func manage(_ command: HouseholdCommand, _ source: Command.ConfigurationSource) -> Int32 {
        ask(command.question, source) { command.text(for: $0) }
    }

    /// Asks the running daemon, and prints what `text` makes of its answer; nil where that is none.
    private static func ask(
        _ question: String, _ source: Command.ConfigurationSource, text: (String) -> String?
    ) -> Int32 {
        guard let configuration = load(source)?.given else { return 2 }
        // the folder of this user's daemon, then that of the one that systemd runs
        let folders = [configuration.state.folder(environment: environment), "/var/lib/doorward"].compactMap(\.self)
        let answer = ControlSocket.ask(question, at: folders.map { StateFolder(path: $0).controlSocket })
        guard let answer else {
            complain(
                "doorward: no daemon is running for this user (none listens in \(folders.joined(separator: " or ")))\n")
            return 1
        }
        let words = answer.split(separator: " ", maxSplits: 1).map(String.init)
        guard words.first == "ok", words.count == 2, let text = text(words[1]) else {
            complain("doorward: \(words.dropFirst().first ?? answer)\n")
            return 1
        }
        print(text, terminator: "")
        return 0
    }

    private static func load(_ source: Command.ConfigurationSource) -> ConfigurationLayers? {
        do throws(ConfigurationErrors) {
            return try ConfigurationLayers(file: source.file, environment: environment, overrides: source.overrides)
        } catch {
            complain(error.description + "\n")
            return nil
        }
    }

    private static func complain(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// The environment's variables.
    private static var environment: [String: String] {
        var variables: [String: String] = [:]
        var index = 0
        while let text = linux_environment(Int32(index)) {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            index += 1
        }
        return variables
    }
}
