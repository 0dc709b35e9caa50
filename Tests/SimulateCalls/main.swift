// simulate-calls [COUNT] [--seed S] [--only KIND] [--trace]
//
// Runs COUNT (10,000) calls on simulated networks, one for each seed from S (1) on, all kinds in turn or those of KIND
// alone, and prints how they went by kind, and every failure with the command that replays it. Exits with 1 where one
// failed, or where calls at 100 ms round trip and 10 % loss take more than 1.5 s to set up (median).
//
//     swift run -c release simulate-calls
//     swift run -c release simulate-calls 1 --seed 4711 --only loss --trace
//
// With --glare it explores instead every order in which two peers can negotiate: of up to four actions, two on either
// side, and all deliveries between them. With --allocations it counts what a frame that is sent allocates, and exits with
// 1 where its packets allocate anything.

import Glibc
import SimulatedPeers

// Swift seeds its hash tables by the process, and their order decides that of some datagrams: a run is replayed only
// where the order is the same.
if getenv("SWIFT_DETERMINISTIC_HASHING") == nil {
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    fatalError("this program cannot start itself: \(String(cString: strerror(errno)))")
}

let options: Options
do {
    options = try Options(CommandLine.arguments.dropFirst())
} catch {
    let message = "simulate-calls: \(error)\n"
    write(STDERR_FILENO, message, message.utf8.count)
    exit(2)
}

if options.isGlare { exit(await GlareCampaign().run() ? 0 : 1) }
if options.isAllocations { exit(PacketAllocations().run() ? 0 : 1) }
let report = await Campaign(options).run()
print(report.text)
exit(report.isPassed ? 0 : 1)
