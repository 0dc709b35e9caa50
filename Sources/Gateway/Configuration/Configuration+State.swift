extension Configuration {
    /// What outlives a restart: the certificate.
    public struct State: Sendable, Equatable {
        /// The folder; nil for the one that `folder(environment:)` finds.
        public var folder: String?

        /// Where state is kept: the configured folder, else systemd's `$STATE_DIRECTORY`, else `doorward` in
        /// `$XDG_STATE_HOME`, else `~/.local/state/doorward`; nil where the environment does not even know a home.
        public func folder(environment: [String: String]) -> String? {
            if let folder { return folder }
            // systemd.exec(5): several state directories are joined by colons; ours is the first.
            if let systemd = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(systemd) }
            // XDG Base Directory Specification: a path that is not absolute is to be ignored.
            if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return base + "/doorward" }
            if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/doorward" }
            return nil
        }
    }
}

extension Configuration.State {
    static let section = ConfigurationSection(
        "state", \.state, "What outlives a restart.",
        [
            .init(
                "folder", \.folder, .optionalText,
                """
                The folder. Empty: $STATE_DIRECTORY (which systemd sets), else $XDG_STATE_HOME/doorward,
                else ~/.local/state/doorward.
                """)
        ])
}
