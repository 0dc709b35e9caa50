import Codecs
import Gateway
import Media
import PeerConnection

/// What comes on one transceiver: pictures are counted and recorded, sound is decoded and measured.
final class IncomingMedia {
    private(set) var packets = 0
    private(set) var pictures = 0
    private(set) var keyFrames = 0
    private var sounds = PacketReorderer(patience: .milliseconds(100))
    private var decoder: OpusDecoder?
    /// The last half second.
    private var samples: [Int16] = []
    private let file: MediaFile?

    private static let measuredSamples = AudioFormat.sampleRate / 2

    /// Pictures are recorded in the file at `path`, as a byte stream (H.264 Annex B).
    init(recordingTo path: String?) throws {
        file = try path.map { try MediaFile(path: $0) }
    }

    func take(_ frame: H264Depacketizer.Frame) throws {
        pictures += 1
        if frame.isKeyFrame { keyFrames += 1 }
        try file?.write(frame.byteStream)
    }

    func take(_ packet: RTPPacket, sequence: Int64, isSound: Bool, at now: Instant) throws {
        packets += 1
        guard isSound else { return }
        sounds.handle(packet, sequence: sequence, at: now)
        while let (_, next, _) = sounds.nextPacket(at: now) {
            let decoder = try self.decoder ?? OpusDecoder()
            self.decoder = decoder
            samples += try decoder.decode(Array(next.payload))
        }
        samples.removeFirst(max(0, samples.count - Self.measuredSamples))
    }

    /// The root mean square of the last half second, full scale 1; nil before there is so much.
    var level: Double? {
        guard samples.count == Self.measuredSamples else { return nil }
        let energy = samples.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (energy / Double(samples.count)).squareRoot() / 32768
    }

    /// How often the sound of the last half second rises through zero in a second; nil before there is so much.
    var frequency: Double? {
        guard samples.count == Self.measuredSamples else { return nil }
        let rises = zip(samples, samples.dropFirst()).count { $0 < 0 && $1 >= 0 }
        return Double(rises * AudioFormat.sampleRate) / Double(samples.count)
    }
}
