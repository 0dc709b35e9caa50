import Glibc

/// A process and its descendants.
struct ProcessTree {
    let root: pid_t

    /// The processes that there are now.
    private var members: [pid_t] {
        var members = [root]
        var next = 0
        while next < members.count {
            members += Self.children(of: members[next])
            next += 1
        }
        return members
    }

    /// CPU time of all their threads so far, in milliseconds. Of a child that has ended nothing is known.
    func cpu() throws(PeerFailure) -> Double {
        var sum = 0.0
        for process in members {
            // the scheduler's own account, to the nanosecond; /proc's counts whole ticks
            var clock = clockid_t()
            var time = timespec()
            guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else {
                throw PeerFailure("it is gone")
            }
            sum += Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
        }
        return sum
    }

    /// What they keep in memory, in megabytes.
    func residentMegabytes() throws(PeerFailure) -> Double {
        var sum = 0.0
        for process in members {
            let line = Self.read("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
            guard words.count > 1, let kilobytes = Double(words[1]) else { throw PeerFailure("it is gone") }
            sum += kilobytes / 1024
        }
        return sum
    }

    private static func children(of process: pid_t) -> [pid_t] {
        guard let folder = opendir("/proc/\(process)/task") else { return [] }
        defer { closedir(folder) }
        var children: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let thread = pid_t(name) else { continue }
            children += read("/proc/\(process)/task/\(thread)/children").split(separator: " ").compactMap { pid_t($0) }
        }
        return children
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
