import CGPIOD
import Media

/// A lamp or a chime on a GPIO line; inactive at first, and released with the object.
public final class GPIOOutput {
    /// The line, for the log.
    public let description: String

    private var line: doorward_gpio_line

    /// Requests `line` as an output that is `active` when it is set.
    public init(_ line: GPIOLine, active: GPIOActiveLevel = .high) throws(DeviceError) {
        description = "\(line), active \(active.rawValue)"
        self.line = doorward_gpio_line()
        guard
            doorward_gpio_request_output(&self.line, line.chipPath, line.offset, "doorward", active == .low) == 0
        else { throw gpioError("cannot drive \(line)") }
    }

    deinit {
        doorward_gpio_set(&line, false)
        doorward_gpio_release(&line)
    }

    /// Makes the line active or inactive.
    public func set(_ isActive: Bool) throws(DeviceError) {
        guard doorward_gpio_set(&line, isActive) == 0 else { throw gpioError("cannot drive \(description)") }
    }
}
