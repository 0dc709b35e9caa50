import Camera
import Codecs
import Media
import PeerConnection
import Sound

/// A track that is sent: it makes its next frame when that is due.
protocol OutgoingTrack: AnyObject {
    /// The next frame, where it is due.
    func nextFrame() throws -> PacketizedFrame?
    /// The receiver cannot decode on.
    func requestKeyFrame()
}

/// The test card, encoded while it runs.
final class CardTrack: OutgoingTrack {
    static let frameRate = 15.0
    private static let bitrate = 300_000

    private let card: TestCard
    private let encoder: H264Encoder
    private let packetizer = H264Packetizer(maximumPayloadSize: 1_150)
    private var isKeyFrameWanted = true

    init(size: VideoSize) throws {
        card = TestCard(size: size, frameRate: Self.frameRate, name: "interop", label: "\(size)")
        encoder = try H264Encoder(
            .init(size: size, frameRate: Self.frameRate, bitrate: Self.bitrate, preset: .ultrafast))
    }

    func nextFrame() throws -> PacketizedFrame? {
        guard let picture = try card.nextFrame(timeout: .zero, wanted: true),
            let unit = try encoder.encode(picture, forceKeyFrame: isKeyFrameWanted)
        else { return nil }
        isKeyFrameWanted = false
        return packetizer.packetize(
            bytes: unit.bytes, nalUnits: unit.nalUnits, captured: unit.captured, isKeyFrame: unit.isKeyFrame)
    }

    func requestKeyFrame() { isKeyFrameWanted = true }
}

/// The tone of a door without a microphone.
final class ToneTrack: OutgoingTrack {
    private let tone = ToneSource()
    private let encoder: OpusEncoder

    init() throws {
        encoder = try OpusEncoder()
    }

    func nextFrame() throws -> PacketizedFrame? {
        guard let block = try tone.nextBlock(timeout: .zero) else { return nil }
        let timestamp = RTPTimestamp(block.captured, clockRate: AudioFormat.sampleRate)
        return PacketizedFrame(
            sound: try encoder.encode(block.samples), timestamp: timestamp, captured: block.captured)
    }

    func requestKeyFrame() {}
}
