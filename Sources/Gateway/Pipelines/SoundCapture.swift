import Codecs
import Media
import RTP
import Sound
import Synchronization
import Wire

/// Microphone to packets: 20 ms blocks, encoded once for every listener.
///
/// ```
/// microphone ─► (echo canceller: here, between block and encoder; what the speaker played is in VoicePlayer) ─► Opus ─► onPacket
/// ```
final class SoundCapture: Sendable {
    /// Where the sound comes from right now.
    enum Input: Hashable, Sendable {
        case microphone(String)
        case tone(because: String)
        case file(String)
        case none(because: String)
    }

    private let configuration: Configuration.Audio
    private let log: Log
    private let onPacket: @Sendable (PacketizedFrame, _ due: Instant?) -> Void
    private let onInput: @Sendable (Input) -> Void
    private let isWanted = Atomic(false)
    private let expectedLoss = Mutex(0.0)
    private let thread = Mutex<WorkerThread?>(nil)

    /// How often a missing microphone is looked for.
    private static let retryInterval = Duration.seconds(3)
    /// How long a microphone may deliver nothing before it is closed and opened again.
    private static let stallLimit = Duration.seconds(3)

    init(
        configuration: Configuration.Audio, log: Log,
        onPacket: @escaping @Sendable (PacketizedFrame, _ due: Instant?) -> Void,
        onInput: @escaping @Sendable (Input) -> Void
    ) {
        self.configuration = configuration
        self.log = log
        self.onPacket = onPacket
        self.onInput = onInput
    }

    func start() {
        thread.withLock { $0 = WorkerThread(name: "microphone") { [self] in run(until: $0) } }
    }

    private func run(until stop: WorkerThread.Stop) {
        guard configuration.capture == .file else { return capture(until: stop) }
        do throws(SoundFileError) {
            guard let path = configuration.file else { throw SoundFileError(description: "audio.file names no file") }
            let file = try OpusFile(path: path)
            onInput(.file(path))
            play(file, until: stop)
        } catch {
            onInput(.none(because: error.description))
        }
    }

    /// Gives the packets of `file` at their pace, some time before they are due, again and again.
    private func play(_ file: OpusFile, until stop: WorkerThread.Stop) {
        var next = MonotonicClock.now
        while !stop.isRequested {
            for packet in file.packets where !stop.isRequested {
                // more than this behind, it does not catch up: the machine slept
                if MonotonicClock.now - next > .milliseconds(200) { next = MonotonicClock.now }
                // who has waited for one gives several
                if next > MonotonicClock.now + FrameSchedule.lead {
                    MonotonicClock.sleep(until: next - FrameSchedule.lead / 4)
                }
                onPacket(
                    PacketizedFrame(
                        sound: packet.bytes, timestamp: RTPTimestamp(next, clockRate: AudioFormat.sampleRate),
                        captured: next), next)
                next = next + packet.duration
            }
        }
    }

    func stop() {
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    /// Whether anybody listens.
    func setWanted(_ wanted: Bool) {
        isWanted.store(wanted, ordering: .releasing)
    }

    /// Prepares for `fraction` of the packets (0 to 1) being lost. In-band FEC repeats each packet in the next, which
    /// nearly doubles Opus's work: it is done as far as anybody loses any.
    func setExpectedLoss(_ fraction: Double) {
        expectedLoss.withLock { $0 = fraction }
    }

    private func capture(until stop: WorkerThread.Stop) {
        var encoder: (opus: OpusEncoder, expectedLoss: Double)?
        var input: Input?
        var source: any AudioSource = SilenceSource()
        var nextAttempt = MonotonicClock.now
        var lastBlock = MonotonicClock.now
        while !stop.isRequested {
            let isMicrophone = if case .microphone = input { true } else { false }
            if !isMicrophone, MonotonicClock.now >= nextAttempt {
                nextAttempt = MonotonicClock.now + Self.retryInterval
                let (opened, found) = openSource()
                if found != input {
                    source = opened
                    input = found
                    onInput(found)
                }
                lastBlock = MonotonicClock.now
            }
            do throws(DeviceError) {
                let block = try source.nextBlock(timeout: .milliseconds(200))
                if let block {
                    lastBlock = MonotonicClock.now
                    if isWanted.load(ordering: .acquiring) { try encode(block, with: &encoder) } else { encoder = nil }
                } else if MonotonicClock.now - lastBlock > Self.stallLimit {
                    throw DeviceError("\(source.description) delivers no sound any more")
                }
            } catch {
                log.warning("microphone: \(error)")
                source = SilenceSource()
                input = nil
                nextAttempt = MonotonicClock.now + .milliseconds(500)
            }
        }
    }

    private func encode(
        _ block: AudioBlock, with encoder: inout (opus: OpusEncoder, expectedLoss: Double)?
    ) throws(DeviceError) {
        do throws(OpusError) {
            let loss = expectedLoss.withLock { $0 }
            let opus: OpusEncoder
            if let current = encoder {
                opus = current.opus
                if current.expectedLoss != loss { try opus.setExpectedLoss(loss) }
            } else {
                opus = try OpusEncoder(
                    bitrate: configuration.bitrateKbps * 1000, complexity: configuration.complexity, expectedLoss: loss)
            }
            encoder = (opus, loss)
            let packet = try opus.encode(block.samples)
            onPacket(
                PacketizedFrame(
                    sound: packet, timestamp: RTPTimestamp(block.captured, clockRate: AudioFormat.sampleRate),
                    captured: block.captured), nil)
        } catch {
            throw DeviceError(error.description)
        }
    }

    private func openSource() -> (any AudioSource, Input) {
        switch configuration.capture {
        case .none: return (SilenceSource(), .none(because: "it is configured"))
        case .tone: return (ToneSource(), .tone(because: "it is configured"))
        case .automatic, .device, .file: break
        }
        do throws(DeviceError) {
            let (name, reason) = try chooseDevice(configuration.captureDevice, .capture)
            let microphone = try ALSAMicrophone(device: name)
            return (microphone, .microphone("\(microphone.description), \(reason)"))
        } catch {
            let reason = error.description
            return configuration.capture == .automatic
                ? (ToneSource(), .tone(because: reason)) : (SilenceSource(), .none(because: reason))
        }
    }
}

/// The configured device, or the first that the machine has, and why that one.
func chooseDevice(
    _ configured: String?, _ direction: SoundDirection
) throws(DeviceError) -> (name: String, reason: String) {
    if let configured { return (configured, "as configured") }
    let (device, reason) = try SoundDevices.first(direction, of: SoundDevices.list())
    return (device.name, reason)
}
