// benchmark-peer [CALLS] [PEERS]: what one peer costs, in time and in memory; 1 where it is over a limit.
//
// Setup: CALLS (50; 0 leaves this out) calls one after the other, each between two fresh peers on real UDP sockets of this machine; from the
// offer's arrival to the first packet of sound that the offerer has deciphered. The certificates are made before, as the
// daemon's is.
// Memory: PEERS (100) calls at once, connected and idle; what the process has grown by, for each peer.
// Growth: the same calls made, held and closed again and again; what the process has grown by after the second round.
import CAllocations
import CLinux
import Glibc
import Media
import PeerCalls
import Wire

let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
let calls = arguments.first.flatMap(\.self) ?? 50
let peers = arguments.dropFirst().first.flatMap(\.self) ?? 100

var isOver = false

@MainActor
func report(_ name: String, _ value: Double, limit: Double, unit: String) {
    let text = { (number: Double) in "\((number * 10).rounded() / 10)" }
    if value > limit { isOver = true }
    let verdict = limit.isFinite ? ", \(value <= limit ? "within" : "OVER") the limit of \(text(limit)) \(unit)" : ""
    print("\(name): \(text(value)) \(unit)\(verdict)")
}

func residentKilobytes() -> Double {
    // what was freed is given back first: only what is kept counts
    give_back_freed_memory()
    return Double(linux_resident_bytes()) / 1000
}

do {
    // the first call of a process loads libraries and fills caches
    try SocketCall().connect(within: .seconds(10))

    if calls > 0 {
        var times: [Double] = []
        for _ in 0..<calls { times.append(try SocketCall().connect(within: .seconds(10)).milliseconds) }
        times.sort()
        report("offer to first packet, median of \(calls)", times[calls / 2], limit: 8.0, unit: "ms")
        report("offer to first packet, worst of \(calls)", times[calls - 1], limit: .infinity, unit: "ms")
    }

    let before = residentKilobytes()
    let group = try CallGroup(count: (peers + 1) / 2, at: MonotonicClock.now)
    try group.connect()
    let idle = (residentKilobytes() - before) / Double(group.peerCount)
    report("one idle peer of \(group.peerCount)", idle, limit: 400, unit: "kB")
    group.close()

    var resident: [Double] = []
    for _ in 0..<6 {
        let group = try CallGroup(count: peers, at: MonotonicClock.now)
        try group.connect()
        group.close()
        resident.append(residentKilobytes())
    }
    // the first round fills what allocators keep
    report(
        "growth over \(resident.count - 2) rounds of \(2 * peers) peers", resident[resident.count - 1] - resident[1],
        limit: 2000, unit: "kB")
    exit(isOver ? 1 : 0)
} catch {
    print("benchmark-peer: \(error)")
    exit(1)
}
