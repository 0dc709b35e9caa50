import Glibc

/// The owner's log: one line an event on standard error. Under systemd the lines carry the journal's priorities in
/// place of a time.
struct Log: Sendable {
    /// Entries above this level are not written.
    let level: Configuration.Log.Level
    private let isJournal: Bool

    init(level: Configuration.Log.Level) {
        self.level = level
        isJournal = getenv("JOURNAL_STREAM") != nil
    }

    func error(_ message: @autoclosure () -> String) { write(.error, message) }
    func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
    func info(_ message: @autoclosure () -> String) { write(.info, message) }
    func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

    private func write(_ entryLevel: Configuration.Log.Level, _ message: () -> String) {
        guard entryLevel <= level else { return }
        var line = prefix(entryLevel)
        // what a peer sent may stand in a message: it must not forge a line of its own
        line += message().map { $0.isNewline || $0 == "\u{1B}" ? "␤" : String($0) }.joined() + "\n"
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                if written < 0 && errno != EINTR { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(written, 0)))
            }
        }
    }

    private func prefix(_ level: Configuration.Log.Level) -> String {
        if isJournal {
            switch level {
            case .error: return "<3>"
            case .warning: return "<4>"
            case .info: return "<6>"
            case .debug: return "<7>"
            }
        }
        return "\(WallClock.now.logText)  \(level.rawValue.padded(to: 7))  "
    }
}

extension String {
    /// This text followed by spaces up to `width` characters.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

/// The time of day, for people; everything that measures uses `Instant`.
struct WallClock {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    let epochMilliseconds: Int64

    static var now: WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallClock(epochMilliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The parts of the local time.
    var local: tm {
        var seconds = time_t(epochMilliseconds / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return parts
    }

    /// `2026-11-20 09:05:07.042`, local time.
    var logText: String {
        let parts = local
        let two = { (value: Int32) in value < 10 ? "0\(value)" : "\(value)" }
        let millisecond = String(1000 + epochMilliseconds % 1000).dropFirst()
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(millisecond)"
    }
}
