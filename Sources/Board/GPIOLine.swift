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
