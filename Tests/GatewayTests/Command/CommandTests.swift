import Testing

@testable import Gateway

@Suite struct CommandTests {
    typealias Source = Command.ConfigurationSource

    @Test(arguments: [
        (["run"], Command.run(Source())),
        (["run", "--config", "door.yaml"], .run(Source(file: "door.yaml"))),
        (["run", "--config=door.yaml"], .run(Source(file: "door.yaml"))),
        (["run", "--config=a=b.yaml"], .run(Source(file: "a=b.yaml"))),
        (["run", "--config", "first", "--config", "second"], .run(Source(file: "second"))),
        (
            ["run", "--set", "web.port=1", "--config", "door.yaml", "--set=door.name=A = B"],
            .run(Source(file: "door.yaml", overrides: ["web.port=1", "door.name=A = B"]))
        ),
        (["run", "--set", "door.name="], .run(Source(overrides: ["door.name="]))),
        (["check"], .check(Source())),
        (["check", "door.yaml"], .check(Source(file: "door.yaml"))),
        (["check", "--set", "web.port=1", "door.yaml"], .check(Source(file: "door.yaml", overrides: ["web.port=1"]))),
        (["ring"], .ring(Source())),
        (["ring", "--config", "door.yaml"], .ring(Source(file: "door.yaml"))),
        (["devices"], .devices),
        (["help"], .help),
        (["--help"], .help),
        (["-h"], .help),
        (["run", "--config", "door.yaml", "--help"], .help),
        (["--version"], .version),
        (["run", "--version"], .version),
    ])
    func `A command line is understood`(arguments: [String], command: Command) throws {
        #expect(try Command.parse(arguments) == command)
    }

    @Test(arguments: [
        ([], "a command is missing"),
        ([""], "there is no command “”"),
        (["start"], "there is no command “start”"),
        (["RUN"], "there is no command “RUN”"),
        (["--config", "door.yaml"], "there is no command “--config”"),
        (["run", "door.yaml"], "run takes no “door.yaml”"),
        (["run", ""], "run takes no “”"),
        (["run", "--port", "80"], "run takes no “--port”"),
        (["run", "--port=80"], "run takes no “--port=80”"),
        (["run", "--config"], "--config needs a file"),
        (["run", "--config="], "--config needs a file"),
        (["run", "--config=", "door.yaml"], "--config needs a file"),
        (["run", "--set"], "--set needs key.path=value"),
        (["run", "--set="], "--set needs key.path=value"),
        (["run", "--set", "web.port"], "--set needs key.path=value"),
        (["run", "--set=web.port", "web.port=1"], "--set needs key.path=value"),
        (["check", "door.yaml", "other.yaml"], "check takes no “other.yaml”"),
        (["check", "-x"], "check takes no “-x”"),
        (["ring", "twice"], "ring takes no “twice”"),
        (["devices", "all"], "devices takes no “all”"),
    ])
    func `A command line that cannot be understood says why`(arguments: [String], complaint: String) {
        #expect(throws: Command.UsageError(description: complaint)) { try Command.parse(arguments) }
    }

    @Test func `The help names every command and option`() {
        for word in ["run", "check", "devices", "ring", "--config", "--set", "--help", "--version"] {
            #expect(Command.usage.contains(word), "\(word)")
        }
        #expect(Command.usage.hasPrefix("doorward \(Command.programVersion)"))
        #expect(Command.usage.split(separator: "\n").allSatisfy { $0.count <= 120 })
        #expect(Command.usage.hasSuffix("\n"))
    }

}
