extension Configuration {
    /// What the door is called.
    public struct Door: Sendable, Equatable {
        /// The name that pages show, 1 to 64 characters.
        public var name = "Front door"
    }
}

extension Configuration.Door {
    static let section = ConfigurationSection(
        "door", \.door, "The door itself.",
        [
            .init("name", \.name, .name(longest: 64), "What every page calls it.")
        ])
}
