// benchmark-daemon [SECONDS] [WIDTHxHEIGHT]: what the whole daemon costs beside the encoder alone.
//
// In turn (A B A B), for SECONDS (10) each: x264 alone on the test card's pictures, paced as the daemon paces them; and
// the daemon on the same test card with one viewer who takes picture and sound. Prints CPU milliseconds a second, the
// ratio, and the resident memory.
import CLinux
import Camera
import Codecs
import Glibc
import Media
import NativePeer
import Wire

func fail(_ message: String) -> Never {
    let bytes = Array("benchmark-daemon: \(message)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
    exit(1)
}

let arguments = CommandLine.arguments
let seconds = arguments.count > 1 ? Int(arguments[1]) ?? 10 : 10
let sides = (arguments.count > 2 ? arguments[2] : "1280x720").split(separator: "x").compactMap { Int($0) }
guard sides.count == 2 else { fail("usage: benchmark-daemon [SECONDS] [WIDTHxHEIGHT]") }
let size = VideoSize(width: sides[0], height: sides[1])
let frameRate = 30.0
let bitrate = 2_500_000

func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// CPU milliseconds a second of x264 on the test card, drawing not counted.
func encoderAlone() throws -> Double {
    let card = TestCard(size: size, frameRate: frameRate, name: "Front door", label: "test card")
    let encoder = try H264Encoder(H264EncoderConfiguration(size: size, frameRate: frameRate, bitrate: bitrate))
    let start = now()
    var spent: Int64 = 0
    var isFirst = true
    while now() - start < Int64(seconds) * 1_000_000_000 {
        guard let frame = try card.nextFrame(timeout: .seconds(1), wanted: true) else { continue }
        let before = linux_thread_cpu_nanoseconds()
        _ = try encoder.encode(frame, forceKeyFrame: isFirst)
        spent += linux_thread_cpu_nanoseconds() - before
        isFirst = false
    }
    return Double(spent) / 1e6 / (Double(now() - start) / 1e9)
}

/// A daemon on the test card, in a process of its own.
final class RunningDaemon {
    let process: pid_t
    let port: UInt16
    private let folder: String

    init(binary: String) throws {
        var template = Array("/tmp/doorward-benchmark-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fail("cannot make a folder") }
        folder = String(cString: made)
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let settings = [
            "web.port=0", "web.address=127.0.0.1", "state.folder=\(folder)", "video.source=test_card",
            "audio.capture=tone",
            "audio.playback=none", "button.enabled=false", "video.width=\(size.width)", "video.height=\(size.height)",
            "video.frame_rate=\(Int(frameRate))", "video.bitrate_kbps=\(bitrate / 1000)",
        ]
        let words = [binary, "run"] + settings.flatMap { ["--set", $0] }
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        var child = pid_t()
        guard posix_spawn(&child, binary, &actions, nil, pointers, environ) == 0 else { fail("cannot start \(binary)") }
        for pointer in pointers { free(pointer) }
        close(ends[1])
        process = child
        port = Self.readPort(from: ends[0])
    }

    deinit {
        kill(process, SIGTERM)
        waitpid(process, nil, 0)
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
            where line.contains("http://127.0.0.1:") {
                let digits = line.split(separator: ":").last?.prefix { $0.isNumber } ?? ""
                if let port = UInt16(digits) { return port }
            }
        }
    }

    /// CPU time of all its threads in milliseconds, and resident kilobytes.
    var usage: (milliseconds: Double, residentKilobytes: Int) {
        // the scheduler's own account, to the nanosecond; /proc's counts whole ticks
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            fail("the daemon is gone")
        }
        let milliseconds = Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
        let line = Self.read("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let resident =
            line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
        return (milliseconds, resident)
    }

    private static func read(_ file: String) -> String {
        let descriptor = open(file, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}

/// CPU milliseconds a second of the daemon with one viewer, and its resident kilobytes.
func daemonWithOneViewer(_ daemon: RunningDaemon) throws -> (Double, Int) {
    let viewer = try NativePeer(calling: SocketAddress(.v4(0x7F00_0001), port: daemon.port), from: .v4(0x7F00_0001))
    guard viewer.run(for: .seconds(10), until: { $0.keyFrames > 0 }) else { fail("the viewer sees nothing") }
    let start = now()
    let before = daemon.usage.milliseconds
    viewer.run(for: .seconds(seconds))
    let after = daemon.usage
    let elapsed = Double(now() - start) / 1e9
    let pictures = Double(viewer.pictures) / elapsed
    guard pictures > frameRate * 0.9 else { fail("the viewer saw only \(pictures) pictures a second") }
    try viewer.hangUp()
    return ((after.milliseconds - before) / elapsed, after.residentKilobytes)
}

let binary =
    CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    + "/doorward"
print(
    "\(size), \(Int(frameRate)) pictures a second, \(bitrate / 1000) kbit/s, x264 superfast, \(seconds) s each; CPU ms a second"
)
do {
    var ratios: [Double] = []
    var resident = 0
    let daemon = try RunningDaemon(binary: binary)
    for round in 1...3 {
        let alone = try encoderAlone()
        let (whole, kilobytes) = try daemonWithOneViewer(daemon)
        ratios.append(whole / alone)
        resident = max(resident, kilobytes)
        func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
        print(
            "round \(round): x264 alone \(text(alone)), daemon with one viewer \(text(whole)), ratio \((whole / alone * 100).rounded() / 100)"
        )
    }
    let median = ratios.sorted()[ratios.count / 2]
    print(
        "median ratio \((median * 100).rounded() / 100) (at most 1.25 is wanted), resident \(resident / 1024) MB (under 60 is wanted)"
    )
} catch {
    fail("\(error)")
}
