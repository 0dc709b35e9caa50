import Glibc

extension Benchmark {
    /// What a peer keeps in memory.
    mutating func watchMemory() throws {
        // the others read the raw frames into memory, where no camera would put them: two are as good as many
        let frames = RawFrames(2, of: try EncoderAlone(scene))
        let limits = [(1, 40.0), (4, 44)]
        for round in 1...rounds {
            for kind in PeerKind.allCases {
                try run(kind, doing: frames.work, for: limits.map { "memory \($0.0)" }) { peer, benchmark in
                    for (viewers, _) in limits {
                        try Viewers.watch(peer, count: viewers) { _ in
                            sleep(5)  // what a call's beginning needs is let go
                            let megabytes = try peer.processes.residentMegabytes()
                            benchmark.report.note("memory \(viewers)", kind, megabytes)
                            tell("  round \(round): \(kind.name), live to \(viewers): \(text(megabytes)) MB")
                        }
                    }
                }
            }
        }
        for (viewers, limit) in limits {
            let row = "memory \(viewers)"
            report.end(
                row, "resident memory, live 720p30 to \(viewers): MB", limit: limit,
                beside: "our greatest of \(rounds): \(text(report.greatest(row, .doorward)))")
        }
    }
}
