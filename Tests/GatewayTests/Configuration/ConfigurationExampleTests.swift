import Foundation
import ICE
import Testing

@testable import Gateway

@Suite(.serialized) struct ConfigurationExampleTests {
    /// The file that is installed as /etc/doorward/doorward.yaml.
    private let path = URL(filePath: #filePath).appending(path: "../../../../systemd/doorward.yaml").standardized.path

    @Test func `The example file is what the table of keys writes`() throws {
        // So it holds every key, its documentation and its default. To renew it after a change of the table:
        // DOORWARD_RENEW_EXAMPLE=1 swift test --filter ConfigurationExampleTests
        if ProcessInfo.processInfo.environment["DOORWARD_RENEW_EXAMPLE"] != nil {
            try Configuration().yaml.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == Configuration().yaml)
    }

    @Test func `The example file gives the defaults`() throws {
        #expect(try Configuration.load(file: path) == Configuration())
    }

    @Test func `The example file sets every key that exists`() throws {
        let root = try #require(try YAMLReader.read(Array(Data(contentsOf: URL(filePath: path)))))
        var paths: [String] = []
        for (section, keys) in mapping(root) {
            paths += mapping(keys).map { "\(section).\($0.0)" }
        }
        #expect(paths == Configuration.sections.flatMap(\.keys).map(\.path))
        #expect(Set(paths).count == paths.count)
    }

    @Test func `Every property of every section has a key`() {
        for (section, child) in zip(Configuration.sections, Mirror(reflecting: Configuration()).children) {
            #expect(child.label == section.name)
            #expect(Mirror(reflecting: child.value).children.count == section.keys.count, "\(section.name)")
        }
        #expect(Mirror(reflecting: Configuration()).children.count == Configuration.sections.count)
    }

    @Test func `What is written is read back`() throws {
        var configuration = Configuration()
        configuration.door.name = "The \"back\" door: \\ # ü"
        configuration.network.turnUsername = "\0\u{7}\t\r\n\u{7F}\u{85}\u{A0}\u{2028}\u{2029}\u{FEFF}\u{FFFE}🚪"
        configuration.network.udpPorts = 5000...5001
        configuration.network.stunServers = [try #require(RTCIceServerURL("[::1]", defaultScheme: .stun))]
        configuration.button.debounce = .zero
        #expect(try load(configuration.yaml) == configuration)
    }

    private func mapping(_ node: YAMLNode) -> [(String, YAMLNode)] {
        guard case .mapping(let entries) = node.content else { return [] }
        return entries.map { entry in
            guard case .plain(let name) = entry.key.content else { return ("", entry.value) }
            return (name, entry.value)
        }
    }
}
