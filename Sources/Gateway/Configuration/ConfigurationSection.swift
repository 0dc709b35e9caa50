/// One section of the configuration: its name in the file and the table of its keys. The one declaration of each key
/// gives its name, type, range and documentation; its default is the property's.
struct ConfigurationSection: Sendable {
    let name: String
    let documentation: String
    let keys: [Key]

    /// One key, with the section's type erased.
    struct Key: Sendable {
        /// `web.port`
        let path: String
        let name: String
        let documentation: String
        /// What the value may be, for errors and the example file.
        let expectation: String
        /// What the value looks like, for a form.
        let shape: SettingShape
        /// The variables of the environment that set it; of several, the last one set counts.
        let variables: [String]
        /// Sets the key to a written value.
        let assign: @Sendable (SettingInput, inout Configuration) throws(SettingProblem) -> Void
        /// The key's value, as YAML.
        let format: @Sendable (Configuration) -> String
        /// Gives the key in one configuration the value that it has in another.
        let copy: @Sendable (_ from: Configuration, _ to: inout Configuration) -> Void
    }

    /// The section `name`, kept at `section`.
    init<Section>(
        _ name: String, _ section: any WritableKeyPath<Configuration, Section> & Sendable, _ documentation: String,
        _ keys: [SectionKey<Section>]
    ) {
        self.name = name
        self.documentation = documentation
        self.keys = keys.map { key in
            let path = "\(name).\(key.name)"
            // `web.port` is DOORWARD_WEB_PORT; it goes before a variable that other programs share, such as
            // TURN_SERVER.
            let own = "DOORWARD_\(name)_\(key.name)".uppercased()
            return Key(
                path: path, name: key.name, documentation: key.documentation, expectation: key.expectation,
                shape: key.shape, variables: [key.variable, own].compactMap(\.self),
                assign: { (input, configuration) throws(SettingProblem) in
                    try key.assign(input, &configuration[keyPath: section])
                },
                format: { key.format($0[keyPath: section]) },
                copy: { key.copy($0[keyPath: section], &$1[keyPath: section]) })
        }
    }
}

/// The declaration of one key of `Section`.
struct SectionKey<Section>: Sendable {
    let name: String
    let documentation: String
    let expectation: String
    let shape: SettingShape
    let variable: String?
    let assign: @Sendable (SettingInput, inout Section) throws(SettingProblem) -> Void
    let format: @Sendable (Section) -> String
    let copy: @Sendable (_ from: Section, _ to: inout Section) -> Void

    /// The key `name`, kept at `property`, with values of `type`. `variable` sets it too, beside its own DOORWARD_…
    /// one.
    init<Value>(
        _ name: String, _ property: any WritableKeyPath<Section, Value> & Sendable, _ type: SettingType<Value>,
        variable: String? = nil, _ documentation: String
    ) {
        self.name = name
        self.documentation = documentation
        self.expectation = type.expectation
        shape = type.shape
        self.variable = variable
        assign = { (input, section) throws(SettingProblem) in
            section[keyPath: property] = try type.read(input)
        }
        format = { type.format($0[keyPath: property]) }
        copy = { $1[keyPath: property] = $0[keyPath: property] }
    }
}
