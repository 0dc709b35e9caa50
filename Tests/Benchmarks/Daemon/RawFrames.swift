import Glibc
import Media

/// A file of raw I420 pictures of the test card, for peers that encode them.
final class RawFrames {
    private let scene: Scene
    private let path: String

    /// The first `count` of those that x264 alone is measured with.
    init(_ count: Int, of alone: EncoderAlone) {
        scene = alone.scene
        var template = Array("/tmp/doorward-benchmark-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        defer { close(descriptor) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        for frame in alone.frames.prefix(count) {
            guard descriptor >= 0, write(descriptor, frame.bytes, frame.bytes.count) == frame.bytes.count else {
                unlink(path)
                fail("cannot write \(path)")
            }
        }
    }

    deinit { unlink(path) }

    /// The daemon draws the test card itself; the others take the pictures from the file, over and over. All send a tone.
    var work: Work {
        Work(
            settings: scene.settings,
            arguments: [
                "live", path, "\(scene.size.width)", "\(scene.size.height)", "\(Int(scene.frameRate))",
                "\(scene.bitrate / 1000)",
            ])
    }
}
