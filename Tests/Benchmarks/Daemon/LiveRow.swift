import Glibc

extension Benchmark {
    /// The test card with its sound to one viewer, beside x264 alone; and how long a picture takes to its last packet.
    mutating func sendLive() throws {
        let alone = try EncoderAlone(scene)
        let frames = RawFrames(.max, of: alone)
        for round in 1...rounds {
            let encoding = try alone.cpu(during: seconds)
            report.noteFloor("live", encoding)
            for kind in PeerKind.allCases {
                try run(kind, doing: frames.work, for: ["live", "delay"]) { peer, benchmark in
                    try Viewers.watch(peer, count: 1) { watching in
                        sleep(2)
                        let sending = try watching.measure(peer, during: benchmark.seconds)
                        try benchmark.note(sending, of: kind, for: "live", per: encoding)
                        tell(
                            "  round \(round): \(kind.name), live to 1: \(text(sending.cpu)) ms/s,",
                            "\(text(sending.cpu / encoding)) of x264 alone")
                        if kind.tellsCaptureTime {
                            for delay in watching.delays { benchmark.report.note("delay", kind, delay) }
                        } else {
                            benchmark.report.remark(
                                "delay", kind, "its reports tell when a picture was sent, not when it was taken")
                        }
                    }
                }
            }
        }
        report.end(
            "live", "live 720p30 from raw frames to 1 with sound: CPU over x264 alone", limit: 1.07,
            beside: "x264 superfast \(text(report.floor("live"))) ms a second")
        let encoding = alone.durations.median
        report.end(
            "delay", "picture taken → its last packet received: ms", limit: encoding + 0.3,
            beside: "the encode alone \(text(encoding))")
    }
}
