import Testing
import Web
import Wire

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct SnapshotTests {
    private let folder = TemporaryFolder()

    @Test func `A program has the picture of this moment, though nobody watches`() throws {
        let daemon = TestDaemon(state: folder.path + "/state")
        defer { daemon.stop() }
        let visitor = try Visitor(daemon)
        // the camera, or the card, is there a moment after the door
        var answer = try visitor.send("GET", "/api/snapshot")
        while answer.status == 503 { answer = try visitor.send("GET", "/api/snapshot") }
        #expect(answer.status == 200)
        #expect(answer.header("content-type") == "image/jpeg")
        #expect(answer.header("cache-control") == "no-store")
        #expect(answer.body.prefix(2) == [0xFF, 0xD8] && answer.body.suffix(2) == [0xFF, 0xD9])
        #expect(answer.body.count > 2000)
        #expect(daemon.ask { $0.video?.capturedCount } == 0)
    }

    @Test func `Where there is no picture the answer says so`() throws {
        let daemon = TestDaemon(state: folder.path + "/state") { configuration in
            configuration.video.source = .file
            configuration.video.file = "/nowhere.h264"
        }
        defer { daemon.stop() }
        let answer = try Visitor(daemon).send("GET", "/api/snapshot")
        #expect(answer.status == 503)
        #expect(answer.text.contains("no_picture"))
    }

    @Test func `Of many who ask none is forgotten, and too many are refused`() {
        let requests = SnapshotRequests()
        let answers = Record<Bool>()
        requests.add { answers.append($0 != nil) }
        #expect(answers.values == [false])
        requests.pictures(areThere: true)
        for _ in 0..<20 { requests.add { answers.append($0 != nil) } }
        #expect(answers.values.count == 1 + 4)
        requests.pictures(areThere: false)
        #expect(answers.values.count == 21 && !answers.values.contains(true))
        #expect(!requests.isWanted)
    }
}
