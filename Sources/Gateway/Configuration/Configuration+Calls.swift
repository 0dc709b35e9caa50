extension Configuration {
    /// How long rings and calls last.
    public struct Calls: Sendable, Equatable {
        /// How long the pages ring when nobody answers.
        public var ringTimeout = Duration.seconds(30)
        /// The longest call; zero for no limit.
        public var maxDuration = Duration.zero
        /// How long a call waits for a page whose connection was lost; zero for not at all.
        public var resumptionGrace = Duration.seconds(10)
    }
}

extension Configuration.Calls {
    static let section = ConfigurationSection(
        "calls", \.calls, "Rings and calls.",
        [
            .init(
                "ring_timeout_ms", \.ringTimeout, .duration(.milliseconds, 1000...600_000),
                "How long the pages ring when nobody answers."),
            .init(
                "max_duration_ms", \.maxDuration, .duration(.milliseconds, 0...604_800_000),
                variable: "MAX_CALL_DURATION_MS", "The longest call. 0: no limit."),
            .init(
                "resume_ms", \.resumptionGrace, .duration(.milliseconds, 0...60_000),
                "How long a call waits for a page that lost its connection or is loaded anew."),
        ])
}
