import Board
import Media
import Wire

/// The lamp or chime at the door: active while it rings, steady or blinking.
final class Chime {
    private let line: GPIOOutput
    /// How the next ring drives it.
    var mode: Configuration.Chime.Mode
    private var isRinging = false
    private var isActive = false
    /// When a blinking line changes next.
    private(set) var deadline: Instant?

    private static let halfPeriod = Duration.milliseconds(500)

    init(_ configuration: Configuration.Chime, isRinging: Bool, at now: Instant) throws(DeviceError) {
        guard let name = configuration.line else { throw DeviceError("no line is configured") }
        line = try GPIOOutput(
            try GPIOChips.list().line(name, chip: configuration.chip), active: configuration.active)
        mode = configuration.mode
        if isRinging { try begin(at: now) }
    }

    var description: String { "\(line.description), \(mode.rawValue)" }

    /// Follows the ringing.
    func set(_ isRinging: Bool, at now: Instant, log: Log) {
        guard isRinging != self.isRinging else { return }
        drive(log) { () throws(DeviceError) in
            if isRinging {
                try begin(at: now)
            } else {
                self.isRinging = false
                deadline = nil
                try change(to: false)
            }
        }
    }

    /// Blinks on where it is time to.
    func advance(at now: Instant, log: Log) {
        guard let deadline, deadline <= now else { return }
        self.deadline = deadline + Self.halfPeriod
        drive(log) { () throws(DeviceError) in try change(to: !isActive) }
    }

    private func begin(at now: Instant) throws(DeviceError) {
        isRinging = true
        if mode == .blink { deadline = now + Self.halfPeriod }
        try change(to: true)
    }

    private func change(to active: Bool) throws(DeviceError) {
        isActive = active
        try line.set(active)
    }

    private func drive(_ log: Log, _ body: () throws(DeviceError) -> Void) {
        do throws(DeviceError) {
            try body()
        } catch {
            log.warning("chime: \(error)")
        }
    }
}
