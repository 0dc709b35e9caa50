import Gateway
import ICE
import Testing

@Suite struct ConfigurationOverrideTests {
    @Test func `The environment overrides the file and --set overrides both`() throws {
        let text = "web: { port: 1 }\ndoor: { name: file }\nlog: { level: error }"
        let environment = ["DOORWARD_WEB_PORT": "2", "DOORWARD_DOOR_NAME": "environment"]
        let configuration = try load(text, environment: environment, overrides: ["web.port=3", "log.level=debug"])
        #expect(configuration.web.port == 3)
        #expect(configuration.door.name == "environment")
        #expect(configuration.log.level == .debug)
    }

    @Test func `The variables that other programs share set their keys`() throws {
        let configuration = try Configuration.load(
            file: nil,
            environment: [
                "STUN_SERVERS": "stun:a.example:1, b.example ,", "TURN_SERVER": "turn:c.example", "TURN_USERNAME": "u",
                "TURN_CREDENTIAL": "p=,q", "MAX_CALL_DURATION_MS": "60000",
            ])
        #expect(configuration.network.stunServers.map(\.description) == ["stun:a.example:1", "stun:b.example:3478"])
        #expect(configuration.network.turnServers.map(\.description) == ["turn:c.example:3478"])
        #expect(configuration.network.turnUsername == "u")
        #expect(configuration.network.turnCredential == "p=,q")
        #expect(configuration.calls.maxDuration == .seconds(60))
    }

    @Test func `A key's own variable goes before the shared one`() throws {
        let environment = ["MAX_CALL_DURATION_MS": "1000", "DOORWARD_CALLS_MAX_DURATION_MS": "2000"]
        #expect(try Configuration.load(file: nil, environment: environment).calls.maxDuration == .seconds(2))
    }

    @Test func `A variable that is set but empty sets nothing`() throws {
        let environment = ["TURN_SERVER": "", "DOORWARD_WEB_PORT": ""]
        #expect(try Configuration.load(file: nil, environment: environment) == Configuration())
    }

    @Test func `The last of two equal options counts, and a value may hold anything`() throws {
        let configuration = try load(
            "", overrides: ["door.name=a", "door.name= b = c ", "network.interfaces=eth0,wlan0"])
        #expect(configuration.door.name == " b = c ")
        #expect(configuration.network.interfaces == ["eth0", "wlan0"])
        #expect(try load("network: { interfaces: [a] }", overrides: ["network.interfaces="]).network.interfaces == [])
    }

    @Test func `Errors name the variable or the option`() {
        #expect(
            problems(
                "web: { port: x }",
                environment: [
                    "DOORWARD_WEB_PORT": "y", "DOORWARD_WEB_PROT": "80", "STUN_SERVERS": "a b", "OTHER": "x",
                ],
                overrides: ["web.port=z", "web.prot=1", "web.port", "nonsense=1"])
                == [
                    "door.yaml:1:14: web.port: wants a whole number from 0 to 65535, not \"x\"",
                    "environment variable DOORWARD_WEB_PORT: web.port: wants a whole number from 0 to 65535, not \"y\"",
                    "environment variable STUN_SERVERS: network.stun_servers: wants the URI of a server (stun:host:port), not \"a b\"",
                    "environment variable DOORWARD_WEB_PROT: sets no key; did you mean DOORWARD_WEB_PORT?",
                    "--set web.port: wants a whole number from 0 to 65535, not \"z\"",
                    "--set web.prot: is no key; did you mean web.port?",
                    "--set web.port: wants key.path=value",
                    "--set nonsense: is no key",
                ])
    }

    @Test func `A password is in no error`() {
        let problems = problems("", overrides: ["network.turn_credential=" + String(repeating: "s", count: 600)])
        #expect(problems.count == 1)
        #expect(!problems.joined().contains("sss"))
    }

    @Test func `State lies where the file says, else where systemd, the desktop or the home says`() {
        var state = Configuration().state
        let home = ["HOME": "/home/a"]
        #expect(state.folder(environment: [:]) == nil)
        #expect(state.folder(environment: home) == "/home/a/.local/state/doorward")
        let desktop = home.merging(["XDG_STATE_HOME": "/x"]) { $1 }
        #expect(state.folder(environment: desktop) == "/x/doorward")
        #expect(
            state.folder(environment: home.merging(["XDG_STATE_HOME": "x"]) { $1 }) == "/home/a/.local/state/doorward")
        let systemd = desktop.merging(["STATE_DIRECTORY": "/var/lib/doorward:/var/lib/other"]) { $1 }
        #expect(state.folder(environment: systemd) == "/var/lib/doorward")
        state.folder = "/srv"
        #expect(state.folder(environment: systemd) == "/srv")
    }
}
