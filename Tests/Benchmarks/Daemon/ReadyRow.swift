import Glibc

extension Benchmark {
    /// A stream that is encoded already, to one viewer and to sixteen; the bare loop beside it.
    mutating func sendReadyStream() throws {
        let stream = try ReadyStream(scene)
        let limits = [(1, 9.0), (16, 1.5)]
        for round in 1...rounds {
            for (viewers, _) in limits {
                let row = "ready \(viewers)"
                report.noteFloor(row, stream.bareLoop(viewers: viewers, seconds: seconds) / Double(viewers))
                for kind in PeerKind.allCases {
                    try run(kind, doing: stream.work, for: [row]) { peer, benchmark in
                        try Viewers.watch(peer, count: viewers) { watching in
                            sleep(2)  // the estimators' first probes are over
                            let sending = try watching.measure(peer, during: benchmark.seconds)
                            try benchmark.note(sending, of: kind, for: row, per: Double(viewers))
                            tell(
                                "  round \(round): \(kind.name), ready stream to \(viewers):",
                                text(sending.cpu / Double(viewers)), "ms/s a viewer")
                        }
                    }
                }
            }
        }
        for (viewers, limit) in limits {
            report.end(
                "ready \(viewers)",
                "ready 720p30 stream of \(text(stream.bitrate / 1e6)) Mbit/s and Opus to \(viewers): CPU ms a second and viewer",
                limit: limit, beside: "bare loop \(text(report.floor("ready \(viewers)")))")
        }
    }
}
