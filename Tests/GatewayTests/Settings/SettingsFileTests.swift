import Glibc
import Testing
import Wire

@testable import Gateway

@Suite struct SettingsFileTests {
    private let place = TemporaryFolder()
    private var folder: StateFolder { StateFolder(path: place.path) }

    private func layers(_ changes: [String: SettingValue?]) throws -> ConfigurationLayers {
        var layers = ConfigurationLayers(given: Configuration())
        try layers.change(changes)
        return layers
    }

    private func loaded(_ folder: StateFolder) -> (layers: ConfigurationLayers, problems: [String]) {
        var layers = ConfigurationLayers(given: Configuration())
        let problems = SettingsFile(in: folder).load(into: &layers)
        return (layers, problems)
    }

    @Test func `What was kept is what is read, for the owner's eyes alone`() throws {
        #expect(loaded(folder).problems == [])
        let kept = try layers([
            "door.name": .text("Anna's \"gate\": # \\ ü 🚪"), "calls.max_duration_ms": .number(0),
            "audio.capture": .text("none"), "network.stun_fallback": .text("stun:[::1]:3478"),
        ])
        try SettingsFile(in: folder).save(kept)
        let found = loaded(folder)
        #expect(found.problems == [])
        #expect(found.layers.configuration == kept.configuration)
        #expect(found.layers.owned == kept.owned)
        #expect(permissions(of: folder.settingsFile) == 0o600)
        #expect(TemporaryFolder.names(in: place.path) == ["settings.yaml"])
    }

    @Test func `Of a file that is wrong in part, what is wrong is told and passed over`() throws {
        put(
            """
            door: { name: Gate }
            calls:
              ring_timeout_ms: soon
              resume_ms: 5000
            web: { port: 80 }
            dor: { name: Gate }
            """, at: folder.settingsFile)
        let (layers, problems) = loaded(folder)
        #expect(layers.owned == ["door.name", "calls.resume_ms"])
        #expect(layers.configuration.door.name == "Gate")
        #expect(layers.configuration.calls.resumptionGrace == .seconds(5))
        #expect(layers.configuration.web.port == Configuration().web.port)
        #expect(problems.count == 3)
        for words in ["3:20: calls.ring_timeout_ms", "web.port: is not for the page", "dor: is no section"] {
            #expect(problems.contains { $0.contains(words) && $0.hasSuffix("it is passed over") }, "\(words)")
        }
    }

    @Test func `A file that is no YAML, or too long, keeps no door from starting`() throws {
        for damaged in ["door: {", "- 1", "\u{1}", String(repeating: "#\n", count: 600_000)] {
            put(damaged, at: folder.settingsFile)
            let (layers, problems) = loaded(folder)
            #expect(layers.configuration == Configuration())
            #expect(problems.count == 1)
            #expect(problems.first?.contains(folder.settingsFile) == true)
        }
        let daemon = TestDaemon(state: place.path)
        #expect(daemon.startError == nil)
        daemon.stop()
    }

    @Test func `A power cut at any step leaves the old settings or the new, and takes nothing back that was kept`()
        throws
    {
        let (old, new) = (try layers(["door.name": .text("Old")]), try layers(["door.name": .text("New")]))
        var outcomes: Set<String> = []
        for seed in 0..<30 as Range<UInt64> {
            for step in 0...8 {
                let disk = CrashingDisk()
                let folder = StateFolder(path: "/state", disk: disk)
                try SettingsFile(in: folder).save(old)
                disk.cutPower(beforeStep: step)
                let isKept = (try? SettingsFile(in: folder).save(new)) != nil
                disk.restart(random: SeededRandomSource(seed: seed))
                let (found, problems) = loaded(folder)
                let name = found.configuration.door.name
                #expect(problems == [] && (name == "New" || !isKept && name == "Old"), "step \(step), seed \(seed)")
                outcomes.insert(isKept ? "kept" : name)
            }
        }
        #expect(outcomes == ["kept", "New", "Old"], "the cuts were where they matter")
    }

    @Test func `What cannot be kept is not done`() throws {
        put("", at: place.path + "/file")
        let answers = Handover<String>(capacity: 4)
        for folder in [nil, StateFolder(path: place.path + "/file/state")] {
            let keeper = SettingsKeeper(ConfigurationLayers(given: Configuration()), in: folder) { _ in }
            keeper.change(["door.name": .text("Gate")]) { result in
                if case .failure(.notKept) = result { answers.give("not kept") } else { answers.give("kept") }
            }
            #expect(answers.take(timeout: .seconds(30)) == "not kept")
            #expect(keeper.layers.configuration.door.name == "Front door")
            keeper.stop()
        }
    }
}
