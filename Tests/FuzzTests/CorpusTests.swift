import FoundationEssentials
import FuzzTargets
import Testing

/// What fuzzing has found worth keeping, given to its target once more. `board/fuzz` finds more.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/Corpus")

    @Test(arguments: FuzzTarget.allCases) func `every input of the corpus is survived`(target: FuzzTarget) throws {
        let folder = Self.folder.appending(path: target.rawValue).path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(!names.isEmpty)
        for name in names {
            let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"), "\(name)")
            target.run(Array(bytes))
        }
    }

    @Test(arguments: FuzzTarget.allCases) func `every well-formed input is survived`(target: FuzzTarget) {
        #expect(!target.seeds.isEmpty)
        for seed in target.seeds {
            #expect(seed.count <= target.maximumLength)
            target.run(seed)
        }
    }
}
