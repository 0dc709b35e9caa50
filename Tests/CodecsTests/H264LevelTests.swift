import Codecs
import Testing

struct H264LevelTests {
    @Test(arguments: [
        (320, 180, 30.0, 300_000, 31), (1280, 720, 30, 2_000_000, 31), (1280, 720, 60, 2_000_000, 32),
        (1280, 960, 15, 2_000_000, 32), (1920, 1080, 30, 4_000_000, 40), (1920, 1080, 60, 8_000_000, 42),
        (640, 360, 30, 18_000_000, 32), (2592, 1944, 15, 8_000_000, 50), (3840, 2160, 30, 20_000_000, 51),
    ])
    func `the level is the lowest that table A-1 allows, 3.1 at least`(
        width: Int, height: Int, frameRate: Double, bitrate: Int, idc: Int
    ) {
        #expect(
            H264Level.lowest(width: width, height: height, frameRate: frameRate, bitrate: bitrate)?.idc == UInt8(idc))
    }

    @Test func `no level allows what no decoder can do`() {
        #expect(H264Level.lowest(width: 7680, height: 4320, frameRate: 30, bitrate: 20_000_000) == nil)
        #expect(H264Level.lowest(width: 1280, height: 720, frameRate: 30, bitrate: 400_000_000) == nil)
        // 16 rows of macroblocks are few, but 1000 columns are more than any level's side.
        #expect(H264Level.lowest(width: 16_000, height: 16, frameRate: 1, bitrate: 1_000_000) == nil)
    }
}
