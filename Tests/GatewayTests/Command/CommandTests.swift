import ICE
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
        (["pair"], .household(.pair, Source())),
        (["people", "--set", "web.port=1"], .household(.people, Source(overrides: ["web.port=1"]))),
        (["token", "Home Assistant"], .household(.token("Home Assistant"), Source())),
        (["revoke", "abc", "--config", "door.yaml"], .household(.revoke("abc"), Source(file: "door.yaml"))),
        (["devices"], .devices),
        (["page", "export", "/srv/www/door"], .exportPage("/srv/www/door")),
        (["view", "http://door/whep"], .view(options("http://door/whep"))),
        (
            ["view", "http://door/whep?a=b", "--duration", "2.5"],
            .view(options("http://door/whep?a=b", duration: 2500))
        ),
        (
            ["view", "--token=a=b", "--save-video=v", "--save-audio", "a", "--insecure", "https://door"],
            .view(options("https://door", token: "a=b", video: "v", audio: "a", insecure: true))
        ),
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
        (["token"], "token needs a name"),
        (["page"], "page needs “export” and a folder"),
        (["page", "export"], "page needs “export” and a folder"),
        (["page", "export", ""], "page needs “export” and a folder"),
        (["page", "export", "--help-me"], "page needs “export” and a folder"),
        (["page", "import", "folder"], "page needs “export” and a folder"),
        (["page", "export", "one", "two"], "page needs “export” and a folder"),
        (["revoke", "--config"], "revoke needs an identifier"),
        (["pair", "now"], "pair takes no “now”"),
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
        (["ring", "view"], "ring takes no “view”"),
        (["devices", "all"], "devices takes no “all”"),
        (["view"], "view needs the address to call"),
        (["view", "http://a", "http://b"], "view takes no “http://b”"),
        (["view", "http://a", "--loud"], "view takes no “--loud”"),
        (["view", "http://a", "--relay-only=yes"], "view takes no “--relay-only=yes”"),
        (["view", "http://a", "--ice-server", "gopher:a"], "--ice-server needs the URI of a server, not “gopher:a”"),
        (["view", "http://a", "--insecure=yes"], "view takes no “--insecure=yes”"),
        (["view", "http://a", "--token"], "--token needs a value"),
        (["view", "http://a", "--save-audio="], "--save-audio needs a value"),
        (["view", "http://a", "--duration", "long"], "--duration needs seconds, not “long”"),
        (["view", "http://a", "--duration", "0"], "--duration needs seconds, not “0”"),
        (["view", "http://a", "--duration", "nan"], "--duration needs seconds, not “nan”"),
    ])
    func `A command line that cannot be understood says why`(arguments: [String], complaint: String) {
        #expect(throws: Command.UsageError(description: complaint)) { try Command.parse(arguments) }
    }

    @Test func `A viewer is told its servers`() throws {
        var expected = Self.options("http://a")
        expected.iceServers = ["turn:t.example", "turns:t.example"].compactMap { RTCIceServerURL($0) }
        expected.iceUsername = "ann"
        expected.iceCredential = "a=b"
        expected.iceAuthorities = "/etc/own.pem"
        expected.isRelayOnly = true
        let arguments = [
            "view", "http://a", "--ice-server", "turn:t.example", "--ice-server=turns:t.example", "--ice-username",
            "ann",
            "--ice-credential=a=b", "--ice-authorities", "/etc/own.pem", "--relay-only",
        ]
        #expect(try Command.parse(arguments) == .view(expected))
    }

    private static func options(
        _ url: String, duration: Int? = nil, token: String? = nil, video: String? = nil, audio: String? = nil,
        insecure: Bool = false
    ) -> ViewOptions {
        var options = ViewOptions()
        options.url = url
        options.duration = duration.map { .milliseconds($0) }
        options.token = token
        options.videoFile = video
        options.audioFile = audio
        options.trustsAnyCertificate = insecure
        return options
    }

    @Test func `The help names every command and option`() {
        for word in [
            "run", "check", "devices", "ring", "view", "pair", "people", "token", "revoke", "--config", "--set",
            "--help", "--version",
        ] {
            #expect(Command.usage.contains(word), "\(word)")
        }
        #expect(Command.usage.hasPrefix("doorward \(Command.programVersion)"))
        #expect(Command.usage.split(separator: "\n").allSatisfy { $0.count <= 120 })
        #expect(Command.usage.hasSuffix("\n"))
    }

}
