import CLinux
import Camera
import Codecs
import Media
import Wire

/// The pictures of every benchmark.
struct Scene {
    let size: VideoSize
    let frameRate: Double
    /// Bits a second.
    let bitrate: Int

    /// The settings of a daemon that shows the test card.
    var settings: [String] {
        [
            "video.source=test_card", "audio.capture=tone", "video.width=\(size.width)", "video.height=\(size.height)",
            "video.frame_rate=\(Int(frameRate))", "video.bitrate_kbps=\(bitrate / 1000)",
        ]
    }

    func makeEncoder() throws -> H264Encoder {
        try H264Encoder(H264EncoderConfiguration(size: size, frameRate: frameRate, bitrate: bitrate))
    }
}

/// x264 without anything around it.
final class EncoderAlone {
    let scene: Scene
    /// The test card's, drawn before.
    private(set) var frames: [VideoFrame] = []
    /// How long the encoder took for each picture so far, in milliseconds.
    private(set) var durations: [Double] = []

    init(_ scene: Scene) throws {
        self.scene = scene
        let card = TestCard(size: scene.size, frameRate: scene.frameRate, name: "Front door", label: "test card")
        while frames.count < 60 {
            if let frame = try card.nextFrame(timeout: .seconds(1), wanted: true) { frames.append(frame) }
        }
    }

    /// CPU milliseconds a second of a program that sleeps until a picture is due and encodes it, in `seconds`.
    func cpu(during seconds: Int) throws -> Double {
        let encoder = try scene.makeEncoder()
        let (begun, before) = (MonotonicClock.now, linux_thread_cpu_nanoseconds())
        let count = Int(scene.frameRate) * seconds
        for number in 0..<count {
            let due = begun + .nanoseconds(Int64(Double(number) * 1e9 / scene.frameRate))
            MonotonicClock.sleep(until: due)
            let frame = VideoFrame(size: scene.size, bytes: frames[number % frames.count].bytes, captured: due)
            let start = MonotonicClock.now
            _ = try encoder.encode(frame, forceKeyFrame: number == 0)
            durations.append((MonotonicClock.now - start).milliseconds)
        }
        let spent = linux_thread_cpu_nanoseconds() - before
        return Double(spent) / 1e6 / (MonotonicClock.now - begun).inSeconds
    }
}
