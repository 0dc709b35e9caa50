import Foundation
import Media
import Sound
import Testing
import Wire

/// The real driver: what is played on `hw:0,0` of snd-aloop is captured on `hw:0,1`, and the reverse.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["LAB_SOUND"] != nil))
struct LoopbackTests {
    /// Captures a second, playing a sine of 1000 Hz meanwhile. A machine that is too busy to keep up breaks the stream,
    /// and it is done again; what is broken by itself is broken each time.
    private func capture(_ microphone: ALSAMicrophone, while speaker: ALSASpeaker?) throws -> [AudioBlock] {
        for _ in 0..<10 {
            let before = microphone.overruns + (speaker?.underruns ?? 0)
            let blocks = try captureOnce(microphone, while: speaker)
            if microphone.overruns + (speaker?.underruns ?? 0) == before { return blocks }
        }
        Issue.record("the stream breaks every second")
        return []
    }

    private func captureOnce(_ microphone: ALSAMicrophone, while speaker: ALSASpeaker?) throws -> [AudioBlock] {
        var blocks: [AudioBlock] = []
        var number = 0
        while blocks.count < 50 {
            if let speaker {
                try speaker.play(sine(1000, amplitude: 10_000, block: number))
                number += 1
                // The two sides keep the same pace; only what is there is taken.
                while let block = try microphone.nextBlock(timeout: .zero) { blocks.append(block) }
            } else {
                blocks.append(try #require(try microphone.nextBlock(timeout: .seconds(1))))
            }
        }
        return blocks
    }

    /// Plays a second of sine without an underrun; whether one of `attempts` had none.
    private func play(to speaker: ALSASpeaker, attempts: Int) throws -> Bool {
        for _ in 0..<attempts {
            let before = speaker.underruns
            for number in 0..<50 { try speaker.play(sine(1000, amplitude: 10_000, block: number)) }
            if speaker.underruns == before { return true }
        }
        return false
    }

    /// The second half of what was captured, half a second of steady sound.
    private func tail(_ blocks: [AudioBlock]) -> [Int16] { blocks.suffix(25).flatMap(\.samples) }

    /// What the kernel tells of the card's `file`.
    private func proc(_ file: String) throws -> String {
        try String(contentsOfFile: "/proc/asound/card0/\(file)", encoding: .utf8)
    }

    /// Runs `command` while `body` does.
    private func during<Result>(_ command: [String], _ body: () throws -> Result) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        let state = "pcm0\(command[0] == "arecord" ? "c" : "p")/sub0/status"
        let end = ContinuousClock.now + .seconds(10)
        while try !proc(state).hasPrefix("state: RUNNING") {
            try #require(ContinuousClock.now < end, "\(command[0]) did not start")
            sched_yield()
        }
        return try body()
    }

    @Test func `The loopback is found, in both directions`() throws {
        let devices = SoundDevices.list()
        #expect(devices.contains { $0.name == "plughw:CARD=Loopback,DEV=0" && $0.direction == .capture })
        #expect(devices.contains { $0.name == "plughw:CARD=Loopback,DEV=1" && $0.direction == .playback })
        #expect(try SoundDevices.first(.playback, of: devices).device.deviceName == "Loopback PCM")
    }

    @Test func `What is played is captured, in time and without a break`() throws {
        let microphone = try ALSAMicrophone(device: "hw:0,1")
        let speaker = try ALSASpeaker(device: "hw:0,0")
        let blocks = try capture(microphone, while: speaker)
        let heard = tail(blocks)
        #expect(abs(amplitude(of: 1000, in: heard) - 10_000) < 100)
        // A gap or a jump would spread over other frequencies.
        #expect(amplitude(of: 1100, in: heard) < 100)
        let steps = zip(blocks, blocks.dropFirst()).map { $1.captured - $0.captured }
        #expect(steps.allSatisfy { $0 > .milliseconds(15) && $0 < .milliseconds(25) })
        #expect(speaker.latency <= .milliseconds(60))
        #expect(
            microphone.description.contains("hw:0,1, Loopback, 48000 Hz, mono, S16_LE"), "\(microphone.description)")
    }

    @Test func `A device whose format another program has fixed is captured through conversion`() throws {
        // Five seconds of 1000 Hz in 44100 Hz, 32 bit, on both channels.
        let samples = (0..<44100 * 5).flatMap { index in
            let sample = Int32(10_000 * 65536 * sin(2 * .pi * 1000 * Double(index) / 44100)).littleEndian
            return [sample, sample]
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "doorward-tone-\(getpid()).raw")
        try samples.withUnsafeBytes { Data($0) }.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try during(["aplay", "-D", "hw:0,0", "-t", "raw", "-c", "2", "-r", "44100", "-f", "S32_LE", file.path]) {
            let microphone = try ALSAMicrophone(device: "hw:0,1")
            #expect(microphone.description == "plughw:0,1, Loopback, 44100 Hz, 2 channels, S32_LE")
            let heard = tail(try capture(microphone, while: nil))
            #expect(abs(amplitude(of: 1000, in: heard) - 10_000) < 200)
            #expect(amplitude(of: 1100, in: heard) < 200)
        }
    }

    @Test func `A device whose format another program has fixed is played to through conversion`() throws {
        try during(["arecord", "-D", "hw:0,0", "-c", "2", "-r", "96000", "-f", "S32_LE", "/dev/null"]) {
            let speaker = try ALSASpeaker(device: "hw:0,1")
            #expect(speaker.description == "plughw:0,1, Loopback, 96000 Hz, 2 channels, S32_LE")
            let played = try play(to: speaker, attempts: 10)
            #expect(played)
        }
    }

    @Test func `A reader that is held up loses sound and goes on`() throws {
        let microphone = try ALSAMicrophone(device: "hw:0,1")
        _ = try microphone.nextBlock(timeout: .seconds(1))
        let before = microphone.overruns
        // Longer than the 200 ms that the device holds.
        usleep(500_000)
        _ = try microphone.nextBlock(timeout: .seconds(1))
        #expect(microphone.overruns == before + 1)
        let blocks = try capture(microphone, while: nil)
        #expect(blocks[40].captured - blocks[20].captured > .milliseconds(390))
    }

    @Test func `A writer that is held up leaves a silence and goes on`() throws {
        let microphone = try ALSAMicrophone(device: "hw:0,1")
        let speaker = try ALSASpeaker(device: "hw:0,0")
        _ = try capture(microphone, while: speaker)
        let before = speaker.underruns
        // Longer than the 60 ms that the device holds.
        usleep(300_000)
        while try microphone.nextBlock(timeout: .zero) != nil {}
        try speaker.play(sine(1000, amplitude: 10_000, block: 0))
        #expect(speaker.underruns == before + 1)
        let heard = tail(try capture(microphone, while: speaker))
        #expect(abs(amplitude(of: 1000, in: heard) - 10_000) < 100)
    }

    @Test func `A device in use is an error at once, and not gone`() throws {
        // Its two substreams.
        let first = try ALSASpeaker(device: "hw:0,0")
        let second = try ALSASpeaker(device: "hw:0,0")
        do throws(DeviceError) {
            _ = try ALSASpeaker(device: "hw:0,0")
            Issue.record("it has only two")
        } catch {
            #expect(!error.isGone)
            #expect(error.description.contains("busy"), "\(error)")
        }
        #expect(first.description == second.description)
    }

    @Test func `A card that is unplugged is gone, for the reader and the writer`() throws {
        // It returns when the last program has let go of the card; the card is cut off at once.
        let unplug = Process()
        unplug.executableURL = URL(filePath: "/bin/sh")
        unplug.arguments = ["-c", "echo snd_aloop.0 > /sys/bus/platform/drivers/snd_aloop/unbind"]
        do {
            let microphone = try ALSAMicrophone(device: "hw:0,1")
            let speaker = try ALSASpeaker(device: "hw:0,0")
            _ = try capture(microphone, while: speaker)
            try unplug.run()
            #expect(
                isGone { () throws(DeviceError) in
                    while true { _ = try microphone.nextBlock(timeout: .seconds(1)) }
                })
            #expect(
                isGone { () throws(DeviceError) in
                    while true { try speaker.play(sine(1000, amplitude: 10_000, block: 0)) }
                })
        }
        unplug.waitUntilExit()
        #expect(SoundDevices.list().isEmpty)
        // Plugged in again, it is found and works.
        let bind = try #require(FileHandle(forWritingAtPath: "/sys/bus/platform/drivers/snd_aloop/bind"))
        try bind.write(contentsOf: Data("snd_aloop.0".utf8))
        #expect(!SoundDevices.list().isEmpty)
        _ = try capture(try ALSAMicrophone(device: "hw:0,1"), while: nil)
    }

    /// Whether `body`, which must fail, says that the device is gone.
    private func isGone(_ body: () throws(DeviceError) -> Void) -> Bool {
        do throws(DeviceError) {
            try body()
            return false
        } catch {
            return error.isGone
        }
    }
}
