import Board

extension Configuration {
    /// What a ring drives at the door: a chime or a lamp on a GPIO line.
    public struct Chime: Sendable, Equatable {
        /// How the line is driven while it rings.
        public enum Mode: String, CaseIterable, Sendable {
            /// Active all the time.
            case steady
            /// Half a second active, half a second not.
            case blink
        }

        /// The chip: its path, name or label; nil for any.
        public var chip: String?
        /// The line's name or its offset on the chip; nil for no chime.
        public var line: String?
        /// The level that sounds the chime or lights the lamp.
        public var active = GPIOActiveLevel.high
        /// How the line is driven while it rings.
        public var mode = Mode.steady
    }
}

extension Configuration.Chime {
    static let section = ConfigurationSection(
        "chime", \.chime, "A chime or a lamp on a GPIO line, active while it rings.",
        [
            .init("chip", \.chip, .optionalText, "The chip's path, name or label. Empty: any chip."),
            .init("line", \.line, .optionalText, "The line's name or its offset on the chip. Empty: none."),
            .init("active", \.active, .choice, "The level that sounds the chime or lights the lamp."),
            .init("mode", \.mode, .choice, "steady: active while it rings. blink: on and off every half second."),
        ])
}
