import Media
import Testing

@testable import Camera

struct H264ModeTests {
    private static func format(_ fourCC: StaticString, _ sizes: (Int, Int, UInt32)...) -> CameraFormat {
        CameraFormat(
            fourCC: FourCC(fourCC), name: "",
            sizes: sizes.map { size in
                CameraSize(
                    width: size.0, height: size.1, frameRates: [FrameRate(frames: size.2)].compactMap(\.self))
            })
    }

    private func chosen(
        _ formats: [CameraFormat], rate: Double = 30, _ passthrough: CameraPassthrough = .automatic
    ) -> String? {
        let mode = H264Mode.chosen(
            among: formats, upTo: VideoSize(width: 1280, height: 720), frameRate: rate, by: passthrough)
        return mode.map { "\($0.width)x\($0.height)@\($0.frameRate?.description ?? "?")" }
    }

    @Test func `a camera with nothing else is passed through, in the mode nearest to what is wanted`() {
        let h264 = Self.format("H264", (1920, 1080, 30), (1280, 720, 30), (640, 480, 30))
        #expect(chosen([h264]) == "1280x720@30")
        #expect(chosen([Self.format("BA81", (1280, 720, 30)), h264]) == "1280x720@30")
    }

    @Test func `pictures that are as large and as fast are encoded here`() {
        let h264 = Self.format("H264", (1280, 720, 30))
        #expect(chosen([h264, Self.format("YUYV", (1280, 720, 30))]) == nil)
        #expect(chosen([h264, Self.format("MJPG", (1280, 720, 60))]) == nil)
        #expect(chosen([h264, Self.format("MJPG", (1280, 720, 29))]) == nil)
    }

    @Test func `pictures that are smaller or slower are not`() {
        let h264 = Self.format("H264", (1280, 720, 30))
        #expect(chosen([h264, Self.format("YUYV", (640, 480, 30))]) == "1280x720@30")
        #expect(chosen([h264, Self.format("YUYV", (1280, 720, 15))]) == "1280x720@30")
        #expect(chosen([h264, Self.format("YUYV", (1280, 720, 10), (640, 480, 30))]) == "1280x720@30")
        #expect(chosen([h264, Self.format("YUYV", (1280, 720, 15))], rate: 15) == nil)
    }

    @Test func `a smaller H.264 is no reason to pass it through`() {
        #expect(chosen([Self.format("H264", (640, 480, 30)), Self.format("YUYV", (1280, 720, 30))]) == nil)
    }

    @Test func `an owner may prefer it, or do without`() {
        let formats = [Self.format("H264", (640, 480, 30)), Self.format("YUYV", (1280, 720, 30))]
        #expect(chosen(formats, .prefer) == "640x480@30")
        #expect(chosen([formats[1]], .prefer) == nil)
        #expect(chosen([formats[0]], .off) == nil)
    }

    @Test func `a camera that does not say its rates has what is wanted`() {
        #expect(chosen([Self.format("H264", (1280, 720, 0)), Self.format("YUYV", (1280, 720, 10))]) == "1280x720@?")
    }
}
