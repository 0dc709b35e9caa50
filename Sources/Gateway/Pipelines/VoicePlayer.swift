import Codecs
import Glibc
import Media
import RTP
import Sound
import Synchronization
import Wire

/// The voices of all viewers who talk, mixed to the speaker: a jitter buffer and a decoder for each, pulled by the
/// speaker's clock.
///
/// The speaker is opened when somebody talks and closed when it has been quiet for a while, so that it is free for
/// others and a board draws no current for silence.
final class VoicePlayer: Sendable {
    /// Where voices go right now.
    enum Output: Hashable, Sendable {
        case speaker(String)
        case none(because: String)
    }

    private struct State {
        var voices: [SessionID: Voice] = [:]
        var output: Output?
    }

    private let configuration: Configuration.Audio
    private let log: Log
    private let onOutput: @Sendable (Output) -> Void
    private let state = Mutex(State())
    private let wake = Handover<Void>(capacity: 1)
    private let thread = Mutex<WorkerThread?>(nil)

    /// How long the speaker stays open after the last voice.
    private static let lingering = Duration.seconds(10)
    private static let retryInterval = Duration.seconds(3)

    init(configuration: Configuration.Audio, log: Log, onOutput: @escaping @Sendable (Output) -> Void) {
        self.configuration = configuration
        self.log = log
        self.onOutput = onOutput
    }

    func start() {
        thread.withLock { $0 = WorkerThread(name: "speaker") { [self] in play(until: $0) } }
    }

    func stop() {
        wake.close()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    /// Takes a packet of Opus from the viewer of `session`.
    func push(_ packet: RTPPacket, from session: SessionID, at now: Instant) {
        state.withLock { $0.voices[session, default: Voice()].push(packet, at: now) }
        wake.give(())
    }

    /// The viewer is gone.
    func remove(_ session: SessionID) {
        state.withLock { $0.voices[session] = nil }
    }

    /// How the voice of `session` sounds; nil where it has not talked.
    func statistics(of session: SessionID) -> VoiceStatistics? {
        state.withLock { $0.voices[session]?.statistics }
    }

    private func play(until stop: WorkerThread.Stop) {
        var sink: (any AudioSink)?
        var mixer = AudioMixer<SessionID>()
        var lastVoice: Instant?
        var lastAttempt = Instant(nanoseconds: .min)
        // once at the start, so that the log and the pages know whether there is a speaker
        sink = openSink(&lastAttempt)
        while !stop.isRequested {
            let now = MonotonicClock.now
            let blocks = state.withLock { state in
                var blocks: [SessionID: [Int16]] = [:]
                for session in state.voices.keys {
                    if let block = state.voices[session]?.nextBlock(at: now) { blocks[session] = block }
                }
                return blocks
            }
            if !blocks.isEmpty || !mixer.voices.isEmpty { lastVoice = now }
            guard let last = lastVoice, now - last < Self.lingering else {
                sink = nil
                if wake.take(timeout: .seconds(3600)) != nil { lastVoice = MonotonicClock.now }
                continue
            }
            let current: any AudioSink
            if let sink, !(sink is DiscardingSink && now - lastAttempt > Self.retryInterval) {
                current = sink
            } else {
                current = openSink(&lastAttempt)
                sink = current
            }
            do throws(DeviceError) {
                try current.play(mixer.mix(blocks))
            } catch {
                log.warning("speaker: \(error)")
                sink = nil
            }
        }
    }

    private func openSink(_ lastAttempt: inout Instant) -> any AudioSink {
        lastAttempt = MonotonicClock.now
        let (sink, output): (any AudioSink, Output)
        if configuration.playback == .none {
            (sink, output) = (DiscardingSink(), .none(because: "it is configured"))
        } else {
            do throws(DeviceError) {
                let (name, reason) = try chooseDevice(configuration.playbackDevice, .playback)
                let speaker = try ALSASpeaker(device: name)
                (sink, output) = (speaker, .speaker("\(speaker.description), \(reason)"))
            } catch {
                (sink, output) = (DiscardingSink(), .none(because: error.description))
            }
        }
        let isNews = state.withLock { state in
            defer { state.output = output }
            return state.output != output
        }
        if isNews { onOutput(output) }
        return sink
    }
}

/// How a viewer's voice arrives and sounds.
struct VoiceStatistics: Sendable {
    let jitterBuffer: JitterBuffer.Statistics
    /// The loudness of the last block in dBFS; −∞ for silence.
    let level: Double
}

/// One viewer's voice: packets in, blocks of 20 ms out.
struct Voice: Sendable {
    private var buffer = JitterBuffer()
    private var decoder: SendableDecoder?
    private var pending: [Int16] = []
    private var source: SSRC?
    private var silentBlocks = 0
    private var level = -Double.infinity

    /// A voice that has been silent this long has nothing to play.
    private static let silenceLimit = 25

    var statistics: VoiceStatistics { VoiceStatistics(jitterBuffer: buffer.statistics, level: level) }

    mutating func push(_ packet: RTPPacket, at now: Instant) {
        if source != packet.header.ssrc {
            if source != nil { buffer.restart() }
            source = packet.header.ssrc
        }
        buffer.push(
            packet.payload, sequence: packet.header.sequenceNumber, timestamp: packet.header.timestamp, at: now)
        silentBlocks = 0
    }

    /// The next 20 ms; nil while nobody speaks.
    mutating func nextBlock(at now: Instant) -> [Int16]? {
        while pending.count < AudioFormat.samplesPerBlock {
            guard silentBlocks < Self.silenceLimit else {
                pending = []
                level = -.infinity
                return nil
            }
            let playout = buffer.next(at: now)
            silentBlocks = if case .silence = playout { silentBlocks + 1 } else { 0 }
            pending += samples(of: playout)
        }
        let block = Array(pending.prefix(AudioFormat.samplesPerBlock))
        pending.removeFirst(AudioFormat.samplesPerBlock)
        level = decibels(of: block)
        return block
    }

    /// A packet that cannot be decoded is played as a gap.
    private mutating func samples(of playout: Playout) -> [Int16] {
        let silence = [Int16](repeating: 0, count: playout.samples)
        guard let decoder = decoder ?? SendableDecoder() else { return silence }
        self.decoder = decoder
        do throws(OpusError) {
            switch playout {
            case .packet(let packet, _):
                return try decoder.decoder.decode(packet)
            case .merged(let first, let second, let count):
                return crossfade(try decoder.decoder.decode(first), try decoder.decoder.decode(second), count: count)
            case .lost(let next?, let count):
                return try decoder.decoder.recover(samples: count, from: next)
            case .lost(nil, let count):
                return try decoder.decoder.conceal(samples: count)
            case .silence:
                return silence
            }
        } catch {
            return silence
        }
    }

    /// Plays `first` fading into `second`: two packets in the time of one.
    private func crossfade(_ first: [Int16], _ second: [Int16], count: Int) -> [Int16] {
        guard first.count >= count, second.count >= count else { return second }
        return (0..<count).map { index in
            let weight = Double(index) / Double(count)
            return Int16(
                clamping: Int((Double(first[index]) * (1 - weight) + Double(second[index]) * weight).rounded()))
        }
    }
}

/// A decoder that moves between threads with the voice it belongs to, which the player's lock guards.
private final class SendableDecoder: @unchecked Sendable {
    let decoder: OpusDecoder

    init?() {
        guard let decoder = try? OpusDecoder() else { return nil }
        self.decoder = decoder
    }
}

/// The loudness of `samples` in dBFS (a full-scale sine is −3).
private func decibels(of samples: [Int16]) -> Double {
    let power = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(samples.count, 1))
    return power > 0 ? 10 * log10(power / (32_768.0 * 32_768.0)) : -.infinity
}
