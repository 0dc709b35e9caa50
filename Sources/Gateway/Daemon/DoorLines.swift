import Board
import Calls
import Media
import Wire

/// The lock and the light at the door: lines that are driven because somebody in a call wants it.
final class DoorLines {
    private let lockSettings: Configuration.Lock
    private let lightSettings: Configuration.Light
    private var lock: GPIOOutput?
    private var light: GPIOOutput?
    private var isLightOn = false
    /// How long the lock opens.
    var pulse: Duration
    /// When the lock is let go; nil while it is locked.
    private(set) var deadline: Instant?

    init(lock: Configuration.Lock, light: Configuration.Light) {
        lockSettings = lock
        lightSettings = light
        pulse = lock.pulse
    }

    /// Whether a line that is configured is still to be opened.
    var isMissingLine: Bool {
        lockSettings.line != nil && lock == nil || lightSettings.line != nil && light == nil
    }

    /// What there is, and how it stands.
    var controls: DoorControls {
        DoorControls(
            lock: lock == nil ? .none : deadline == nil ? .locked : .unlocked,
            light: light == nil ? .none : isLightOn ? .on : .off)
    }

    /// Opens what is missing; `report` is told of each, with the reason where it cannot be opened.
    func open(report: (_ name: String, _ outcome: Result<GPIOOutput, DeviceError>) -> Void) {
        if lock == nil, let line = lockSettings.line {
            let outcome = output(line, lockSettings.chip, lockSettings.active)
            lock = try? outcome.get()
            report("lock", outcome)
        }
        if light == nil, let line = lightSettings.line {
            let outcome = output(line, lightSettings.chip, lightSettings.active)
            light = try? outcome.get()
            if isLightOn { try? light?.set(true) }
            report("light", outcome)
        }
    }

    private func output(_ line: String, _ chip: String?, _ active: GPIOActiveLevel) -> Result<GPIOOutput, DeviceError> {
        Result { () throws(DeviceError) in try GPIOOutput(try GPIOChips.list().line(line, chip: chip), active: active) }
    }

    /// Does what somebody wants.
    func actuate(_ control: DoorControl, at now: Instant) -> ControlOutcome {
        do throws(DeviceError) {
            switch control {
            case .unlock:
                guard let lock else { return .refused(.notConfigured, "the door has no lock that it can open") }
                try lock.set(true)
                // whoever opens while it is open has it open for the whole time
                deadline = now + pulse
            case .light(let isOn):
                guard let light else { return .refused(.notConfigured, "the door has no light that it can switch") }
                try light.set(isOn)
                isLightOn = isOn
            }
            return .done
        } catch {
            return .refused(.failed, error.description)
        }
    }

    /// Locks again where it is time to; a line that is gone is let go, which locks as well as can be.
    func advance(at now: Instant) throws(DeviceError) {
        guard let deadline, deadline <= now else { return }
        self.deadline = nil
        do throws(DeviceError) {
            try lock?.set(false)
        } catch {
            lock = nil
            throw error
        }
    }
}
