/// What the owner may change, as `GET /api/settings` shows it.
struct SettingsView: Encodable {
    struct Setting: Encodable {
        /// The key's path, such as `calls.ring_timeout_ms`.
        let name: String
        let value: SettingValue
        /// What holds where nothing is set on the page.
        let `default`: SettingValue
        /// `default`, `file`, `page`, `environment` or `arguments`.
        let source: String
        /// The variable of the environment, where that is the source.
        let variable: String?
        /// Whether it may be changed here: not where a source above the page has it.
        let isChangeable: Bool
        /// `number`, `boolean`, `choice` or `text`.
        let kind: String
        /// Of a number.
        let minimum: Int64?
        let maximum: Int64?
        let step: Int64?
        /// `ms` or `s`.
        let unit: String?
        let choices: [String]?
        /// The most characters of a text.
        let longest: Int?
        /// What is allowed, in English words.
        let expectation: String
    }

    let settings: [Setting]

    init(_ layers: ConfigurationLayers) {
        let configuration = layers.configuration
        settings = OwnerSettings.keys(for: configuration).map { key in
            let source = layers.source(of: key)
            var form = Form()
            switch key.shape {
            case .number(let range, let step, let unit):
                form = Form(
                    kind: "number", minimum: range.lowerBound, maximum: range.upperBound, step: step,
                    unit: unit?.symbol)
            case .boolean: form.kind = "boolean"
            case .choice(let choices):
                form.kind = "choice"
                form.choices = choices
            case .text(let longest): form.longest = longest
            case .list: break
            }
            return Setting(
                name: key.path, value: key.value(in: configuration), default: key.value(in: layers.given),
                source: source.word, variable: source.variable, isChangeable: !source.isAbovePage, kind: form.kind,
                minimum: form.minimum, maximum: form.maximum, step: form.step, unit: form.unit, choices: form.choices,
                longest: form.longest, expectation: key.expectation)
        }
    }

    /// What depends on the shape.
    private struct Form {
        var kind = "text"
        var minimum: Int64?
        var maximum: Int64?
        var step: Int64?
        var unit: String?
        var choices: [String]?
        var longest: Int?
    }
}

extension ConfigurationLayers.Source {
    fileprivate var word: String {
        switch self {
        case .default: "default"
        case .file: "file"
        case .page: "page"
        case .environment: "environment"
        case .arguments: "arguments"
        }
    }

    fileprivate var variable: String? { if case .environment(let variable) = self { variable } else { nil } }
}

extension SettingUnit {
    fileprivate var symbol: String {
        switch self {
        case .milliseconds: "ms"
        case .seconds: "s"
        }
    }
}
