import Glibc
import Wire

/// The owner's log: one line an event on standard error. Where that is the journal, the lines carry its priorities in
/// place of a time.
struct Log: Sendable {
    /// Entries above this level are not written.
    let level: Configuration.Log.Level
    private let isJournal: Bool

    init(level: Configuration.Log.Level) {
        self.init(level: level, isJournal: Self.isJournal(getenv("JOURNAL_STREAM").map { String(cString: $0) }))
    }

    init(level: Configuration.Log.Level, isJournal: Bool) {
        self.level = level
        self.isJournal = isJournal
    }

    /// Whether standard error is the journal's stream `device:inode`. The variable alone does not say so: what a
    /// service starts inherits it, a terminal of a desktop session among them (systemd.exec(5), `$JOURNAL_STREAM`).
    static func isJournal(_ stream: String?, descriptor: Int32 = STDERR_FILENO) -> Bool {
        var information = stat()
        guard let stream, fstat(descriptor, &information) == 0 else { return false }
        return stream == "\(information.st_dev):\(information.st_ino)"
    }

    func error(_ message: @autoclosure () -> String) { write(.error, message) }
    func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
    func info(_ message: @autoclosure () -> String) { write(.info, message) }
    func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

    private func write(_ entryLevel: Configuration.Log.Level, _ message: () -> String) {
        guard entryLevel <= level else { return }
        var line = line(entryLevel, message(), at: .now)
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                if written < 0 && errno != EINTR { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(written, 0)))
            }
        }
    }

    /// An entry as it is written. What a peer sent may stand in `message`: it must neither forge a line of its own nor
    /// drive the terminal that shows it.
    func line(_ level: Configuration.Log.Level, _ message: String, at time: WallClock) -> String {
        var line = prefix(level, at: time)
        for scalar in message.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: line += "␤"
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line + "\n"
    }

    private func prefix(_ level: Configuration.Log.Level, at time: WallClock) -> String {
        if isJournal {
            switch level {
            case .error: return "<3>"
            case .warning: return "<4>"
            case .info: return "<6>"
            case .debug: return "<7>"
            }
        }
        return "\(time.logText)  \(level.rawValue.padded(to: 7))  "
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

    /// The instant of the loop's clock at which Unix time began, seen from `now`.
    static func unixEpoch(at now: Instant) -> Instant {
        now - .milliseconds(WallClock.now.epochMilliseconds)
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
