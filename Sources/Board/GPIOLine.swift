/// Which of its two levels a line has while what hangs on it is active: pressed, sounding, lit.
public enum GPIOActiveLevel: String, CaseIterable, Sendable {
    /// Near ground: a button between the line and ground, with a pull-up.
    case low
    /// Near the supply.
    case high
}

/// The board's resistor at an input, which holds the line while nothing drives it.
public enum GPIOBias: String, CaseIterable, Sendable {
    /// To the supply.
    case pullUp = "pull_up"
    /// To ground.
    case pullDown = "pull_down"
    /// None.
    case disabled
    /// As the line was found.
    case asIs = "as_is"
}

/// One line of a GPIO chip, as it was found.
public struct GPIOLine: Hashable, Sendable, CustomStringConvertible {
    /// The chip's device, `/dev/gpiochip0`.
    public let chipPath: String
    /// The chip's label, such as `pinctrl-bcm2711`.
    public let chipLabel: String
    /// The line's number on its chip.
    public let offset: UInt32
    /// What the board calls the line; nil where it has no name.
    public let name: String?
    /// Who uses it; nil where nobody said.
    public let consumer: String?
    /// Whether somebody (a driver or another program) uses it.
    public let isUsed: Bool
    /// Whether it is an output.
    public let isOutput: Bool

    /// A line with what is known of it.
    public init(
        chipPath: String, chipLabel: String, offset: UInt32, name: String? = nil, consumer: String? = nil,
        isUsed: Bool = false, isOutput: Bool = false
    ) {
        self.chipPath = chipPath
        self.chipLabel = chipLabel
        self.offset = offset
        self.name = name
        self.consumer = consumer
        self.isUsed = isUsed
        self.isOutput = isOutput
    }

    /// `line 3, BUTTON, of /dev/gpiochip0 (doorbell-gpio)`
    public var description: String {
        "line \(offset)\(name.map { ", \($0)," } ?? "") of \(chipPath) (\(chipLabel))"
    }
}
