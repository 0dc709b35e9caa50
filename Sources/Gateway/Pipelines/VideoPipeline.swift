import CLinux
import Camera
import Codecs
import Media
import RTP
import Synchronization
import Wire

/// Camera to packets: one thread captures, one encodes, and each frame goes to `onFrame` once, however many viewers
/// there are.
///
/// The camera is looked for again and again while it is missing, with the test card in its place where that is allowed;
/// it streams all the time, so that a viewer never waits for it, but nothing is converted or encoded while nobody
/// watches.
final class VideoPipeline: Sendable {
    /// Where the picture comes from right now.
    enum Picture: Hashable, Sendable {
        case camera(String)
        case testCard(String, because: String)
        case none(because: String)
    }

    private let configuration: Configuration.Video
    private let doorName: String
    private let log: Log
    private let onFrame: @Sendable (PacketizedFrame) -> Void
    private let onPicture: @Sendable (Picture) -> Void

    private let isWanted = Atomic(false)
    private let keyFrameRequests = Mutex(KeyFrameRequests())
    private let counted = Mutex(Counters())
    private let slot = Handover<VideoFrame>(capacity: 1)
    private let threads = Mutex<[WorkerThread]>([])

    /// What was done since the start.
    struct Counters: Sendable {
        var captured = 0
        var encoded = 0
        var keyFrames = 0
        /// CPU time of the encoder alone.
        var encodeCPU = Duration.zero
    }

    /// What is left of an IPv6 path's least MTU (1280 bytes) after IP, UDP, RTP with its header extension, RTX and the
    /// SRTP tag, and some for a tunnel on the way.
    private static let maximumPayloadSize = 1140
    /// How long a camera may deliver nothing before it is closed and opened again.
    private static let stallLimit = Duration.seconds(5)
    /// How often a missing camera is looked for.
    private static let retryInterval = Duration.seconds(2)

    init(
        configuration: Configuration.Video, doorName: String, log: Log,
        onFrame: @escaping @Sendable (PacketizedFrame) -> Void, onPicture: @escaping @Sendable (Picture) -> Void
    ) {
        self.configuration = configuration
        self.doorName = doorName
        self.log = log
        self.onFrame = onFrame
        self.onPicture = onPicture
    }

    var counters: Counters { counted.withLock { $0 } }
    /// Frames that the encoder had no time for.
    var droppedFrames: Int { slot.dropCount }

    func start() {
        threads.withLock {
            $0 = [
                WorkerThread(name: "camera") { [self] in capture(until: $0) },
                WorkerThread(name: "encoder") { [self] in encode(until: $0) },
            ]
        }
    }

    func stop() {
        slot.close()
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.requestStop() }
        for thread in running { thread.join() }
    }

    /// Whether anybody watches.
    func setWanted(_ wanted: Bool) {
        isWanted.store(wanted, ordering: .releasing)
    }

    func requestKeyFrame() {
        keyFrameRequests.withLock { $0.request() }
    }

    // MARK: Capture

    private func capture(until stop: WorkerThread.Stop) {
        var picture: Picture?
        var source: (any VideoSource)?
        var lastFrame = EventLoop.now
        var nextAttempt = EventLoop.now
        var failure: String?

        func use(_ newSource: (any VideoSource)?, as newPicture: Picture) {
            source = newSource
            lastFrame = EventLoop.now
            guard newPicture != picture else { return }
            picture = newPicture
            onPicture(newPicture)
        }

        while !stop.isRequested {
            let isCamera = if case .camera = picture { true } else { false }
            if configuration.source != .testCard, !isCamera, EventLoop.now >= nextAttempt {
                nextAttempt = EventLoop.now + Self.retryInterval
                switch openCamera() {
                case .success(let (camera, reason)): use(camera, as: .camera("\(camera.description), \(reason)"))
                case .failure(let error): failure = error.description
                }
            }
            if source == nil {
                let reason = configuration.source == .testCard ? "it is configured" : failure ?? "no camera was found"
                if configuration.source == .camera {
                    use(nil, as: .none(because: reason))
                } else {
                    let card = makeTestCard()
                    use(card, as: .testCard(card.description, because: reason))
                }
            }
            guard let current = source else {
                pause(until: nextAttempt, stop)
                continue
            }
            do throws(DeviceError) {
                let wanted = isWanted.load(ordering: .acquiring)
                let before = EventLoop.now
                if let frame = try current.nextFrame(timeout: .milliseconds(250), wanted: wanted) {
                    counted.withLock { $0.captured += 1 }
                    slot.give(frame)
                    lastFrame = EventLoop.now
                } else if !wanted, EventLoop.now - before < .milliseconds(240) {
                    lastFrame = EventLoop.now  // a frame came and was passed over
                }
                if EventLoop.now - lastFrame > Self.stallLimit {
                    throw DeviceError("\(current.description) delivers no pictures any more")
                }
            } catch {
                failure = error.description
                log.warning("camera: \(error)")
                source = nil
                picture = nil
                nextAttempt = EventLoop.now + .milliseconds(error.isGone ? 500 : 100)
            }
        }
    }

    /// Opens the configured camera, or the first that works, and says why that one.
    private func openCamera() -> Result<(any VideoSource, reason: String), DeviceError> {
        let (devices, failures) = V4L2Camera.enumerate()
        let candidates: [(path: String, reason: String)]
        if let wanted = configuration.device {
            let known = devices.first { $0.path == wanted || $0.name == wanted }?.path
            // a path that is a link, such as /dev/v4l/by-id/…, is none of the names enumerated
            let path = known ?? (wanted.hasPrefix("/") ? wanted : nil)
            guard let path else { return .failure(DeviceError("there is no camera “\(wanted)”")) }
            candidates = [(path, "as configured")]
        } else {
            let reason = devices.count == 1 ? "the only camera" : "the first of \(devices.count) cameras that works"
            candidates = devices.map { ($0.path, reason) }
        }
        // one that may not be opened is why there is none
        var failure = failures.first ?? DeviceError("no camera was found")
        for candidate in candidates {
            do throws(DeviceError) {
                let camera = try V4L2Camera(
                    V4L2CameraConfiguration(
                        path: candidate.path, size: configuration.size, frameRate: Double(configuration.frameRate)))
                return .success((camera, candidate.reason))
            } catch {
                failure = error
            }
        }
        return .failure(failure)
    }

    private func makeTestCard() -> TestCard {
        TestCard(
            size: configuration.size, frameRate: Double(configuration.frameRate), name: doorName,
            label: configuration.source == .testCard ? "test card" : "no camera", grain: configuration.testCardGrain)
    }

    private func pause(until instant: Instant, _ stop: WorkerThread.Stop) {
        while !stop.isRequested, EventLoop.now < instant {
            // nothing is given while there is no source: this waits, and wakes at once when the queue is closed
            _ = slot.take(timeout: min(instant - EventLoop.now, .milliseconds(250)))
        }
    }

    // MARK: Encode

    private func encode(until stop: WorkerThread.Stop) {
        var encoder: H264Encoder?
        let packetizer = H264Packetizer(maximumPayloadSize: Self.maximumPayloadSize)
        var retryAt = EventLoop.now
        while !stop.isRequested {
            guard let frame = slot.take(timeout: .milliseconds(250)), isWanted.load(ordering: .acquiring),
                EventLoop.now >= retryAt
            else { continue }
            do throws(DeviceError) {
                let current: H264Encoder
                if let encoder, encoder.configuration.size == frame.size {
                    current = encoder
                } else {
                    current = try H264Encoder(encoderConfiguration(for: frame.size))
                    log.info("encoder: \(current.description)")
                    encoder = current
                }
                let force = keyFrameRequests.withLock { $0.takeKeyFrame(at: EventLoop.now) }
                let start = linux_thread_cpu_nanoseconds()
                let unit = try current.encode(frame, forceKeyFrame: force)
                let spent = Duration.nanoseconds(linux_thread_cpu_nanoseconds() - start)
                guard let unit else { continue }
                if unit.isKeyFrame { keyFrameRequests.withLock { $0.keyFrameWasEncoded(at: EventLoop.now) } }
                counted.withLock {
                    $0.encoded += 1
                    $0.keyFrames += unit.isKeyFrame ? 1 : 0
                    $0.encodeCPU += spent
                }
                onFrame(
                    packetizer.packetize(
                        bytes: unit.bytes, nalUnits: unit.nalUnits, captured: unit.captured,
                        isKeyFrame: unit.isKeyFrame))
            } catch {
                log.error("encoder: \(error)")
                encoder = nil
                retryAt = EventLoop.now + .seconds(1)
            }
        }
    }

    private func encoderConfiguration(for size: VideoSize) -> H264EncoderConfiguration {
        H264EncoderConfiguration(
            size: size, frameRate: Double(configuration.frameRate), bitrate: configuration.bitrateKbps * 1000,
            preset: configuration.preset, keyFrameInterval: configuration.keyFrameInterval)
    }
}
