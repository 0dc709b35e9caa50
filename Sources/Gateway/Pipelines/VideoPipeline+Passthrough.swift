import Camera
import Media
import RTP
import SDP
import Synchronization
import Wire

/// Pictures that are encoded already: a camera's own H.264, or a file of it. They go to every viewer as they are, with no
/// decode and no encode.
extension VideoPipeline {
    /// What a device or a file gives.
    enum Opened {
        /// Pictures to be encoded.
        case pictures(any VideoSource)
        /// Pictures to be passed on.
        case encoded(any EncodedVideoSource)

        var description: String {
            switch self {
            case .pictures(let source): source.description
            case .encoded(let source): source.description
            }
        }
    }

    /// What is passed on.
    struct PassedStream: Sendable {
        let format: H264Format
        /// What a second of it takes at most, where nobody here decides that.
        let peakBitrate: Int?
    }

    /// How long a key frame that was asked for may take before it is asked for again.
    private static let keyFramePatience = Duration.milliseconds(300)

    /// Opens the file that is configured.
    func openFile() -> Result<(Opened, reason: String), DeviceError> {
        guard let path = configuration.file else { return .failure(DeviceError("video.file names none")) }
        do throws(DeviceError) {
            let file = try H264File(
                path: path, frameRate: Double(configuration.frameRate), lead: FrameSchedule.lead)
            return .success((.encoded(file), "as configured"))
        } catch {
            return .failure(error)
        }
    }

    /// Opens the camera at `path`: its own H.264 where `passthrough` says so, else its pictures.
    func open(_ path: String, passthrough: CameraPassthrough) throws(DeviceError) -> Opened {
        let wanted = V4L2CameraConfiguration(
            path: path, size: configuration.size, frameRate: Double(configuration.frameRate))
        guard let mode = try V4L2Camera.passthroughMode(wanted, by: passthrough) else {
            return .pictures(try V4L2Camera(wanted))
        }
        return .encoded(
            try H264Camera(
                wanted, mode: mode, bitrate: configuration.bitrateKbps * 1000,
                keyFrameInterval: configuration.keyFrameInterval))
    }

    /// Passes on what `source` gives, until it fails or the daemon stops.
    func relay(_ source: any EncodedVideoSource, until stop: WorkerThread.Stop) throws(DeviceError) {
        for limitation in source.limitations { log.info("camera: \(limitation)") }
        defer { passed.withLock { $0 = nil } }
        let line = self[.main]
        var format: H264Format?
        var lastPicture = MonotonicClock.now
        var asked: Instant?
        while !stop.isRequested {
            if format != source.format, let found = source.format {
                format = found
                log.info("camera: passed on as \(found)")
                passed.withLock { $0 = PassedStream(format: found, peakBitrate: source.peakBitrate) }
                given.withLock { $0 = PictureSource(size: found.size, frameRate: source.frameRate) }
            }
            if let target = line.target { _ = try source.setBitrate(target.bitrate) }
            if line.takeKeyFrameRequest(), MonotonicClock.now - (asked ?? .zero) > Self.keyFramePatience {
                asked = MonotonicClock.now
                _ = try source.requestKeyFrame()
            }
            if let unit = try source.nextAccessUnit(timeout: .milliseconds(250)) {
                lastPicture = MonotonicClock.now
                if unit.isKeyFrame { asked = nil }
                // what is due later may be wanted then
                guard line.isWanted || source.lead > .zero else { continue }
                counted.withLock { $0 += 1 }
                line.pass(unit, due: source.lead > .zero ? unit.captured : nil)
            } else if MonotonicClock.now - lastPicture > Self.stallLimit {
                throw DeviceError("\(source.description) delivers no pictures any more")
            }
        }
    }

    /// The profile of what is passed on; nil where pictures are encoded here, or none has come yet.
    var passedProfile: H264Profile? {
        passed.withLock { $0 }.flatMap { H264Parameters(profileLevelID: $0.format.profileLevelID)?.profile }
    }

    /// What a second of what is passed on takes at most in bits, where nobody here decides that.
    var passedBitrate: Int? { passed.withLock { $0?.peakBitrate } }
}
