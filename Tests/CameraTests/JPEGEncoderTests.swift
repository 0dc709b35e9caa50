import Media
import Testing
import Wire

@testable import Camera

struct JPEGEncoderTests {
    @Test func `what was encoded is decoded to the same picture, of the full range`() throws {
        let size = VideoSize(width: 64, height: 48)
        // a slope of luma from black to white of the limited range, and one colour
        let luma = (0..<48).flatMap { _ in (0..<64).map { UInt8(16 + $0 * 219 / 63) } }
        let chroma = [UInt8](repeating: 90, count: 32 * 24) + [UInt8](repeating: 170, count: 32 * 24)
        let frame = VideoFrame(size: size, bytes: luma + chroma, captured: .zero)
        let file = try #require(JPEGEncoder.encode(frame, quality: 95))
        #expect(file.prefix(2) == [0xFF, 0xD8])
        var decoded = [UInt8](repeating: 0, count: size.i420ByteCount)
        let decoder = try #require(JPEGDecoder())
        let isDecoded = file.withUnsafeBytes { file in
            decoded.withUnsafeMutableBytes { decoder.decode(file, to: I420Memory($0.baseAddress!, size: size)) }
        }
        #expect(isDecoded)
        for column in 0..<64 {
            #expect(abs(Int(decoded[20 * 64 + column]) - column * 255 / 63) <= 6, "column \(column)")
        }
        let (u, v) = (Int(decoded[64 * 48 + 300]), Int(decoded[64 * 48 + 32 * 24 + 300]))
        #expect(abs(u - (128 - 38 * 255 / 224)) <= 3)
        #expect(abs(v - (128 + 42 * 255 / 224)) <= 3)
    }
}
