import Board

extension Configuration {
    /// The relay that opens the door's lock, on a GPIO line.
    public struct Lock: Sendable, Equatable {
        /// The chip: its path, name or label; nil for any.
        public var chip: String?
        /// The line's name or its offset on the chip; nil for no lock.
        public var line: String?
        /// The level that opens.
        public var active = GPIOActiveLevel.high
        /// How long it opens.
        public var pulse = Duration.seconds(3)
    }

    /// The light at the door, on a GPIO line.
    public struct Light: Sendable, Equatable {
        /// The chip: its path, name or label; nil for any.
        public var chip: String?
        /// The line's name or its offset on the chip; nil for no light.
        public var line: String?
        /// The level that lights.
        public var active = GPIOActiveLevel.high
    }
}

extension Configuration.Lock {
    static let section = ConfigurationSection(
        "lock", \.lock, "A relay on a GPIO line that opens the door, which those in a call may do.",
        [
            .init("chip", \.chip, .optionalText, "The chip's path, name or label. Empty: any chip."),
            .init("line", \.line, .optionalText, "The line's name or its offset on the chip. Empty: none."),
            .init("active", \.active, .choice, "The level that opens."),
            .init("pulse_ms", \.pulse, .duration(.milliseconds, 100...60_000), "How long it opens."),
        ])
}

extension Configuration.Light {
    static let section = ConfigurationSection(
        "light", \.light, "A light on a GPIO line, which those in a call may switch.",
        [
            .init("chip", \.chip, .optionalText, "The chip's path, name or label. Empty: any chip."),
            .init("line", \.line, .optionalText, "The line's name or its offset on the chip. Empty: none."),
            .init("active", \.active, .choice, "The level that lights."),
        ])
}
