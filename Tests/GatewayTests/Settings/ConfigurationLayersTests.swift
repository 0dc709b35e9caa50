import Testing

@testable import Gateway

@Suite struct ConfigurationLayersTests {
    private func layers(
        _ file: String = "", environment: [String: String] = [:], overrides: [String] = []
    ) throws -> ConfigurationLayers {
        try withFile(Array(file.utf8)) { path in
            Result { () throws(ConfigurationErrors) in
                try ConfigurationLayers(file: path, environment: environment, overrides: overrides)
            }
        }.get()
    }

    private func key(_ path: String) throws -> ConfigurationSection.Key {
        try #require(Configuration.keys.first { $0.path == path })
    }

    @Test func `Each layer overrides those below it, and says where the value is from`() throws {
        let file = "calls: { ring_timeout_ms: 10000 }"
        let variable = "DOORWARD_CALLS_RING_TIMEOUT_MS"
        let key = try key("calls.ring_timeout_ms")
        let check = { (layers: ConfigurationLayers, timeout: Int, source: ConfigurationLayers.Source) in
            #expect(layers.configuration.calls.ringTimeout == .milliseconds(timeout))
            #expect(layers.source(of: key) == source)
        }
        var plain = try layers()
        check(plain, 30_000, .default)
        var configured = try layers(file)
        check(configured, 10_000, .file)
        var varied = try layers(file, environment: [variable: "40000"])
        check(varied, 40_000, .environment(variable: variable))
        var argued = try layers(
            file, environment: [variable: "40000"], overrides: ["calls.ring_timeout_ms=50000"])
        check(argued, 50_000, .arguments)

        for index in 0..<2 {
            try plain.change(["calls.ring_timeout_ms": .number(20_000)])
            check(plain, 20_000, .page)
            try configured.change(["calls.ring_timeout_ms": .number(20_000)])
            check(configured, 20_000, .page)
            guard index == 0 else { break }
            try plain.change(["calls.ring_timeout_ms": nil])
            check(plain, 30_000, .default)
            try configured.change(["calls.ring_timeout_ms": nil])
            check(configured, 10_000, .file)
        }
        for (layers, words) in [(varied, variable), (argued, "--set")] {
            var changed = layers
            let error = #expect(throws: WrongSettings.self) {
                try changed.change(["calls.ring_timeout_ms": .number(20_000)])
            }
            #expect(error?.problems["calls.ring_timeout_ms"]?.contains(words) == true)
        }
        // set on the page before the variable was there: it waits until that is gone
        let kept = configured.ownersYAML
        #expect(varied.readOwners(Array(kept.utf8), of: "s", keys: OwnerSettings.paths).isEmpty)
        check(varied, 40_000, .environment(variable: variable))
        #expect(varied.ownersYAML == kept)
        #expect(argued.readOwners(Array(kept.utf8), of: "s", keys: OwnerSettings.paths).isEmpty)
        check(argued, 50_000, .arguments)
    }

    @Test func `Changes are made all or not at all, and what is wrong is told by name as the file's is`() throws {
        var layers = try layers()
        try layers.change([
            "door.name": .text("Gate"), "audio.playback": .text("none"), "network.stun_fallback": .text(""),
            "video.width": .number(640),
        ])
        let before = layers.ownersYAML
        #expect(layers.configuration.door.name == "Gate")
        #expect(layers.configuration.audio.playback == .none)
        #expect(layers.configuration.network.stunFallback == nil)
        #expect(layers.configuration.video.width == 640)
        let wrong: [(String, SettingValue, String)] = [
            ("door.name", .text(""), "wants text of 1 to 64 characters"),
            ("door.name", .text(" \t "), "wants text"), ("door.name", .text("two\nlines"), "wants text"),
            ("door.name", .text("a\u{2028}b"), "wants text"),
            ("door.name", .text(String(repeating: "x", count: 65)), "wants text"),
            ("door.name", .text("x" + String(repeating: "\u{301}", count: 300)), "wants text"),
            ("calls.ring_timeout_ms", .number(999), "from 1000 to 600000 (milliseconds), not \"999\""),
            ("calls.ring_timeout_ms", .number(2000.5), "wants a whole number"),
            ("calls.ring_timeout_ms", .number(1e300), "wants a whole number"),
            ("calls.ring_timeout_ms", .text("2000"), "wants a whole number"),
            ("calls.ring_timeout_ms", .boolean(true), "wants a whole number"),
            ("video.width", .number(641), "an even number"), ("audio.playback", .text("loud"), "auto, device or none"),
            ("network.stun_fallback", .text("http://x"), "the URI of a server"),
            ("web.port", .number(80), "cannot be changed here"), ("turn", .text("x"), "cannot be changed here"),
            ("network.turn_secret", .text("x"), "cannot be changed here"),
            ("lock.pulse_ms", .number(1000), "cannot be changed here"),
        ]
        for (path, value, problem) in wrong {
            let changes: [String: SettingValue?] = ["calls.resume_ms": .number(1000), path: value]
            let error = #expect(throws: WrongSettings.self) { try layers.change(changes) }
            #expect(error.map { Array($0.problems.keys) } == [path], "\(path) \(value)")
            #expect(error?.problems[path]?.contains(problem) == true, "\(error?.problems[path] ?? "")")
        }
        #expect(layers.ownersYAML == before)
    }

    @Test func `The page may set what exists, has a form, and keeps nobody out`() {
        let keys = Configuration.keys.filter { OwnerSettings.paths.contains($0.path) }
        #expect(keys.count == OwnerSettings.paths.count)
        for key in keys {
            #expect(key.shape != .list)
            #expect(!["web", "state", "meeting", "publish", "button", "log"].contains { key.path.hasPrefix("\($0).") })
            for word in ["turn", "port", "device", "file", "folder", "line", "chip"] {
                #expect(!key.path.contains("_\(word)") && !key.path.hasSuffix(".\(word)"), "\(key.path)")
            }
        }
    }

    @Test func `A lock's and a chime's settings are there where these are`() throws {
        let shown = { (layers: ConfigurationLayers) in Set(SettingsView(layers).settings.map(\.name)) }
        let without = shown(try layers())
        #expect(without == OwnerSettings.paths.subtracting(["lock.pulse_ms", "chime.mode"]))
        var layers = try layers("lock: { line: 17 }\nchime: { line: 18 }")
        #expect(shown(layers) == OwnerSettings.paths)
        try layers.change(["lock.pulse_ms": .number(1500), "chime.mode": .text("blink")])
        #expect(layers.configuration.lock.pulse == .milliseconds(1500))
        #expect(layers.configuration.chime.mode == .blink)
    }

    @Test func `A setting is shown with its value, default, source and form`() throws {
        var layers = try layers("video: { width: 800 }", overrides: ["video.height=600"])
        try layers.change(["video.width": .number(640), "door.name": .text("Gate \"1\" ü")])
        let settings = SettingsView(layers).settings
        let find = { (name: String) in try #require(settings.first { $0.name == name }) }
        let width = try find("video.width")
        #expect(width.value == .number(640) && width.default == .number(800) && width.source == "page")
        #expect(width.isChangeable && width.kind == "number")
        #expect(width.minimum == 64 && width.maximum == 3840 && width.step == 2 && width.unit == nil)
        let height = try find("video.height")
        #expect(height.value == .number(600) && height.source == "arguments" && !height.isChangeable)
        let name = try find("door.name")
        #expect(name.value == .text("Gate \"1\" ü") && name.default == .text("Front door") && name.longest == 64)
        #expect(try find("calls.ring_timeout_ms").unit == "ms")
        let playback = try find("audio.playback")
        #expect(playback.choices == ["auto", "device", "none"] && playback.value == .text("auto"))
        #expect(try find("network.stun_fallback").value == .text("stun:stun.l.google.com:19302"))
    }
}
