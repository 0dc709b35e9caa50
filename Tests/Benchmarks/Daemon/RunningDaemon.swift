import Glibc
import Synchronization
import Wire

/// The daemon that ends with this process, whatever the reason; 0 for none.
let runningDaemon = Atomic<pid_t>(0)

/// A daemon in a process of its own.
final class RunningDaemon {
    let process: pid_t
    let address: SocketAddress
    private let folder: String
    /// The daemon's log, to which it must never wait to write.
    private let log: Int32

    /// Starts `binary` with these settings besides those that every benchmark has, and waits until it serves.
    init(binary: String, settings: [String]) {
        var template = Array("/tmp/doorward-benchmark-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fail("cannot make a folder") }
        folder = String(cString: made)
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let common = [
            "web.port=0", "web.https=false", "web.authentication=none", "network.stun_fallback=",
            "web.address=127.0.0.1", "state.folder=\(folder)", "audio.playback=none", "button.enabled=false",
        ]
        let words = [binary, "run"] + (common + settings).flatMap { ["--set", $0] }
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        var child = pid_t()
        guard posix_spawn(&child, binary, &actions, nil, pointers, environ) == 0 else { fail("cannot start \(binary)") }
        for pointer in pointers { free(pointer) }
        posix_spawn_file_actions_destroy(&actions)
        close(ends[1])
        process = child
        runningDaemon.store(child, ordering: .relaxed)
        log = ends[0]
        address = SocketAddress(.v4(0x7F00_0001), port: Self.readPort(from: log))
        _ = fcntl(log, F_SETFL, O_NONBLOCK)
    }

    deinit {
        kill(process, SIGTERM)
        drainLog()
        waitpid(process, nil, 0)
        runningDaemon.store(0, ordering: .relaxed)
        close(log)
        unlink(folder + "/certificate.pem")
        rmdir(folder)
    }

    private static func readPort(from descriptor: Int32) -> UInt16 {
        var log = ""
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &bytes, bytes.count)
            guard count > 0 else { fail("the daemon did not start:\n\(log)") }
            log += String(decoding: bytes.prefix(count), as: UTF8.self)
            for line in log.split(separator: "\n", omittingEmptySubsequences: true)
            where line.contains("page: http://") {
                let digits = line.split(separator: ":").last?.prefix { $0.isNumber } ?? ""
                if let port = UInt16(digits) { return port }
            }
        }
    }

    /// Takes what the daemon has written.
    func drainLog() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while Glibc.read(log, &bytes, bytes.count) > 0 {}
    }

    /// CPU time of all its threads so far, in milliseconds.
    var cpu: Double {
        // the scheduler's own account, to the nanosecond; /proc's counts whole ticks
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            fail("the daemon is gone")
        }
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
    }

    /// What it keeps in memory, in megabytes.
    var residentMegabytes: Double {
        let descriptor = open("/proc/\(process)/status", O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        let status = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
        guard words.count > 1, let kilobytes = Double(words[1]) else { fail("the daemon's memory cannot be read") }
        return kilobytes / 1024
    }
}
