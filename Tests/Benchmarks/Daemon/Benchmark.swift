/// What all rows share: how often and how long, the pictures, and the figures.
struct Benchmark {
    let rounds: Int
    /// How long CPU is measured each time.
    let seconds: Int
    let scene: Scene
    var report = Report()

    /// Lets `body` measure a peer of `kind` that does `work`. Where another peer fails, that is said in `rows`, and the others go on; ours must not.
    mutating func run(
        _ kind: PeerKind, doing work: Work, for rows: [String],
        _ body: (RunningPeer, inout Benchmark) throws -> Void
    ) throws {
        do {
            try RunningPeer.run(try kind.program(doing: work)) { try body($0, &self) }
        } catch  where kind != .doorward {
            tell("  \(kind.name) is not measured: \(error)")
            for row in rows { report.remark(row, kind, "\(error)") }
        }
    }

    /// Notes what it cost to send, a second and divided by `divisor`; whoever of the others sends too little is told of.
    mutating func note(_ sending: Sending, of kind: PeerKind, for row: String, per divisor: Double) throws {
        if let shortage = sending.shortage(frameRate: scene.frameRate) {
            if kind == .doorward { throw PeerFailure(shortage) }
            tell("  \(kind.name): \(shortage)")
            report.remark(row, kind, shortage)
        }
        report.note(row, kind, sending.cpu / divisor)
    }
}
