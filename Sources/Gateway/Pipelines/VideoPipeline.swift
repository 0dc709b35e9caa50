import Camera
import Media
import RTP
import Synchronization
import Wire

/// Camera to packets: one thread captures, each encode has one of its own, and a frame of an encode goes to `onFrame` once,
/// however many viewers there are; with the time at which it is due, where it is ready before that.
///
/// The camera is looked for again and again while it is missing, with the test card in its place where that is allowed;
/// it streams all the time, so that a viewer never waits for it, but nothing is converted or encoded while nobody
/// watches. What is encoded already goes past the encodes (`relay`).
final class VideoPipeline: Sendable {
    /// Where the picture comes from right now.
    enum Picture: Hashable, Sendable {
        case camera(String)
        case testCard(String, because: String)
        case none(because: String)
    }

    let configuration: Configuration.Video
    private let doorName: Mutex<String>
    let log: Log
    private let onPicture: @Sendable (Picture) -> Void
    private let lines: [Encoding: EncodingLine]

    let counted = Mutex(0)
    let given: Mutex<PictureSource>
    /// The stream that is passed on without an encode.
    let passed = Mutex<PassedStream?>(nil)
    /// Who wants a single picture.
    let snapshots = SnapshotRequests()
    /// Wakes the capture thread while there is no source.
    private let pauses = Handover<Never>(capacity: 1)
    private let threads = Mutex<[WorkerThread]>([])

    /// How long a camera may deliver nothing before it is closed and opened again.
    static let stallLimit = Duration.seconds(5)
    /// How often a missing camera is looked for.
    private static let retryInterval = Duration.seconds(2)

    init(
        configuration: Configuration.Video, doorName: String, log: Log,
        onFrame: @escaping @Sendable (PacketizedFrame, Encoding, _ due: Instant?) -> Void,
        onPicture: @escaping @Sendable (Picture) -> Void
    ) {
        self.configuration = configuration
        self.doorName = Mutex(doorName)
        self.log = log
        self.onPicture = onPicture
        given = Mutex(PictureSource(size: configuration.size, frameRate: Double(configuration.frameRate)))
        lines = Dictionary(
            uniqueKeysWithValues: Encoding.allCases.map { encoding in
                (encoding, EncodingLine(encoding, configuration: configuration, log: log) { onFrame($0, encoding, $1) })
            })
    }

    /// Pictures taken from the camera while somebody watched, since the start.
    var capturedCount: Int { counted.withLock { $0 } }
    /// Whether what the camera encodes itself is passed on, or a file: then there is one encode for all viewers.
    var isPassedThrough: Bool { passed.withLock { $0 != nil } }
    /// What the camera gives, or the card.
    var source: PictureSource { given.withLock { $0 } }

    func start() {
        threads.withLock { $0 = [WorkerThread(name: "camera") { [self] in capture(until: $0) }] }
        for line in lines.values { line.start() }
    }

    func stop() {
        pauses.close()
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.requestStop() }
        for line in lines.values { line.stop() }
        for thread in running { thread.join() }
        snapshots.pictures(areThere: false)
    }

    /// Shows `name` on the test card from the next picture on.
    func rename(door name: String) {
        doorName.withLock { $0 = name }
    }

    subscript(encoding: Encoding) -> EncodingLine {
        guard let line = lines[encoding] else { preconditionFailure("there is a line for each encoding") }
        return line
    }

    private var isWanted: Bool { lines.values.contains(where: \.isWanted) }

    // MARK: Capture

    private func capture(until stop: WorkerThread.Stop) {
        var picture: Picture?
        var source: (any VideoSource)?
        var lastFrame = MonotonicClock.now
        var nextAttempt = MonotonicClock.now
        var failure: String?
        var cardName: String?
        // a camera whose own H.264 is of no use may still have pictures
        var passthrough = configuration.passthrough

        func use(_ newSource: (any VideoSource)?, as newPicture: Picture, named name: String? = nil) {
            source = newSource
            cardName = name
            snapshots.pictures(areThere: newSource != nil)
            if let newSource {
                given.withLock { $0 = PictureSource(size: newSource.size, frameRate: newSource.frameRate) }
            }
            lastFrame = MonotonicClock.now
            guard newPicture != picture else { return }
            picture = newPicture
            onPicture(newPicture)
        }

        while !stop.isRequested {
            let isCamera = if case .camera = picture { true } else { false }
            if configuration.source != .testCard, !isCamera, MonotonicClock.now >= nextAttempt {
                nextAttempt = MonotonicClock.now + Self.retryInterval
                switch configuration.source == .file ? openFile() : openCamera(passthrough) {
                case .success((.pictures(let camera), let reason)):
                    use(camera, as: .camera("\(camera.description), \(reason)"))
                case .success((.encoded(let encoded), let reason)):
                    let isFile = configuration.source == .file
                    use(
                        nil,
                        as: isFile
                            ? .testCard(encoded.description, because: "it is configured")
                            : .camera("\(encoded.description), \(reason)"))
                    do throws(DeviceError) {
                        try relay(encoded, until: stop)
                    } catch {
                        failure = error.description
                        log.warning("camera: \(error)")
                        picture = nil
                        nextAttempt = MonotonicClock.now + .milliseconds(500)
                        passthrough = error.isGone ? configuration.passthrough : .off
                    }
                    continue
                case .failure(let error):
                    failure = error.description
                    passthrough = configuration.passthrough
                }
            }
            if let shown = cardName, shown != doorName.withLock({ $0 }) { source = nil }
            if source == nil {
                let reason = configuration.source == .testCard ? "it is configured" : failure ?? "no camera was found"
                if configuration.source == .camera || configuration.source == .file {
                    use(nil, as: .none(because: reason))
                } else {
                    let name = doorName.withLock { $0 }
                    let card = makeTestCard(name)
                    use(card, as: .testCard(card.description, because: reason), named: name)
                }
            }
            guard let current = source else {
                pause(until: nextAttempt, stop)
                continue
            }
            do throws(DeviceError) {
                let before = MonotonicClock.now
                // asked when the picture is there: a viewer who has come meanwhile sees it, and not the one after
                if let frame = try current.nextFrame(
                    timeout: .milliseconds(250), wanted: isWanted || snapshots.isWanted)
                {
                    if isWanted { counted.withLock { $0 += 1 } }
                    for line in lines.values { line.give(frame) }
                    snapshots.give(frame)
                    lastFrame = MonotonicClock.now
                } else if !isWanted, MonotonicClock.now - before < .milliseconds(240) {
                    lastFrame = MonotonicClock.now  // a frame came and was passed over
                }
                if MonotonicClock.now - lastFrame > Self.stallLimit {
                    throw DeviceError("\(current.description) delivers no pictures any more")
                }
            } catch {
                failure = error.description
                log.warning("camera: \(error)")
                source = nil
                picture = nil
                snapshots.pictures(areThere: false)
                nextAttempt = MonotonicClock.now + .milliseconds(error.isGone ? 500 : 100)
            }
        }
    }

    /// Opens the configured camera, or the first that works, and says why that one.
    private func openCamera(_ passthrough: CameraPassthrough) -> Result<(Opened, reason: String), DeviceError> {
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
                return .success((try open(candidate.path, passthrough: passthrough), candidate.reason))
            } catch {
                failure = error
            }
        }
        return .failure(failure)
    }

    private func makeTestCard(_ name: String) -> TestCard {
        TestCard(
            size: configuration.size, frameRate: Double(configuration.frameRate), name: name,
            label: configuration.source == .testCard ? "test card" : "no camera", grain: configuration.testCardGrain)
    }

    private func pause(until instant: Instant, _ stop: WorkerThread.Stop) {
        while !stop.isRequested, MonotonicClock.now < instant {
            _ = pauses.take(timeout: min(instant - MonotonicClock.now, .milliseconds(250)))
        }
    }
}
