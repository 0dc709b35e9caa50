extension Configuration {
    /// The configuration as a YAML file in which every key is documented; of the defaults, the example file that is
    /// installed as `/etc/doorward/doorward.yaml`. It holds the TURN server's password in clear.
    public var yaml: String {
        var lines = [
            "# Doorward's configuration. Every key stands here, with its default; a key that is left out has its default, too.",
            "# The environment overrides this file (web.port is DOORWARD_WEB_PORT; a list's elements are parted by commas),",
            "# and `--set web.port=80` overrides both. `doorward check` tells what is wrong with it.",
        ]
        for section in Self.sections {
            lines += ["", "# \(section.documentation)", "\(section.name):"]
            for (index, key) in section.keys.enumerated() {
                if index > 0 { lines.append("") }
                lines += key.documentation.split(separator: "\n").map { "  # \($0)" }
                if key.expectation != "text" { lines.append("  # Allowed: \(key.expectation).") }
                if key.variables.count > 1 { lines.append("  # The variable \(key.variables[0]) sets it, too.") }
                lines.append("  \(key.name): \(key.format(self))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
