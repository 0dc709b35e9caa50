import Media
import Wire

/// A speaker behind an ALSA playback device.
public final class ALSASpeaker: AudioSink {
    /// The device, its card and the format that its hardware took.
    public var description: String { pcm.description }
    /// How many times the speaker fell silent because nothing came in time, or the system slept.
    public private(set) var underruns = 0

    private let pcm: PCM

    /// Opens the ALSA device `device`. It starts with the second block.
    public init(device: String) throws(DeviceError) {
        // Three blocks: two play out while the third is written.
        pcm = try PCM.open(device, .playback, buffer: .milliseconds(60))
    }

    /// How long from now a sample that is played now will be heard.
    public var latency: Duration {
        .nanoseconds(Int64(pcm.delay) * 1_000_000_000 / Int64(AudioFormat.sampleRate))
    }

    /// Queues one block; blocks while the device's buffer (60 ms) is full.
    public func play(_ samples: [Int16]) throws(DeviceError) {
        var played = 0
        // A device that works takes a block every 20 ms.
        let end = MonotonicClock.now + .seconds(1)
        while played < samples.count {
            var transfer = try pcm.write(samples, from: played)
            if case .notReady = transfer {
                guard let waited = try pcm.wait(until: end) else {
                    throw DeviceError("the playback device \(description) takes no more sound")
                }
                transfer = waited
            }
            switch transfer {
            case .samples(let count): played += count
            case .notReady: continue
            case .restarted:
                underruns += 1
                guard MonotonicClock.now < end else {
                    throw DeviceError("the playback device \(description) cannot be restarted")
                }
            }
        }
    }
}
