import Foundation
import Media
import Sound
import Testing
import Wire

/// The real driver: what is played on `hw:0,0` of snd-aloop is captured on `hw:0,1`, and the reverse.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["LAB_SOUND"] != nil))
struct LoopbackTests {
    /// Captures a second, playing a sine of 1000 Hz meanwhile.
    private func capture(_ microphone: ALSAMicrophone, while speaker: ALSASpeaker?) throws -> [AudioBlock] {
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

    /// The strongest second half of what was captured: half a second of sound in steady state.
    private func tail(_ blocks: [AudioBlock]) -> [Int16] { blocks.suffix(25).flatMap(\.samples) }

    /// Runs `command` while `body` does.
    private func during<Result>(_ command: [String], _ body: () throws -> Result) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        // It has opened the device when the kernel knows the format.
        let parameters = "/proc/asound/card0/pcm0\(command[0] == "arecord" ? "c" : "p")/sub0/hw_params"
        let end = ContinuousClock.now + .seconds(10)
        while try String(contentsOfFile: parameters, encoding: .utf8).hasPrefix("closed") {
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
        #expect(microphone.overruns == 0 && speaker.underruns == 0)
        let steps = zip(blocks, blocks.dropFirst()).map { $1.captured - $0.captured }
        #expect(steps.allSatisfy { $0 > .milliseconds(15) && $0 < .milliseconds(25) })
        #expect(speaker.latency <= .milliseconds(60))
        #expect(
            microphone.description.contains("hw:0,1, Loopback, 48000 Hz, mono, S16_LE"), "\(microphone.description)")
    }

    @Test func `A device whose format another program has fixed is captured through conversion`() throws {
        try during([
            "speaker-test", "-D", "hw:0,0", "-c", "2", "-r", "44100", "-F", "S32_LE", "-t", "sine", "-f", "1000",
        ]) {
            let microphone = try ALSAMicrophone(device: "hw:0,1")
            #expect(microphone.description == "plughw:0,1, Loopback, 44100 Hz, 2 channels, S32_LE")
            var strongest = 0.0
            // speaker-test plays on one channel after the other, three seconds each, with pauses.
            for _ in 0..<4 {
                strongest = max(strongest, amplitude(of: 1000, in: tail(try capture(microphone, while: nil))))
            }
            #expect(strongest > 3000)
            #expect(microphone.overruns == 0)
        }
    }

    @Test func `A device whose format another program has fixed is played to through conversion`() throws {
        try during(["arecord", "-D", "hw:0,0", "-c", "2", "-r", "96000", "-f", "S32_LE", "/dev/null"]) {
            let speaker = try ALSASpeaker(device: "hw:0,1")
            for number in 0..<50 { try speaker.play(sine(1000, amplitude: 10_000, block: number)) }
            #expect(speaker.underruns == 0)
        }
    }

    @Test func `A reader that is held up loses sound and goes on`() throws {
        let microphone = try ALSAMicrophone(device: "hw:0,1")
        _ = try microphone.nextBlock(timeout: .seconds(1))
        usleep(500_000)
        let blocks = try capture(microphone, while: nil)
        #expect(microphone.overruns == 1)
        #expect(blocks[40].captured - blocks[20].captured > .milliseconds(390))
    }

    @Test func `A writer that is held up leaves a silence and goes on`() throws {
        let microphone = try ALSAMicrophone(device: "hw:0,1")
        let speaker = try ALSASpeaker(device: "hw:0,0")
        _ = try capture(microphone, while: speaker)
        usleep(300_000)
        while try microphone.nextBlock(timeout: .zero) != nil {}
        let heard = tail(try capture(microphone, while: speaker))
        #expect(speaker.underruns == 1)
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
}
