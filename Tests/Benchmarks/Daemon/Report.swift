import Glibc
import Synchronization

func fail(_ message: String) -> Never {
    let bytes = Array("benchmark-daemon: \(message)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
    let daemon = runningDaemon.load(ordering: .relaxed)
    if daemon != 0 { kill(daemon, SIGTERM) }
    exit(1)
}

/// Figures of several rounds, and what became of them.
@MainActor
struct Report {
    private(set) var isOver = false
    private var figures: [(name: String, values: [Double])] = []

    /// Takes a figure of one round.
    mutating func note(_ name: String, _ value: Double) {
        if let index = figures.firstIndex(where: { $0.name == name }) {
            figures[index].values.append(value)
        } else {
            figures.append((name, [value]))
        }
    }

    /// The median of what was noted under `name`.
    func median(_ name: String) -> Double {
        figures.first { $0.name == name }?.values.median ?? .nan
    }

    /// The greatest of what was noted under `name`.
    func greatest(_ name: String) -> Double {
        figures.first { $0.name == name }?.values.max() ?? .nan
    }

    /// Prints a row: what was measured, beside what it is compared with, and its limit.
    mutating func row(_ work: String, _ value: Double, _ unit: String, limit: Double, beside: String) {
        if value > limit { isOver = true }
        let verdict = value <= limit ? "within" : "OVER"
        print("\(work): \(text(value)) \(unit), \(verdict) the limit of \(text(limit)) (\(beside))")
    }
}

extension [Double] {
    /// The median; not a number where there is none.
    var median: Double { isEmpty ? .nan : sorted()[count / 2] }
}

/// Two decimals.
func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
