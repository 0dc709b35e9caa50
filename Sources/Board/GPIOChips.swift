import CGPIOD
import Glibc
import Media

/// A GPIO chip and its lines.
public struct GPIOChip: Hashable, Sendable {
    /// Its device, `/dev/gpiochip0`.
    public let path: String
    /// Its label, such as `pinctrl-bcm2711`.
    public let label: String
    /// Its lines, by offset.
    public let lines: [GPIOLine]

    /// A chip of `lines`.
    public init(path: String, label: String, lines: [GPIOLine]) {
        self.path = path
        self.label = label
        self.lines = lines
    }

    /// Its name, `gpiochip0`.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// The board's GPIO chips, as they were when they were listed.
public struct GPIOChips: Sendable {
    /// The chips, by number.
    public let chips: [GPIOChip]
    /// The chips that could not be opened, and why: most often for want of permission.
    public let problems: [DeviceError]

    /// A board that has `chips`.
    public init(chips: [GPIOChip], problems: [DeviceError] = []) {
        self.chips = chips
        self.problems = problems
    }

    /// Lists the chips in `/dev` and their lines.
    public static func list() -> GPIOChips {
        var chips: [GPIOChip] = []
        var problems: [DeviceError] = []
        for path in chipPaths() {
            do throws(DeviceError) {
                chips.append(try chip(at: path))
            } catch {
                problems.append(error)
            }
        }
        return GPIOChips(chips: chips, problems: problems)
    }

    private static func chipPaths() -> [String] {
        guard let directory = opendir("/dev") else { return [] }
        defer { closedir(directory) }
        var numbers: [Int] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix("gpiochip"), let number = Int(name.dropFirst(8)) else { continue }
            numbers.append(number)
        }
        return numbers.sorted().map { "/dev/gpiochip\($0)" }
    }

    private static func chip(at path: String) throws(DeviceError) -> GPIOChip {
        guard let chip = gpiod_chip_open(path) else { throw gpioError("cannot open the GPIO chip \(path)") }
        defer { gpiod_chip_close(chip) }
        var info = doorward_gpio_chip_info()
        guard doorward_gpio_get_chip_info(chip, &info) == 0 else {
            throw gpioError("cannot ask the GPIO chip \(path) for its label")
        }
        let label = text(info.label) ?? "no label"
        var lines: [GPIOLine] = []
        for offset in 0..<info.lines {
            var line = doorward_gpio_line_info()
            guard doorward_gpio_get_line_info(chip, offset, &line) == 0 else {
                throw gpioError("cannot ask the GPIO chip \(path) for its line \(offset)")
            }
            lines.append(
                GPIOLine(
                    chipPath: path, chipLabel: label, offset: offset, name: text(line.name),
                    consumer: text(line.consumer), isUsed: line.is_used, isOutput: line.is_output))
        }
        return GPIOChip(path: path, label: label, lines: lines)
    }

    /// The text of a C array of 32 characters; nil where it is empty.
    private static func text<Characters>(_ characters: Characters) -> String? {
        let text = withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return text.isEmpty ? nil : text
    }
}

/// `sentence`, with what `errno` says.
func gpioError(_ sentence: String, number: Int32 = errno) -> DeviceError {
    // A chip that is unplugged or unbound answers its open descriptors with ENODEV.
    DeviceError("\(sentence): \(String(cString: strerror(number)))", isGone: number == ENODEV || number == ENXIO)
}
