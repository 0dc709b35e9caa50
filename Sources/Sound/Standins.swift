import Glibc
import Media
import Wire

/// What is heard where there is no microphone: a quiet 440 Hz, swelling once a second.
public final class ToneSource: AudioSource {
    /// The tone's frequency in hertz.
    public static let frequency = 440.0

    /// What it is, for the log.
    public let description = "a quiet tone of 440 Hz"

    private var pacer = BlockPacer()
    private var position = 0

    /// A tone that begins with the first block asked for.
    public init() {}

    /// Waits until the next block is due, at most `timeout`; nil when it is due later.
    public func nextBlock(timeout: Duration) throws(DeviceError) -> AudioBlock? {
        guard let begin = pacer.waitForBlock(timeout: timeout) else { return nil }
        defer { position = (position + AudioFormat.samplesPerBlock) % Self.second.count }
        return AudioBlock(
            samples: Array(Self.second[position..<position + AudioFormat.samplesPerBlock]), captured: begin)
    }

    /// One second of it, which repeats without a seam: it holds whole periods of the tone, one swell and whole blocks.
    private static let second: [Int16] = {
        let peak = 32767 * pow(10, -26.0 / 20)
        return (0..<AudioFormat.sampleRate).map { index in
            let time = Double(index) / Double(AudioFormat.sampleRate)
            // Between a quarter and all of the peak, so that it is never quite gone.
            let swell = 0.625 - 0.375 * cos(2 * .pi * time)
            return Int16((peak * swell * sin(2 * .pi * frequency * time)).rounded())
        }
    }()
}

/// Silence, where the owner wants no tone in place of the microphone.
public final class SilenceSource: AudioSource {
    /// What it is, for the log.
    public let description = "silence"

    private var pacer = BlockPacer()
    private let silence = [Int16](repeating: 0, count: AudioFormat.samplesPerBlock)

    /// Silence that begins with the first block asked for.
    public init() {}

    /// Waits until the next block is due, at most `timeout`; nil when it is due later.
    public func nextBlock(timeout: Duration) throws(DeviceError) -> AudioBlock? {
        pacer.waitForBlock(timeout: timeout).map { AudioBlock(samples: silence, captured: $0) }
    }
}

/// What voices are played to where there is no speaker: it drops them, at a speaker's pace.
public final class DiscardingSink: AudioSink {
    /// What it is, for the log.
    public let description = "no speaker"

    private var pacer = BlockPacer()

    /// A sink whose pace begins with the first block.
    public init() {}

    /// Waits until a speaker would have taken the block.
    public func play(_ samples: [Int16]) throws(DeviceError) {
        _ = pacer.waitForBlock(timeout: AudioFormat.blockDuration)
    }
}
