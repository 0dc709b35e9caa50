import CLinux
import Camera
import Codecs
import Media
import RTP
import Synchronization
import Wire

/// One encode of the captured pictures, on a thread of its own: scaled, encoded and packetised as its target says, and
/// handed over. Without a target it does nothing.
final class EncodingLine: Sendable {
    /// What was done since the start.
    struct Counters: Sendable {
        var encoded = 0
        var keyFrames = 0
        /// Pictures that the encoder had no time for.
        var dropped = 0
        /// CPU time of the encoder alone.
        var encodeCPU = Duration.zero
        /// Time that the thread was busy, by the clock on the wall.
        var busy = Duration.zero
    }

    private struct State {
        var target: EncodingTarget?
        var keyFrameRequests = KeyFrameRequests()
        var counters = Counters()
        /// Pictures that came while there was a target.
        var offered = 0
    }

    private let encoding: Encoding
    private let configuration: Configuration.Video
    private let log: Log
    private let onFrame: @Sendable (PacketizedFrame, _ due: Instant?) -> Void
    private let state = Mutex(State())
    /// nil wakes the thread, to look at its target.
    private let slot = Handover<VideoFrame?>(capacity: 1)
    private let thread = Mutex<WorkerThread?>(nil)

    /// What is left of an IPv6 path's least MTU (1280 bytes) after IP, UDP, RTP with its header extension, RTX and the
    /// SRTP tag, and some for a tunnel on the way.
    private static let maximumPayloadSize = 1140
    private static let packetizer = H264Packetizer(maximumPayloadSize: maximumPayloadSize)

    /// The main encode's slices leave as they are ready: with two, half of each picture is on its way before the other half
    /// is encoded; each more costs x264 some two parts in a hundred of its time. The low encode is ready soon enough.
    private static let slices = 2

    init(
        _ encoding: Encoding, configuration: Configuration.Video, log: Log,
        onFrame: @escaping @Sendable (PacketizedFrame, _ due: Instant?) -> Void
    ) {
        self.encoding = encoding
        self.configuration = configuration
        self.log = log
        self.onFrame = onFrame
    }

    func start() {
        let name = encoding == .main ? "encoder" : "encoder \(encoding)"
        thread.withLock { $0 = WorkerThread(name: name) { [self] in encode(until: $0) } }
    }

    func stop() {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.requestStop()
        slot.close()
        running?.join()
    }

    var counters: Counters { state.withLock { $0.counters } }
    var target: EncodingTarget? { state.withLock { $0.target } }
    var isWanted: Bool { state.withLock { $0.target != nil } }

    /// Encodes what `target` says from the next picture on; nothing for nil.
    func setTarget(_ target: EncodingTarget?) {
        let ends = state.withLock { state in
            defer { state.target = target }
            // nobody has seen what was encoded before: whoever comes begins here, and costs nobody else anything
            if state.target == nil, target != nil {
                state.keyFrameRequests = KeyFrameRequests()
                state.keyFrameRequests.request()
            }
            return state.target != nil && target == nil
        }
        if ends { slot.give(nil) }
    }

    /// The next picture shall be a key frame, unless one was made just before; for a newcomer all the same, unless many come.
    func requestKeyFrame(isNewcomer: Bool = false) {
        state.withLock { $0.keyFrameRequests.request(isNewcomer: isNewcomer) }
    }

    /// Offers a picture; one that the encoder has not begun with gives way to it.
    func give(_ frame: VideoFrame) {
        let isKept = state.withLock { state in
            guard let target = state.target else { return false }
            state.offered += 1
            return state.offered % target.format.frameDivisor == 0
        }
        guard isKept, case .some(.some) = slot.give(frame) else { return }
        state.withLock { $0.counters.dropped += 1 }
    }

    // MARK: What is encoded already

    /// Whether the source is to be asked for a key frame.
    func takeKeyFrameRequest() -> Bool {
        state.withLock { $0.keyFrameRequests.takeKeyFrame(at: MonotonicClock.now) }
    }

    /// Packetises `unit`, which somebody else has encoded, and hands it over; to be sent at `due`, where there is one.
    func pass(_ unit: AccessUnit, due: Instant?) {
        let began = MonotonicClock.now
        hand(unit, due: due)
        count(isKeyFrame: unit.isKeyFrame, cpu: .zero, began: began)
    }

    private func hand(_ unit: AccessUnit, due: Instant? = nil) {
        onFrame(
            Self.packetizer.packetize(
                bytes: unit.bytes, nalUnits: unit.nalUnits, captured: unit.captured, isKeyFrame: unit.isKeyFrame,
                isFirst: unit.isFirst, isLast: unit.isLast), due)
    }

    // MARK: The thread

    private func encode(until stop: WorkerThread.Stop) {
        var encoder: H264Encoder?
        var retryAt = MonotonicClock.now
        while !stop.isRequested {
            guard let taken = slot.take(timeout: .seconds(3600)) else { continue }
            guard let target, let frame = taken else {
                // the main encode comes back with the next viewer, who shall not wait for its encoder
                if encoding != .main { encoder = nil }
                continue
            }
            let began = MonotonicClock.now
            guard began >= retryAt else { continue }
            do throws(DeviceError) {
                let picture = PictureScaler.scale(frame, by: target.format.scale)
                let current = try self.encoder(for: target, size: picture.size, instead: &encoder)
                let force = state.withLock { $0.keyFrameRequests.takeKeyFrame(at: began) }
                let start = linux_thread_cpu_nanoseconds()
                var isKeyFrame: Bool?
                try current.encode(picture, forceKeyFrame: force) { unit in
                    isKeyFrame = unit.isKeyFrame
                    hand(unit)
                }
                let spent = Duration.nanoseconds(linux_thread_cpu_nanoseconds() - start)
                count(isKeyFrame: isKeyFrame, cpu: spent, began: began)
            } catch {
                log.error("encoder: \(error)")
                encoder = nil
                retryAt = MonotonicClock.now + .seconds(1)
            }
        }
    }

    /// Counts a picture; one that the encoder dropped where `isKeyFrame` is nil.
    private func count(isKeyFrame: Bool?, cpu: Duration, began: Instant) {
        let now = MonotonicClock.now
        state.withLock { state in
            state.counters.busy += now - began
            state.counters.encodeCPU += cpu
            guard let isKeyFrame else { return }
            state.counters.encoded += 1
            guard isKeyFrame else { return }
            state.counters.keyFrames += 1
            state.keyFrameRequests.keyFrameWasEncoded(at: began)
        }
    }

    /// `encoder`, aimed at `target`; where that is of another size, rate or effort, a new one in its place, whose first
    /// picture is a key frame.
    private func encoder(
        for target: EncodingTarget, size: VideoSize, instead encoder: inout H264Encoder?
    ) throws(DeviceError) -> H264Encoder {
        var wanted = H264EncoderConfiguration(
            size: size, frameRate: Double(configuration.frameRate) / Double(target.format.frameDivisor),
            bitrate: target.bitrate, preset: target.leastEffort ? .ultrafast : configuration.preset,
            keyFrameInterval: configuration.keyFrameInterval, intraRefresh: configuration.intraRefresh,
            slices: encoding == .main ? Self.slices : 1)
        if let encoder {
            wanted.bitrate = encoder.configuration.bitrate
            if encoder.configuration == wanted {
                try encoder.setBitrate(target.bitrate)
                return encoder
            }
            wanted.bitrate = target.bitrate
        }
        // the old one's memory first
        encoder = nil
        let opened = try H264Encoder(wanted)
        log.info("\(encoding == .main ? "encoder" : "second encoder"): \(opened.description)")
        encoder = opened
        return opened
    }
}
