import Board
import Gateway
import ICE
import Testing
import Wire

@Suite struct ConfigurationFileTests {
    @Test func `Without a file every key has its default`() throws {
        let configuration = try Configuration.load(file: nil)
        #expect(configuration == Configuration())
        #expect(configuration.web.port == 8080)
        #expect(configuration.calls.ringTimeout == .seconds(30))
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "web:\n", "web: {}\n", "web:\n  # port: 1\nvideo:\n"])
    func `A file that sets nothing gives the defaults`(text: String) throws {
        #expect(try load(text) == Configuration())
    }

    @Test func `A file sets keys of every type`() throws {
        let configuration = try load(
            """
            door: { name: Gate }
            web:
              address: "::1"
              port: 80
            video:
              source: test_card
              device: /dev/video2
              key_frame_interval_seconds: 4
            button:
              enabled: false
              chip: gpiochip4
              line: 17
              bias: as_is
              debounce_ms: 5
            calls:
              max_duration_ms: 90000
            network:
              udp_port: 50000-50010
              interfaces: [eth0, wlan0]
              stun_servers:
                - stun.example.org
                - stun:[2001:db8::1]:19302
              turn_servers: ["turns:turn.example.org?transport=tcp", turn:turn.example.org]
              turn_username: door
              turn_credential: "12345"
            log: { level: debug }
            """)
        var expected = Configuration()
        expected.door.name = "Gate"
        expected.web.address = IPAddress("::1")
        expected.web.port = 80
        expected.video.source = .testCard
        expected.video.device = "/dev/video2"
        expected.video.keyFrameInterval = .seconds(4)
        expected.button.enabled = false
        expected.button.chip = "gpiochip4"
        expected.button.line = "17"
        expected.button.bias = .asIs
        expected.button.debounce = .milliseconds(5)
        expected.calls.maxDuration = .seconds(90)
        expected.network.udpPorts = 50000...50010
        expected.network.interfaces = ["eth0", "wlan0"]
        expected.network.stunServers = [
            try #require(RTCIceServerURL("stun:stun.example.org:3478", defaultScheme: .turn)),
            try #require(RTCIceServerURL("[2001:db8::1]:19302", defaultScheme: .stun)),
        ]
        expected.network.turnServers = [
            try #require(RTCIceServerURL("turns:turn.example.org:5349?transport=tcp")),
            try #require(RTCIceServerURL("turn:turn.example.org")),
        ]
        expected.network.turnUsername = "door"
        expected.network.turnCredential = "12345"
        expected.log.level = .debug
        #expect(configuration == expected)
    }

    @Test func `An optional key can be set back to nothing`() throws {
        let configuration = try load("web: { folder: '', address: \"\" }", environment: ["DOORWARD_WEB_FOLDER": "/srv"])
        #expect(configuration.web.folder == "/srv")
        #expect(configuration.web.address == nil)
        #expect(try load("web: { folder: /srv }", overrides: ["web.folder="]).web.folder == nil)
        #expect(try load("web: { address: \"::\" }", overrides: ["web.address="]).web.address == nil)
    }

    @Test func `Every error is told, with its file, line, column and key`() {
        #expect(
            problems(
                """
                web:
                  prot: 80
                  port: http
                vidoe: {}
                port: 80
                video:
                  - width
                audio:
                  capture: microphone
                  complexity: 11
                  capture: tone
                """)
                == [
                    "door.yaml:2:3: web.prot: is no key; did you mean web.port?",
                    "door.yaml:3:9: web.port: wants a whole number from 0 to 65535, not \"http\"",
                    "door.yaml:4:1: vidoe: is no section; did you mean video?",
                    "door.yaml:5:1: port: is no section; port stands in the section web",
                    "door.yaml:7:3: video: wants keys of its own, indented below it",
                    "door.yaml:9:12: audio.capture: wants auto, device, tone, file or none, not \"microphone\"",
                    "door.yaml:10:15: audio.complexity: wants a whole number from 0 to 10, not \"11\"",
                    "door.yaml:11:3: audio.capture: is there a second time; the first is in line 9",
                ])
    }

    @Test(arguments: [
        ("web: { port: \"80\" }", "web.port: wants a whole number from 0 to 65535, not \"80\""),
        ("web: { port: 80.5 }", "web.port: wants a whole number from 0 to 65535, not \"80.5\""),
        ("web: { port: 99999999999999999999 }", "not \"99999999999999999999\""),
        ("web: { port: }", "web.port: has no value; wants a whole number from 0 to 65535"),
        ("web: { port: [80] }", "web.port: wants a whole number from 0 to 65535, not a list"),
        ("web: { port: {a: 1} }", "web.port: wants a whole number from 0 to 65535, not keys of its own"),
        ("web: { address: localhost }", "web.address: wants an IPv4 or IPv6 address, not \"localhost\""),
        ("video: { width: 641 }", "video.width: wants an even number from 64 to 3840, not \"641\""),
        ("door: { name: \"\" }", "door.name: wants text of 1 to 64 characters, not \"\""),
        ("door: { name: ~ }", "door.name: has no value"),
        ("button: { enabled: no }", "button.enabled: wants true or false, not \"no\""),
        ("network: { udp_port: 50010-50000 }", "network.udp_port: wants a port from 1 to 65535"),
        ("network: { udp_port: 1-2-3 }", "network.udp_port: wants a port from 1 to 65535"),
        ("network: { udp_port: -5 }", "network.udp_port: wants a port from 1 to 65535"),
        ("network: { stun_servers: stun.example.org }", "network.stun_servers: wants a list"),
        ("network: { stun_servers: ['turn:a'] }", "wants the URI of a server (stun:host:port), not \"turn:a\""),
        ("network: { turn_servers: ['turn:a'] }", "network.turn_servers: wants network.turn_username and"),
        ("network: { ice_transport_policy: relay }", "network.ice_transport_policy: wants network.turn_servers"),
        ("video: { source: file }", "video.source: wants video.file beside file"),
        ("calls: { ring_timeout_ms: 10 }", "wants a whole number from 1000 to 600000 (milliseconds), not \"10\""),
        ("- web", "wants sections, such as"),
        ("web: &anchor {}\nvideo: *anchor", "aliases (*name) are not supported"),
        ("web: { port: !!int 80 }", "tags have no meaning here"),
        ("{}\n---\n{}", "a second document begins"),
        ("? [web]\n: {}", "a key must be a name"),
    ])
    func `What cannot be meant is refused`(text: String, problem: String) {
        let problems = problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.contains(problem) == true, "\(problems)")
        #expect(problems.first?.wholeMatch(of: /door\.yaml:\d+:\d+: .*/) != nil)
    }

    @Test func `An error in a list is placed at its element`() {
        let problems = problems("network:\n  stun_servers:\n    - a.example\n    - 'a b'\n")
        #expect(problems.map { $0.hasPrefix("door.yaml:4:7: network.stun_servers: ") } == [true])
    }

    @Test func `A syntax error is placed where the text stops being YAML`() {
        #expect(
            problems("web:\n  port: 80\n\tfolder: x\n") == [
                "door.yaml:3:1: found a tab character that violates indentation while scanning a plain scalar that "
                    + "began in line 2"
            ])
        #expect(problems(bytes: Array("web:\n  folder: ".utf8) + [0xFF, 0x0A]).first?.hasPrefix("door.yaml:") == true)
    }

    @Test func `Brackets without end are an error, not a crash`() {
        #expect(problems(String(repeating: "[", count: 100_000)).first?.contains("nested too deep") == true)
    }

    @Test func `A file that cannot be read is an error that says why`() {
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(file: "/nowhere/doorward.yaml") }
        do throws(ConfigurationErrors) {
            _ = try Configuration.load(file: "/nowhere/doorward.yaml")
        } catch {
            #expect(error.description == "/nowhere/doorward.yaml: cannot be read: No such file or directory")
        }
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(file: "/") }
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(file: "/dev/zero") }
    }

    @Test func `A garbled file is an error or a configuration, never a crash`() {
        let example = Array(Configuration().yaml.utf8)
        let marks = Array("[]{}:-\"'#&*!|>%@\n\t ".utf8)
        let random = SeededRandomSource(seed: 7)
        var refused = 0
        for _ in 0..<300 {
            var bytes = example
            for _ in 0...random.below(8) {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(random.below(256))
                case 1: bytes.remove(at: place)
                default: bytes.insert(marks[random.below(marks.count)], at: place)
                }
            }
            if !problems(bytes: bytes).isEmpty { refused += 1 }
        }
        #expect(refused > 100)
    }
}
