import Glibc
import NativePeer
import Wire

extension Benchmark {
    /// How soon a viewer has a connection, and a picture: the first, and one who joins another.
    mutating func call() throws {
        let frames = RawFrames(.max, of: try EncoderAlone(scene))
        let callers = [("first", "a first viewer's call"), ("joining", "the call of one who joins another")]
        for _ in 1...rounds {
            for kind in PeerKind.allCases {
                let rows = callers.flatMap { ["connected \($0.0)", "seen \($0.0)"] }
                try run(kind, doing: frames.work, for: rows) { peer, benchmark in
                    try benchmark.callRepeatedly(peer, kind, "first")
                    try Viewers.watch(peer, count: 1) { _ in try benchmark.callRepeatedly(peer, kind, "joining") }
                }
            }
        }
        for (row, who) in callers {
            for (step, words, limit) in [("connected", "connected", 8.0), ("seen", "first key frame received", 40)] {
                report.end(
                    "\(step) \(row)", "\(who) → \(words): ms", limit: limit,
                    beside: "our greatest: \(text(report.greatest("\(step) \(row)", .doorward)))")
            }
        }
    }

    private mutating func callRepeatedly(_ peer: RunningPeer, _ kind: PeerKind, _ caller: String) throws {
        for number in 0..<7 {
            // at any phase of the camera's; after the shortest time between two key frames
            usleep(UInt32(700_000 + number * 7919 % 34 * 1000))
            peer.drainLog()
            let viewer = try NativePeer(calling: peer.address, from: peer.address.ip)
            guard viewer.run(for: .seconds(10), until: { $0.keyFrames > 0 }), let connected = viewer.connected,
                let seen = viewer.firstKeyFrame
            else { throw PeerFailure("a call brought no picture") }
            report.note("connected \(caller)", kind, connected.milliseconds)
            report.note("seen \(caller)", kind, seen.milliseconds)
            try viewer.hangUp()
        }
        tell(
            "  \(kind.name), \(caller): connected after \(text(report.median("connected \(caller)", kind))) ms,",
            "first key frame after \(text(report.median("seen \(caller)", kind)))")
    }
}
