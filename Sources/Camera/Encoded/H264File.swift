import Glibc
import Media
import Wire

/// A file of H.264 (a byte stream, annex B) as a camera: its pictures at their rate, and from the beginning again when
/// it is over, with times that go on. Owned by one thread.
///
/// The file is read through once when it is opened, so that one that browsers cannot show is refused at once, and
/// then a piece at a time: a long one takes no more memory than a short one.
public final class H264File: EncodedVideoSource {
    /// The file, the format and the rate, such as `door.h264, H.264 42e01f, 1280x720, 30 frames/s, 300 pictures`.
    public let description: String
    /// What the pictures are.
    public private(set) var format: H264Format?
    /// Pictures a second: what the file says of itself, else what was given.
    public let frameRate: Double
    /// The most bits that a second of it takes.
    public let peakBitrate: Int?
    /// Pictures in one round.
    public let pictureCount: Int
    /// The most pictures from one key frame to the next, which is how long a viewer may wait for his first.
    public let longestGroup: Int
    /// How long before they are due pictures are given.
    public let lead: Duration
    /// That key frames come when they come.
    public let limitations: [String]

    private let path: String
    private let descriptor: Int32
    private let now: () -> Instant
    private let sleep: (Instant) -> Void
    private var reader = AnnexBReader()
    private var waiting: AnnexBReader.Picture?
    private var picturesThisRound = 0
    private var isAtEnd = false
    /// When picture 0 was due, had all been taken in time since.
    private var start: Instant?
    private var number: Int64 = 0

    private static let pieceSize = 1 << 16
    /// Three hours at 3 Mbit/s: it is read through when it is opened.
    private static let largestFile = 4 << 30
    /// Who is this late is not behind but was stopped: the pictures go on from now.
    private static let patience = Duration.milliseconds(500)

    /// Opens the file at `path`, whose pictures come `frameRate` times a second unless it says otherwise, and are given
    /// `lead` before they are due. Throws what is wrong with it.
    public convenience init(path: String, frameRate: Double, lead: Duration) throws(DeviceError) {
        try self.init(
            path: path, frameRate: frameRate, lead: lead, now: { MonotonicClock.now },
            sleep: MonotonicClock.sleep(until:))
    }

    /// A file that is paced by another clock, for tests.
    init(
        path: String, frameRate: Double, lead: Duration = .zero, now: @escaping () -> Instant,
        sleep: @escaping (Instant) -> Void
    ) throws(DeviceError) {
        precondition(frameRate > 0 && frameRate <= 1_000, "a picture takes a millisecond at least")
        // what is no file, and gives bytes without end or none at all, must not be waited for
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw DeviceError("\(path): \(String(cString: strerror(errno)))") }
        self.path = path
        self.lead = lead
        self.descriptor = descriptor
        self.now = now
        self.sleep = sleep
        let survey: Survey
        do throws(DeviceError) {
            try Self.check(descriptor, path: path)
            survey = try Survey(of: descriptor, path: path, frameRate: frameRate)
        } catch {
            close(descriptor)
            throw error
        }
        format = survey.format
        pictureCount = survey.pictures
        longestGroup = survey.longestGroup
        self.frameRate = survey.format.frameRate ?? frameRate
        peakBitrate = survey.mostBytes * 8
        let rate = Self.text(of: self.frameRate)
        description = "\(path), \(survey.format), \(rate) frames/s, \(survey.pictures) pictures"
        let wait = Double(survey.longestGroup) / self.frameRate
        limitations = [
            "a file gives no key frame on request: a viewer's picture begins at its next one, "
                + "up to \(Self.text(of: wait)) s later"
        ]
    }

    deinit {
        close(descriptor)
    }

    /// The next picture, when `lead` is left until it is due; nil where that is not before `timeout`. Who has waited for
    /// one gets several at once, and wakes for all of them once.
    public func nextAccessUnit(timeout: Duration) throws(DeviceError) -> AccessUnit? {
        let picture: AnnexBReader.Picture
        if let waiting { picture = waiting } else { picture = try readPicture() }
        waiting = picture
        let asked = now()
        var due = (start ?? asked) + offset(of: number)
        if start == nil || asked - due > Self.patience {
            start = asked - offset(of: number)
            due = asked
        }
        if due > asked + lead {
            let wake = due - lead / 4
            guard wake <= asked + timeout else {
                sleep(asked + timeout)
                return nil
            }
            sleep(wake)
        }
        waiting = nil
        number += 1
        return picture.accessUnit(captured: due)
    }

    /// False: a file's key frames are where they are.
    public func requestKeyFrame() -> Bool { false }

    /// False: a file's rate is what it is.
    public func setBitrate(_ bitrate: Int) -> Bool { false }

    private func offset(of picture: Int64) -> Duration {
        .nanoseconds(Int64((Double(picture) * 1e9 / frameRate).rounded()))
    }

    /// The next picture of the file, or of its next round.
    private func readPicture() throws(DeviceError) -> AnnexBReader.Picture {
        do throws(H264StreamError) {
            while true {
                if let picture = isAtEnd ? try reader.finish() : try reader.nextPicture() {
                    picturesThisRound += 1
                    format = reader.format
                    return picture
                }
                if isAtEnd {
                    guard picturesThisRound > 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
                        throw H264StreamError.noKeyFrame
                    }
                    reader.restart()
                    picturesThisRound = 0
                    isAtEnd = false
                }
                let piece = Self.read(descriptor)
                if piece.isEmpty { isAtEnd = true } else { reader.append(piece) }
            }
        } catch {
            throw DeviceError("\(path): \(error)")
        }
    }

    /// Throws where `descriptor` is no file, or one that takes too long to look through.
    private static func check(_ descriptor: Int32, path: String) throws(DeviceError) {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw DeviceError("\(path): is no file")
        }
        guard information.st_size <= largestFile else {
            throw DeviceError("\(path): is larger than \(largestFile >> 30) GiB")
        }
    }

    /// The next piece of the file; empty at its end, and where it cannot be read.
    private static func read(_ descriptor: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: pieceSize) { buffer, count in
            repeat {
                count = max(-1, Glibc.read(descriptor, buffer.baseAddress, pieceSize))
            } while count < 0
                && errno == EINTR
            count = max(count, 0)
        }
    }

    private static func text(of number: Double) -> String {
        let hundredths = Int((number * 100).rounded())
        return hundredths % 100 == 0 ? "\(hundredths / 100)" : "\(Double(hundredths) / 100)"
    }

    /// What there is to know of a file before it is played.
    private struct Survey {
        var format: H264Format
        var pictures = 0
        var longestGroup = 0
        /// In a second.
        var mostBytes = 0

        init(of descriptor: Int32, path: String, frameRate: Double) throws(DeviceError) {
            var reader = AnnexBReader()
            var format: H264Format?
            var group = 0
            var second: (pictures: Int, bytes: Int) = (0, 0)
            do throws(H264StreamError) {
                var isAtEnd = false
                while !isAtEnd {
                    let piece = H264File.read(descriptor)
                    isAtEnd = piece.isEmpty
                    reader.append(piece)
                    while let picture = isAtEnd ? try reader.finish() : try reader.nextPicture() {
                        if format == nil { format = reader.format }
                        pictures += 1
                        group = picture.isKeyFrame ? 1 : group + 1
                        longestGroup = max(longestGroup, group)
                        second.pictures += 1
                        second.bytes += picture.bytes.count
                        mostBytes = max(mostBytes, second.bytes)
                        if Double(second.pictures) >= format?.frameRate ?? frameRate { second = (0, 0) }
                    }
                }
                guard let format, lseek(descriptor, 0, SEEK_SET) == 0 else { throw H264StreamError.noKeyFrame }
                self.format = format
            } catch {
                throw DeviceError("\(path): \(error)")
            }
        }
    }
}
