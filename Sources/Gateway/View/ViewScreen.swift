import Glibc

/// Standard output as a place to show lines that change: on a terminal they are drawn over the last ones, elsewhere they
/// follow as one line.
final class ViewScreen {
    private let isTerminal: Bool
    private var drawn = 0

    init(isTerminal: Bool = isatty(STDOUT_FILENO) == 1) {
        self.isTerminal = isTerminal
    }

    /// Says something that stays.
    func say(_ line: String) {
        // it takes the first drawn line's place, and the rest is drawn anew below it
        emit(start + line + end)
        drawn = 0
    }

    /// Shows `lines` in the place of those shown last.
    func show(_ lines: [String]) {
        guard isTerminal else { return emit(lines.joined(separator: " | ") + "\n") }
        // without automatic margins a long line ends at the edge, and the count of lines stays right
        emit("\u{1B}[?7l" + start + lines.map { $0 + end }.joined() + "\u{1B}[J\u{1B}[?7h")
        drawn = lines.count
    }

    private var start: String { drawn > 0 ? "\u{1B}[\(drawn)A\r" : "" }
    private var end: String { isTerminal ? "\u{1B}[K\n" : "\n" }

    private func emit(_ text: String) {
        print(text, terminator: "")
        fflush(nil)
    }
}
