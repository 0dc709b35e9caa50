import SimulatedPeers

/// What came of a campaign, in a table.
struct Report {
    let outcomes: [CallOutcome]
    let elapsed: Duration
    /// By how many bytes the memory in use grew with each call, and how many are allowed; nil where too few were run to
    /// tell.
    let growth: (measured: Double, allowed: Double)?

    /// What the reference calls may take, in the median.
    private static let setupLimit = Duration.milliseconds(1500)

    var isPassed: Bool { failures.isEmpty && isSetupFast && !leaks }

    private var failures: [CallOutcome] { outcomes.filter { !$0.failures.isEmpty } }
    private var leaks: Bool { growth.map { $0.measured > $0.allowed } ?? false }

    private var referenceSetup: Duration? {
        let setups = outcomes.filter { $0.kind == .reference }.compactMap(\.setup).sorted()
        return setups.isEmpty ? nil : setups[setups.count / 2]
    }

    private var isSetupFast: Bool { referenceSetup.map { $0 <= Self.setupLimit } ?? true }

    var text: String {
        let heads = [
            "kind", "calls", "no path", "connected", "setup", "95 %", "recovery", "95 %", "restarts", "failed",
        ]
        var rows = [heads]
        for kind in CallKind.allCases {
            let calls = outcomes.filter { $0.kind == kind }
            if !calls.isEmpty { rows.append(row(kind.rawValue, calls)) }
        }
        rows.append(row("all", outcomes))
        let widths = heads.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }.joined(separator: "  ")
        }
        lines.append(
            "setup: until both ends are connected; recovery: from the event in mid-call until media flow again; median and"
                + " 95th percentile in virtual milliseconds. restarts: calls that an ICE restart had to mend.")
        for outcome in failures {
            lines.append(
                "FAILED \(outcome.kind.rawValue): \(outcome.failures.joined(separator: "; "))\n"
                    + "    swift run -c release simulate-calls 1 --seed \(outcome.seed) --only \(outcome.kind.rawValue) --trace"
            )
        }
        if let referenceSetup {
            lines.append(
                "median setup at 100 ms round trip and 10 % loss: \(Self.text(referenceSetup)) ms"
                    + " (\(isSetupFast ? "within" : "MORE THAN") \(Self.text(Self.setupLimit)) ms)")
        }
        if let growth {
            lines.append("memory: \(Int(growth.measured)) bytes more a call (\(leaks ? "LEAKS" : "none is kept"))")
        }
        let each = elapsed / max(outcomes.count, 1)
        lines.append(
            "\(outcomes.count) calls in \(Int(elapsed.components.seconds)) s, \(Self.text(each, digits: 2)) ms each")
        return lines.joined(separator: "\n")
    }

    private func row(_ name: String, _ calls: [CallOutcome]) -> [String] {
        let setups = calls.compactMap(\.setup)
        let recoveries = calls.compactMap(\.recovery)
        return [
            name, "\(calls.count)", "\(calls.count { !$0.hasPath })", "\(calls.count(where: \.isConnected))",
            percentile(50, setups), percentile(95, setups), percentile(50, recoveries), percentile(95, recoveries),
            "\(calls.count { $0.recoveries > 0 })", "\(calls.count { !$0.failures.isEmpty })",
        ]
    }

    private func percentile(_ part: Int, _ durations: [Duration]) -> String {
        guard !durations.isEmpty else { return "-" }
        return Self.text(durations.sorted()[min(durations.count * part / 100, durations.count - 1)])
    }

    private static func text(_ duration: Duration, digits: Int = 0) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        guard digits > 0 else { return "\((microseconds + 500) / 1000)" }
        let hundredths = (microseconds + 5) / 10
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}
