import Media
import Wire

/// A microphone behind an ALSA capture device.
public final class ALSAMicrophone: AudioSource {
    /// The device, its card and the format that its hardware took.
    public var description: String { pcm.description }
    /// How many times sound was lost because nobody took it in time, or the system slept.
    public private(set) var overruns = 0

    private let pcm: PCM
    private var samples = [Int16](repeating: 0, count: AudioFormat.samplesPerBlock)
    private var filled = 0
    private var clock = CaptureClock()

    /// Opens the ALSA device `device` and starts it.
    public init(device: String) throws(DeviceError) {
        // What matters is how soon it is read; the buffer is for a reader that is held up.
        pcm = try PCM.open(device, .capture, buffer: .milliseconds(200))
    }

    /// Blocks until 20 ms of sound are there, at most `timeout`; nil when they did not come in time.
    public func nextBlock(timeout: Duration) throws(DeviceError) -> AudioBlock? {
        let end = MonotonicClock.now + timeout
        while filled < samples.count {
            var transfer = try pcm.read(into: &samples, from: filled)
            if case .notReady = transfer {
                guard let waited = try pcm.wait(until: end) else { return nil }
                transfer = waited
            }
            switch transfer {
            case .samples(let count): filled += count
            case .notReady: continue
            case .restarted:
                // A block with a hole in it would be a click; the rest of it is lost, too.
                overruns += 1
                filled = 0
                clock = CaptureClock()
                if MonotonicClock.now >= end { return nil }
            }
        }
        filled = 0
        let captured = clock.captured(now: MonotonicClock.now, samplesBehind: pcm.delay + samples.count)
        return AudioBlock(samples: samples, captured: captured)
    }
}
