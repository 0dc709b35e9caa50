import Wire

/// Writes metrics in Prometheus' text format, version 0.0.4.
struct MetricsText {
    /// The media type of what this writes.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// What only rises.
    mutating func counter(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
        family(name, help, type: "counter")
        text += "\(name) \(value)\n"
    }

    /// What only rises, by the value of `label`.
    mutating func counter(
        _ name: String, _ help: String, by label: String, _ values: [(label: String, value: UInt64)]
    ) {
        family(name, help, type: "counter")
        for (value, number) in values { text += "\(name){\(label)=\"\(Self.escaped(value))\"} \(number)\n" }
    }

    /// What rises and falls.
    mutating func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
        family(name, help, type: "gauge")
        text += "\(name) \(value)\n"
    }

    /// What rises and falls, by the value of `label`.
    mutating func gauge(
        _ name: String, _ help: String, by label: String, _ values: [(label: String, value: Int)]
    ) {
        family(name, help, type: "gauge")
        for (value, number) in values { text += "\(name){\(label)=\"\(Self.escaped(value))\"} \(number)\n" }
    }

    /// A histogram for each value of `label`, in seconds.
    mutating func histogram(
        _ name: String, _ help: String, by label: String, _ values: [(label: String, histogram: LatencyHistogram)]
    ) {
        family(name, help, type: "histogram")
        for (value, histogram) in values {
            let labels = "\(label)=\"\(Self.escaped(value))\""
            var below: UInt64 = 0
            for (bound, count) in zip(LatencyHistogram.bounds, histogram.counts) {
                below += count
                text += "\(name)_bucket{\(labels),le=\"\(bound / 1000)\"} \(below)\n"
            }
            text += "\(name)_bucket{\(labels),le=\"+Inf\"} \(histogram.count)\n"
            text += "\(name)_sum{\(labels)} \(histogram.sum.inSeconds)\n"
            text += "\(name)_count{\(labels)} \(histogram.count)\n"
        }
    }

    private mutating func family(_ name: String, _ help: String, type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
