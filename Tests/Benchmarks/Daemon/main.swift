// benchmark-daemon [ROUNDS] [SECONDS] [ROW…]: what the whole daemon costs and how fast it is, beside the least that the work can cost, and beside
// other peers that do the same work; each figure of ours against its limit. Exits with 1 where one is over it. ROWs: ready, live, memory, call; all,
// unless some are named.
//
// Everything is measured ROUNDS (3) times in turn (A B A B), CPU for SECONDS (6) each, and the medians are printed. Each peer is a process of its
// own, whose CPU time is the scheduler's account of it and of what it starts; its viewers are native peers, in threads of this process. Where the
// others' servers (Tests/Benchmarks/Others) are, the environment says: GSTREAMER_SERVER, PION_SERVER.
import Glibc
import Media
import Wire

var arguments = CommandLine.arguments.dropFirst()
@MainActor
func takeNumber(or standard: Int) -> Int {
    guard let number = arguments.first.flatMap({ Int($0) }), number > 0 else { return standard }
    arguments.removeFirst()
    return number
}
var benchmark = Benchmark(
    rounds: takeNumber(or: 3), seconds: takeNumber(or: 6),
    scene: Scene(size: VideoSize(width: 1280, height: 720), frameRate: 30, bitrate: 2_500_000))
// Who ends the benchmark ends what it runs.
for number in [SIGHUP, SIGINT, SIGTERM] {
    _ = signal(number) { number in
        endRunningProcess()
        _exit(128 + number)
    }
}
do {
    tell("\(benchmark.rounds) rounds, \(benchmark.seconds) s each")
    for row in arguments.isEmpty ? ["ready", "live", "memory", "call"] : Array(arguments) {
        switch row {
        case "ready": try benchmark.sendReadyStream()
        case "live": try benchmark.sendLive()
        case "memory": try benchmark.watchMemory()
        case "call": try benchmark.call()
        default: fail("there is no row “\(row)”: they are ready, live, memory, call")
        }
    }
} catch {
    tell(benchmark.report.table)
    fail("\(error)")
}
print(benchmark.report.table)
exit(benchmark.report.isOver ? 1 : 0)
