import Wire

/// Writes metrics in Prometheus' text format, version 0.0.4.
struct MetricsText {
    /// The media type of what this writes.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// What only rises.
    mutating func counter(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
        write(name, help, type: "counter", value)
    }

    /// What only rises, by the value of `label`.
    mutating func counter(
        _ name: String, _ help: String, by label: String, _ values: [(label: String, value: UInt64)]
    ) {
        write(name, help, type: "counter", by: label, values)
    }

    /// What rises and falls.
    mutating func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
        write(name, help, type: "gauge", value)
    }

    /// What rises and falls, by the value of `label`.
    mutating func gauge(
        _ name: String, _ help: String, by label: String, _ values: [(label: String, value: Int)]
    ) {
        write(name, help, type: "gauge", by: label, values)
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

    private mutating func write(
        _ name: String, _ help: String, type: String, _ value: some CustomStringConvertible
    ) {
        family(name, help, type: type)
        text += "\(name) \(value)\n"
    }

    private mutating func write(
        _ name: String, _ help: String, type: String, by label: String,
        _ values: [(label: String, value: some CustomStringConvertible)]
    ) {
        family(name, help, type: type)
        for (value, number) in values { text += "\(name){\(label)=\"\(Self.escaped(value))\"} \(number)\n" }
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
