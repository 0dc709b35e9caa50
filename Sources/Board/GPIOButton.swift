import CGPIOD
import Glibc
import Media
import Wire

/// A button on a GPIO line. Owned by one thread, which either calls `nextPress` again and again, or polls
/// `fileDescriptor` until `deadline` and calls `nextPress` with no timeout then.
public final class GPIOButton {
    /// The line and how it is read, for the log.
    public let description: String

    private var line: doorward_gpio_line
    private var debouncer: Debouncer
    private let name: String

    /// Requests `line` as an input that is `active` while the button is pressed. A press counts once it has lasted for
    /// `debounce`; a button that is held down already counts when it is pressed next.
    public init(
        _ line: GPIOLine, active: GPIOActiveLevel = .low, bias: GPIOBias = .pullUp,
        debounce: Duration = .milliseconds(30)
    ) throws(DeviceError) {
        name = line.description
        description = "\(line), active \(active.rawValue), bias \(bias.rawValue)"
        self.line = doorward_gpio_line()
        let cBias =
            switch bias {
            case .pullUp: DOORWARD_GPIO_BIAS_PULL_UP
            case .pullDown: DOORWARD_GPIO_BIAS_PULL_DOWN
            case .disabled: DOORWARD_GPIO_BIAS_DISABLED
            case .asIs: DOORWARD_GPIO_BIAS_AS_IS
            }
        let result = doorward_gpio_request_input(
            &self.line, line.chipPath, line.offset, "doorward", active == .low, cBias,
            UInt(max(0, debounce.nanoseconds / 1000)))
        guard result == 0 else { throw gpioError("cannot read \(line)") }
        let value = doorward_gpio_get(&self.line)
        guard value >= 0 else {
            let error = gpioError("cannot read \(line)")
            doorward_gpio_release(&self.line)
            throw error
        }
        // The kernel keeps the period itself where libgpiod can ask it to (2.x).
        debouncer = Debouncer(period: doorward_gpio_debounces() ? .zero : debounce, level: value == 1)
    }

    deinit {
        doorward_gpio_release(&line)
    }

    /// Readable while the line has news.
    public var fileDescriptor: Int32 { doorward_gpio_fd(&line) }

    /// When `nextPress` wants to be called though the line has no news; nil for not before it has.
    public var deadline: Instant? { debouncer.deadline }

    /// Whether the button is held down, as of the last `nextPress`.
    public var isPressed: Bool { debouncer.level }

    /// Blocks until the button is pressed, at most `timeout`; returns when the press counted, or nil when none came.
    ///
    /// - Throws: When the line is gone or cannot be read.
    public func nextPress(timeout: Duration) throws(DeviceError) -> Instant? {
        let end = MonotonicClock.now + timeout
        while true {
            if try hasNews(until: min(end, debouncer.deadline ?? end)) {
                if let press = try takeEvent() { return press }
            } else {
                let time = MonotonicClock.now
                // Of a burst longer than the kernel's queue the last edges are lost; the line itself is not.
                let level = try readLevel()
                if debouncer.levelChanged(to: level, at: time) == true { return time }
                if time >= end { return nil }
            }
        }
    }

    /// Waits for an event until `time`; whether there is one.
    private func hasNews(until time: Instant) throws(DeviceError) -> Bool {
        var poller = pollfd(fd: fileDescriptor, events: Int16(POLLIN | POLLPRI), revents: 0)
        while true {
            // Rounded up, so as not to spin through the last millisecond.
            let wait = max(.zero, (time - MonotonicClock.now) + .nanoseconds(999_999))
            let result = poll(&poller, 1, Int32(clamping: wait.nanoseconds / 1_000_000))
            if result < 0 {
                if errno == EINTR { continue }
                throw gpioError("cannot wait for \(name)")
            }
            if poller.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                throw gpioError("\(name) is gone", number: ENODEV)
            }
            return result > 0
        }
    }

    /// Takes an event; returns when it completed a press.
    private func takeEvent() throws(DeviceError) -> Instant? {
        var isActive = false
        var nanoseconds: Int64 = 0
        guard doorward_gpio_read_event(&line, &isActive, &nanoseconds) == 0 else {
            throw gpioError("cannot read \(name)")
        }
        // Linux before 5.7 stamps events by the wall clock; such a stamp is of no use.
        let now = MonotonicClock.now
        let stamp = Instant(nanoseconds: nanoseconds)
        let time = stamp <= now && now - stamp < .seconds(60) ? stamp : now
        return debouncer.levelChanged(to: isActive, at: time) == true ? time : nil
    }

    private func readLevel() throws(DeviceError) -> Bool {
        let value = doorward_gpio_get(&line)
        guard value >= 0 else { throw gpioError("cannot read \(name)") }
        return value == 1
    }
}
