// benchmark-daemon [ROUNDS] [SECONDS] [ROW…]: what the whole daemon costs and how fast it is, beside the least that the work can cost; each figure
// against its limit. Exits with 1 where one is over it. ROWs: ready, live, memory, call; all, unless some are named.
//
// Everything is measured ROUNDS (3) times in turn (A B A B), CPU for SECONDS (6) each, and the medians are printed. The daemon is a process of its
// own, whose CPU time is the scheduler's account of it; its viewers are native peers, in threads of this process.
import Glibc
import Media
import NativePeer
import Wire

var arguments = CommandLine.arguments.dropFirst()
@MainActor
func takeNumber(or standard: Int) -> Int {
    guard let number = arguments.first.flatMap({ Int($0) }), number > 0 else { return standard }
    arguments.removeFirst()
    return number
}
let rounds = takeNumber(or: 3)
let seconds = takeNumber(or: 6)
let rows = arguments.isEmpty ? ["ready", "live", "memory", "call"] : Array(arguments)
let scene = Scene(size: VideoSize(width: 1280, height: 720), frameRate: 30, bitrate: 2_500_000)
let program =
    CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    + "/doorward"
var report = Report()

/// A stream that is encoded already, to one viewer and to sixteen; the bare loop beside it.
@MainActor
func sendReadyStream() throws {
    let stream = try ReadyStream(scene)
    let counts = [1, 16]
    for round in 1...rounds {
        for viewers in counts {
            let floor = stream.bareLoop(viewers: viewers, seconds: seconds) / Double(viewers)
            let daemon = RunningDaemon(binary: program, settings: stream.settings)
            let watching = Viewers(viewers, of: daemon)
            sleep(2)  // the estimators' first probes are over
            let cpu =
                watching.cpu(of: daemon, during: seconds, frameRate: scene.frameRate) / Double(viewers)
            watching.hangUp()
            report.note("floor \(viewers)", floor)
            report.note("ready \(viewers)", cpu)
            print("  round \(round): ready stream to \(viewers): \(text(cpu)) ms/s a viewer; bare loop \(text(floor))")
        }
    }
    for (viewers, limit) in zip(counts, [9, 1.5]) {
        report.row(
            "ready 720p30 stream of \(text(stream.bitrate / 1e6)) Mbit/s and Opus to \(viewers), CPU a second and viewer",
            report.median("ready \(viewers)"), "ms", limit: limit,
            beside: "packetise, AES-GCM and UDP_SEGMENT alone: \(text(report.median("floor \(viewers)")))")
    }
}

/// The test card with its sound to one viewer, beside x264 alone; and how long a picture takes to its last packet.
@MainActor
func sendLive() throws {
    let alone = try EncoderAlone(scene)
    var delays: [Double] = []
    for round in 1...rounds {
        let encoding = try alone.cpu(during: seconds)
        let daemon = RunningDaemon(binary: program, settings: scene.settings)
        let watching = Viewers(1, of: daemon)
        sleep(2)
        let cpu = watching.cpu(of: daemon, during: seconds, frameRate: scene.frameRate)
        delays += watching.delays
        watching.hangUp()
        report.note("live", cpu / encoding)
        print(
            "  round \(round): x264 alone \(text(encoding)) ms/s; live to 1 \(text(cpu)), ratio \(text(cpu / encoding))"
        )
    }
    report.row(
        "live 720p30 from raw frames to 1 with sound, CPU over x264 alone", report.median("live"), "times", limit: 1.07,
        beside: "x264 superfast")
    let encoding = alone.durations.median
    report.row(
        "picture taken → its last packet received", delays.median, "ms", limit: encoding + 0.3,
        beside: "the encode alone: \(text(encoding))")
}

/// What the daemon keeps in memory.
@MainActor
func watchMemory() {
    for _ in 1...rounds {
        let daemon = RunningDaemon(binary: program, settings: scene.settings)
        for viewers in [1, 4] {
            let watching = Viewers(viewers, of: daemon)
            sleep(5)  // what a call's beginning needs is let go
            report.note("memory \(viewers)", daemon.residentMegabytes)
            watching.hangUp()
        }
    }
    for (viewers, limit) in [(1, 40.0), (4, 44)] {
        report.row(
            "resident memory, live 720p30 to \(viewers)", report.median("memory \(viewers)"), "MB", limit: limit,
            beside: "the greatest of \(rounds): \(text(report.greatest("memory \(viewers)")))")
    }
}

/// How soon a viewer has a connection, and a picture: the first, and one who joins another.
@MainActor
func call() throws {
    let daemon = RunningDaemon(binary: program, settings: scene.settings)
    for kind in ["first", "joining"] {
        let watching = kind == "first" ? nil : Viewers(1, of: daemon)
        for number in 0..<(rounds * 7) {
            // at any phase of the camera's; after the shortest time between two key frames
            usleep(UInt32(700_000 + number * 7919 % 34 * 1000))
            let peer = try NativePeer(calling: daemon.address, from: daemon.address.ip)
            guard peer.run(for: .seconds(10), until: { $0.keyFrames > 0 }), let connected = peer.connected,
                let seen = peer.firstKeyFrame
            else { fail("a call brought no picture") }
            report.note("connected \(kind)", connected.milliseconds)
            report.note("seen \(kind)", seen.milliseconds)
            try peer.hangUp()
        }
        watching?.hangUp()
        let who = kind == "first" ? "a first viewer's call" : "the call of one who joins another"
        report.row(
            "\(who) → connected", report.median("connected \(kind)"), "ms", limit: 8,
            beside: "the greatest: \(text(report.greatest("connected \(kind)")))")
        report.row(
            "\(who) → first key frame received", report.median("seen \(kind)"), "ms", limit: 40,
            beside: "the greatest: \(text(report.greatest("seen \(kind)")))")
    }
}

do {
    print("\(rounds) rounds, \(seconds) s each")
    for row in rows {
        switch row {
        case "ready": try sendReadyStream()
        case "live": try sendLive()
        case "memory": watchMemory()
        case "call": try call()
        default: fail("there is no row “\(row)”: they are ready, live, memory, call")
        }
    }
} catch {
    fail("\(error)")
}
exit(report.isOver ? 1 : 0)
