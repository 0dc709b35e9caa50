import Media

extension GPIOChips {
    /// The line that an owner means by `line`, a name or an offset, on the chip with the path, name or label `chip`;
    /// nil for any chip.
    ///
    /// - Throws: Why there is none, or why it cannot be told which one is meant.
    public func line(_ line: String, chip: String?) throws(DeviceError) -> GPIOLine {
        let candidates = chips.filter { chip == nil || $0.path == chip || $0.name == chip || $0.label == chip }
        if candidates.isEmpty {
            if let problem = problems.first { throw problem }
            throw DeviceError(
                chip.map { "there is no GPIO chip \($0)" } ?? "the board has no GPIO chip", isGone: true)
        }
        let named = candidates.flatMap(\.lines).filter { $0.name == line }
        if let found = named.first {
            guard named.count == 1 else {
                throw DeviceError(
                    "several GPIO lines are called \(line): \(named.map(\.description).joined(separator: "; "))")
            }
            return found
        }
        guard let offset = UInt32(line) else {
            throw DeviceError("no GPIO line is called \(line)", isGone: true)
        }
        // An offset means something on one chip only. On a board with several, the pins that an owner can reach belong
        // to the pin controller (pinctrl-bcm2711, pinctrl-rp1); the others are its power supply's and its network's.
        let controllers = candidates.filter { $0.label.hasPrefix("pinctrl-") }
        guard let owner = candidates.count == 1 ? candidates.first : controllers.count == 1 ? controllers.first : nil
        else {
            let names = candidates.map { "\($0.name) (\($0.label))" }.joined(separator: ", ")
            throw DeviceError("GPIO line \(offset) may be on any of \(names): say which chip")
        }
        guard let found = owner.lines.first(where: { $0.offset == offset }) else {
            throw DeviceError(
                "\(owner.path) (\(owner.label)) has \(owner.lines.count) lines, none with offset \(offset)")
        }
        return found
    }

    /// The first line that the board itself names like a doorbell's button and that nobody uses.
    ///
    /// Nothing else is guessed: on a board whose lines are only called GPIO2 to GPIO27, each may drive anything, and a
    /// pull-up on the wrong one is not harmless.
    ///
    /// - Throws: Why there is none.
    public func buttonLine() throws(DeviceError) -> GPIOLine {
        let lines = chips.flatMap(\.lines)
        let ranked = lines.compactMap { line in
            Self.likeness(ofName: line.name ?? "").map { (line: line, likeness: $0) }
        }
        let free = ranked.filter { !$0.line.isUsed && !$0.line.isOutput }
        if let best = free.map(\.likeness).max(), let found = free.first(where: { $0.likeness == best }) {
            return found.line
        }
        if let used = ranked.first(where: \.line.isUsed)?.line {
            throw DeviceError("\(used) is used by \(used.consumer ?? "somebody else")")
        }
        if chips.isEmpty, let problem = problems.first { throw problem }
        throw DeviceError(
            chips.isEmpty
                ? "the board has no GPIO chip"
                : "none of the board's \(lines.count) GPIO lines is named like a bell's button",
            isGone: true)
    }

    /// How much `name` sounds like a doorbell's button; nil for not at all.
    private static func likeness(ofName name: String) -> Int? {
        let words = Set(name.uppercased().split { !$0.isLetter }.map(String.init))
        // A board's own buttons, which do other things.
        guard words.isDisjoint(with: ["POWER", "PWR", "RESET", "RST", "SLEEP", "WAKE", "BOOT", "RECOVERY", "LED"])
        else {
            return nil
        }
        if words.contains("DOORBELL") || words.isSuperset(of: ["DOOR", "BELL"]) { return 3 }
        if words.contains("BELL") { return 2 }
        if !words.isDisjoint(with: ["BUTTON", "BTN"]) { return 1 }
        return nil
    }
}
