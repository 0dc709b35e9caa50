import Board
import Camera
import Media
import Sound

/// What `doorward devices` prints.
enum DeviceList {
    /// What this machine has.
    static func text() -> String {
        text(cameras: V4L2Camera.enumerate(), sound: SoundDevices.list(), gpio: GPIOChips.list())
    }

    static func text(
        cameras: (devices: [CameraDevice], failures: [DeviceError]), sound: [SoundDevice], gpio: GPIOChips
    ) -> String {
        var lines = ["cameras"]
        if cameras.devices.isEmpty { lines.append("  none: the test card takes the camera's place") }
        lines += cameras.failures.map { "  \($0)" }
        for camera in cameras.devices {
            lines.append("  \(camera.path)  \(camera.name) (\(camera.driver), \(camera.bus))")
            lines += camera.formats.map { "      " + $0.summary }
        }
        for (title, direction, absence) in [
            ("microphones", SoundDirection.capture, "a tone takes the microphone's place"),
            ("speakers", .playback, "nobody is heard at the door"),
        ] {
            lines += ["", title]
            let devices = sound.filter { $0.direction == direction }
            if devices.isEmpty { lines.append("  none: \(absence)") }
            lines += devices.map { "  \($0.name)  \($0.cardName), \($0.deviceName)" }
        }
        lines += ["", "GPIO lines"]
        if gpio.chips.isEmpty { lines.append("  none: “doorward ring” presses the button from a shell") }
        lines += gpio.problems.map { "  \($0)" }
        for chip in gpio.chips {
            lines.append("  \(chip.path)  \(chip.label), \(chip.lines.count) lines")
            for line in chip.lines {
                let use = line.isUsed ? "used by \(line.consumer ?? "the kernel")" : line.isOutput ? "output" : "input"
                lines.append("      \(line.offset)  \(line.name ?? "unnamed")  \(use)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension CameraFormat {
    /// `YUYV  640x480 at up to 30, 1280x720 at up to 10 frames/s`
    var summary: String {
        let listed = sizes.map { size in
            let rate = size.frameRates.max().map { " at up to \($0)" } ?? ""
            return "\(size.width)x\(size.height)\(rate)"
        }
        let ranged = range.map {
            ["\($0.widths.lowerBound)x\($0.heights.lowerBound) to \($0.widths.upperBound)x\($0.heights.upperBound)"]
        }
        let use = isH264 ? "  (encoded by the camera: see video.passthrough)" : pixelFormat == nil ? "  (not used)" : ""
        return "\(fourCC)  \(name)  " + (listed + (ranged ?? [])).joined(separator: ", ") + use
    }
}
