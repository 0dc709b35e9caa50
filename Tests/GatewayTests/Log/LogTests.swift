import Glibc
import Testing

@testable import Gateway

@Suite struct LogTests {
    private let time = WallClock(epochMilliseconds: 1_763_629_507_042)

    @Test func `An entry is one line with its time and level`() {
        let line = Log(level: .info, isJournal: false).line(.warning, "the camera is gone", at: time)
        #expect(line.hasSuffix(".042  warning  the camera is gone\n"))
        // the date depends on the time zone of whoever runs this
        #expect(line.prefix { $0 != " " }.split(separator: "-").map(\.count) == [4, 2, 2])
    }

    @Test func `Levels are aligned`() {
        let log = Log(level: .debug, isJournal: false)
        let starts = Configuration.Log.Level.allCases.map { level in
            Array(log.line(level, "§", at: time)).firstIndex(of: "§")
        }
        #expect(Set(starts).count == 1)
    }

    @Test(arguments: zip(Configuration.Log.Level.allCases, ["<3>", "<4>", "<6>", "<7>"]))
    func `The journal gets its priority in place of the time`(level: Configuration.Log.Level, prefix: String) {
        #expect(Log(level: .debug, isJournal: true).line(level, "message", at: time) == "\(prefix)message\n")
    }

    @Test(arguments: [
        "\n", "\r", "\r\n", "\u{0B}", "\u{0C}", "\u{85}", "\u{2028}", "\u{2029}", "\u{1B}", "\u{9B}", "\u{0}", "\u{8}",
        "\u{7F}",
    ])
    func `No text forges a line or drives the terminal`(control: String) {
        let line = Log(level: .info, isJournal: true).line(.info, "“Eve\(control)<3>forged” calls", at: time)
        #expect(line.unicodeScalars.filter { $0.properties.generalCategory == .control } == ["\n"])
        #expect(line.split(whereSeparator: \.isNewline).count == 1)
        #expect(line.hasPrefix("<6>“Eve␤"))
        #expect(line.hasSuffix("<3>forged” calls\n"))
    }

    @Test func `Names of any script stay as they are`() {
        let name = "Küche 厨房 👩‍👩‍👧 مطبخ"
        #expect(Log(level: .info, isJournal: true).line(.info, name, at: time) == "<6>\(name)\n")
    }

    @Test func `Only a descriptor that is the journal's stream counts as the journal`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var information = stat()
        try #require(fstat(ends[1], &information) == 0)
        let stream = "\(information.st_dev):\(information.st_ino)"
        #expect(Log.isJournal(stream, descriptor: ends[1]))
        #expect(!Log.isJournal("\(information.st_dev):\(information.st_ino + 1)", descriptor: ends[1]))
        #expect(!Log.isJournal("", descriptor: ends[1]))
        #expect(!Log.isJournal(nil, descriptor: ends[1]))
        #expect(!Log.isJournal(stream, descriptor: -1))
    }

    @Test(arguments: [
        (Duration.zero, "0 ms"), (.microseconds(999), "0 ms"), (.milliseconds(63), "63 ms"),
        (.milliseconds(999), "999 ms"), (.seconds(1), "1.0 s"), (.milliseconds(5290), "5.2 s"),
        (.milliseconds(59_999), "59.9 s"), (.seconds(60), "1 min 0 s"), (.seconds(725), "12 min 5 s"),
        (.seconds(3599), "59 min 59 s"), (.seconds(3600), "1 h 0 min"), (.seconds(11_520), "3 h 12 min"),
        (.seconds(360_000), "100 h 0 min"),
    ])
    func `A duration in words has two units at most`(duration: Duration, words: String) {
        #expect(duration.inWords == words)
    }
}
