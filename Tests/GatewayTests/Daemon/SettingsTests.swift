import Calls
import Identity
import Media
import Testing
import Web
import Wire

@testable import Gateway

/// What becomes of what the owner sets on the page.
@Suite(.timeLimit(.minutes(3))) struct SettingsTests {
    private let folder = TemporaryFolder()
    private var state: String { folder.path + "/state" }

    private func start() -> TestDaemon {
        TestDaemon(state: state) { $0.web.authentication = .household }
    }

    private func wait(_ daemon: TestDaemon, until condition: @escaping @Sendable (isolated Daemon) -> Bool) {
        while daemon.ask(condition) == false {}
    }

    @Test func `An owner's change holds at once, after a restart, and until it is taken back`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        let shown = try owner.send("GET", "/api/settings")
        #expect(shown.status == 200 && shown.text.contains(#""name" : "calls.ring_timeout_ms""#))
        #expect(!shown.text.contains("web."))
        let answer = try owner.send(
            "PATCH", "/api/settings",
            #"{"door.name":"Gate","calls.ring_timeout_ms":5000,"calls.max_duration_ms":60000}"#)
        #expect(answer.status == 200 && answer.text.contains(#""value" : "Gate""#), "\(answer.text)")
        let settings = try #require(daemon.ask { $0.hub.configuration })
        #expect(settings.doorName == "Gate")
        #expect(settings.ringTimeout == .seconds(5))
        #expect(settings.maxCallDuration == .seconds(60))
        #expect(try owner.send("GET", "/api/status").text.contains(#""door" : "Gate""#))
        daemon.stop()

        let again = start()
        var same = try Visitor(again)
        same.cookie = owner.cookie
        #expect(again.ask { $0.hub.configuration.doorName } == "Gate")
        #expect(try same.send("PATCH", "/api/settings", #"{"door.name":null}"#).status == 200)
        #expect(again.ask { $0.hub.configuration.doorName } == "Front door")
        #expect(again.ask { $0.hub.configuration.ringTimeout } == .seconds(5))
        #expect(text(of: state + "/settings.yaml")?.contains("name:") == false)
        again.stop()
    }

    @Test func `A wrong change is answered by the setting's name, and changes nothing`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        let answer = try owner.send(
            "PATCH", "/api/settings", #"{"door.name":"Gate","calls.ring_timeout_ms":1,"web.port":80}"#)
        #expect(answer.status == 422)
        #expect(try answer.object()["error"] == "wrong_settings")
        #expect(answer.text.contains(#""calls.ring_timeout_ms":"wants a whole number from 1000"#))
        #expect(answer.text.contains(#""web.port":"cannot be changed here""#))
        for body in ["[]", #"{"door.name":["a"]}"#, "door", #"{"door.name":{"a":1}}"#] {
            #expect(try owner.send("PATCH", "/api/settings", body).status == 400, "\(body)")
        }
        #expect(try owner.send("PATCH", "/api/settings", #"{"door.name":"Gate"}"#, type: "text/plain").status == 400)
        #expect(daemon.ask { $0.configuration.door.name } == "Front door")
        #expect(text(of: state + "/settings.yaml") == nil)
        daemon.stop()
    }

    @Test func `A member, a guest and a program neither see the settings nor change them`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        var others: [Visitor] = []
        for body in [
            #"{"name":"Ben","role":"member"}"#,
            #"{"name":"Gus","role":"guest","until":\#(Timestamp.now.seconds + 3600)}"#,
        ] {
            var visitor = try Visitor(daemon)
            try visitor.comeIn(try visitor.send("POST", "/api/join", #"{"invitation":"\#(try owner.invite(body))"}"#))
            others.append(visitor)
        }
        var program = try Visitor(daemon)
        program.token = try owner.send("POST", "/api/programs", #"{"name":"Home"}"#).object()["token"]
        for visitor in others + [program] {
            #expect(try visitor.send("GET", "/api/settings").status == 403)
            #expect(try visitor.send("PATCH", "/api/settings", #"{"door.name":"Mine"}"#).status == 403)
        }
        #expect(daemon.ask { $0.configuration.door.name } == "Front door")
        daemon.stop()
    }

    @Test func `Another picture and another sound begin without a restart, however often they change`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        for width in [640, 480, 160] {
            #expect(
                try owner.send(
                    "PATCH", "/api/settings", #"{"video.width":\#(width),"video.height":\#(width / 2)}"#
                ).status == 200)
        }
        wait(daemon) { $0.video?.source.size == VideoSize(width: 160, height: 80) }
        wait(daemon) { $0.devices.microphone == .tone }
        #expect(try owner.send("PATCH", "/api/settings", #"{"audio.capture":"none"}"#).status == 200)
        wait(daemon) { $0.devices.microphone == .none && $0.ending.isEmpty }
        // stopped while a pipeline is being replaced
        #expect(
            try owner.send("PATCH", "/api/settings", #"{"video.frame_rate":10,"audio.playback":"auto"}"#).status == 200)
        daemon.stop()
    }
}
