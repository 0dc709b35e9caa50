extension Configuration {
    /// What is logged.
    public struct Log: Sendable, Equatable {
        /// How much a message matters, the most first.
        public enum Level: String, CaseIterable, Comparable, Sendable {
            /// Something does not work.
            case error
            /// Something works, but not as meant.
            case warning
            /// What an owner wants to read.
            case info
            /// What a developer wants to read.
            case debug

            /// Whether `left` matters more.
            public static func < (left: Level, right: Level) -> Bool {
                allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
            }
        }

        /// The least important messages to log.
        public var level = Level.info
    }
}

extension Configuration.Log {
    static let section = ConfigurationSection(
        "log", \.log, "The log, on standard error.",
        [
            .init("level", \.level, .choice, "The least important messages to log.")
        ])
}
