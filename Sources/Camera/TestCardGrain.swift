import Media
import Wire

/// The noise of a camera's sensor, laid over a picture: what is drawn by a program alone costs an encoder next to
/// nothing, and so shows neither what it can do nor what a network bears.
struct TestCardGrain {
    /// The most that a pixel's luma is changed. Luma is 16 to 235 (BT.601's limited range), so that nothing goes round.
    static let strongest = 16

    private let size: VideoSize
    /// Two's complement; each row of each picture takes a piece from anywhere.
    private let noise: [UInt8]
    private let random = SeededRandomSource(seed: 1)
    private static let length = 1 << 16

    /// Grain of pictures of `size`: 1 to `strongest`.
    init(size: VideoSize, strength: Int) {
        precondition((1...Self.strongest).contains(strength), "grain is 1 to \(Self.strongest)")
        self.size = size
        let random = random
        noise = (0..<Self.length + size.width).map { _ in
            UInt8(truncatingIfNeeded: random.below(2 * strength + 1) - strength)
        }
    }

    /// The picture `bytes` (I420) with grain that it shares with no other.
    func over(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        let width = size.width
        for row in 0..<size.height {
            let start = random.below(Self.length)
            for column in 0..<width { bytes[row * width + column] &+= noise[start + column] }
        }
        return bytes
    }
}
