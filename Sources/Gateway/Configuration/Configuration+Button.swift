import Board

extension Configuration {
    /// The doorbell's button, a GPIO line.
    public struct Button: Sendable, Equatable {
        /// Whether a line is used at all.
        public var enabled = true
        /// The chip: its path, name or label; nil for any.
        public var chip: String?
        /// The line's name or its offset on the chip; nil looks for a line that is named like a bell's button.
        public var line: String?
        /// The level of the line while the button is pressed.
        public var active = GPIOActiveLevel.low
        /// The resistor that holds the line while the button is not pressed.
        public var bias = GPIOBias.pullUp
        /// How long the line must be steady before a press counts.
        public var debounce = Duration.milliseconds(30)
    }
}

extension Configuration.Button {
    static let section = ConfigurationSection(
        "button", \.button, "The button at the door, a GPIO line.",
        [
            .init("enabled", \.enabled, .boolean, "false: no line is touched; `doorward ring` still rings."),
            .init(
                "chip", \.chip, .optionalText,
                "The chip's path, name or label: /dev/gpiochip0, gpiochip0, pinctrl-bcm2711. Empty: any chip."),
            .init(
                "line", \.line, .optionalText,
                """
                The line's name (GPIO17) or its offset on the chip (17). Empty: a line that the board itself names
                BUTTON, DOORBELL or the like; where there is none, no line is touched, for any may drive anything.
                """),
            .init(
                "active", \.active, .choice, "The line's level while the button is pressed. low: it connects to ground."
            ),
            .init("bias", \.bias, .choice, "The board's resistor at the line. as_is: left as it was found."),
            .init(
                "debounce_ms", \.debounce, .duration(.milliseconds, 0...1000),
                "How long the line must be steady before a press counts."),
        ])
}
