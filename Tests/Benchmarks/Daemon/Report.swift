import Glibc

func fail(_ message: String) -> Never {
    let bytes = Array("benchmark-daemon: \(message)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
    endRunningProcess()
    exit(1)
}

/// Figures of several rounds, and the table of what became of them.
struct Report {
    /// Whether a figure of ours is over its limit.
    private(set) var isOver = false
    private var figures: [String: [Double]] = [:]
    private var floors: [String: [Double]] = [:]
    private var remarks: [String: String] = [:]
    private var rows = [["medians", "limit", ""] + PeerKind.allCases.map(\.name) + ["beside"]]
    private var footnotes: [String] = []

    /// Takes a figure of one round.
    mutating func note(_ row: String, _ kind: PeerKind, _ value: Double) {
        figures[key(row, kind), default: []].append(value)
    }

    /// Takes a figure of the least that the work can cost.
    mutating func noteFloor(_ row: String, _ value: Double) { floors[row, default: []].append(value) }

    /// Takes what is to be said of a figure of another peer, or of its absence.
    mutating func remark(_ row: String, _ kind: PeerKind, _ remark: String) {
        remarks[key(row, kind)] = remark
    }

    /// The median of what was noted of `row`.
    func median(_ row: String, _ kind: PeerKind) -> Double { figures[key(row, kind), default: []].median }

    /// The median of what was noted of the floor of `row`.
    func floor(_ row: String) -> Double { floors[row, default: []].median }

    /// The greatest of what was noted of `row`.
    func greatest(_ row: String, _ kind: PeerKind) -> Double {
        figures[key(row, kind), default: []].max() ?? .nan
    }

    /// Ends a row: our median against its limit, the others', and what else to compare it with.
    mutating func end(_ row: String, _ work: String, limit: Double, beside: String) {
        let ours = median(row, .doorward)
        // a figure that is none is within no limit
        let isWithin = ours <= limit
        if !isWithin { isOver = true }
        var cells = [work, text(limit), isWithin ? "within" : "OVER"]
        for kind in PeerKind.allCases {
            let value = median(row, kind)
            var cell = value.isNaN ? "not measured" : text(value)
            if let remark = remarks[key(row, kind)] {
                let footnote = "\(kind.name): \(remark)"
                if !footnotes.contains(footnote) { footnotes.append(footnote) }
                cell += " [\((footnotes.firstIndex(of: footnote) ?? 0) + 1)]"
            }
            cells.append(cell)
        }
        rows.append(cells + [beside])
    }

    /// All rows, beneath each other, and the remarks.
    var table: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { cells in
            let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return "| " + padded.joined(separator: " | ") + " |"
        }
        lines.insert(
            "| " + widths.map { String(repeating: "-", count: max($0, 3)) }.joined(separator: " | ") + " |", at: 1)
        return (lines + footnotes.enumerated().map { "[\($0 + 1)] \($1)" }).joined(separator: "\n")
    }

    private func key(_ row: String, _ kind: PeerKind) -> String { "\(row), \(kind.name)" }
}

extension [Double] {
    /// The median; not a number where there is none.
    var median: Double { isEmpty ? .nan : sorted()[count / 2] }
}

/// Prints a line that is seen at once, through a pipe, too.
func tell(_ words: String...) {
    print(words.joined(separator: " "))
    fflush(nil)
}

/// Two decimals.
func text(_ value: Double) -> String { value.isNaN ? "none" : "\((value * 100).rounded() / 100)" }
