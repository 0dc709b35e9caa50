import Camera
import Media
import Testing

struct CameraModeTests {
    private static func size(_ width: Int, _ height: Int, _ rates: UInt32...) -> CameraSize {
        CameraSize(width: width, height: height, frameRates: rates.map { FrameRate(frames: $0)! })
    }

    private static func format(_ fourCC: StaticString, _ sizes: CameraSize...) -> CameraFormat {
        CameraFormat(fourCC: FourCC(fourCC), name: "", sizes: sizes)
    }

    /// A USB camera as they come: raw pictures through USB 2 only as many as fit.
    private static let webcam = [
        format("YUYV", size(1920, 1080, 5), size(1280, 720, 10, 5), size(640, 480, 30, 15), size(320, 240, 30)),
        format("MJPG", size(1920, 1080, 30, 15), size(1280, 720, 60, 30, 15), size(640, 480, 30), size(320, 240, 30)),
    ]

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let formats: [CameraFormat]
        let wanted: (width: Int, height: Int, rate: Double)
        let mode: String?
    }

    private static let cases: [Case] = [
        Case(
            testDescription: "a USB camera gives JPEG where raw is too slow", formats: webcam, wanted: (1280, 720, 30),
            mode: "1280x720 mjpeg 30"),
        Case(
            testDescription: "and raw where that is as fast", formats: webcam, wanted: (640, 480, 30),
            mode: "640x480 yuyv 30"),
        Case(
            testDescription: "and raw where so slow is asked for", formats: webcam, wanted: (1280, 720, 10),
            mode: "1280x720 yuyv 10"),
        Case(
            testDescription: "a size between is rounded down", formats: webcam, wanted: (1000, 700, 30),
            mode: "640x480 yuyv 30"),
        Case(
            testDescription: "both sides must fit", formats: webcam, wanted: (1920, 700, 30), mode: "640x480 yuyv 30"),
        Case(
            testDescription: "the highest rate up to the configured one", formats: webcam, wanted: (1280, 720, 50),
            mode: "1280x720 mjpeg 30"),
        Case(
            testDescription: "a smaller picture is better than one at five frames a second",
            formats: [format("YUYV", size(1280, 720, 5), size(640, 480, 30))], wanted: (1280, 720, 30),
            mode: "640x480 yuyv 30"),
        Case(
            testDescription: "unless there is nothing else",
            formats: [format("YUYV", size(1280, 720, 5), size(640, 480, 5))], wanted: (1280, 720, 30),
            mode: "1280x720 yuyv 5"),
        Case(
            testDescription: "the smallest of those that are too large",
            formats: [format("NV12", size(2592, 1944, 30), size(1920, 1080, 30))], wanted: (640, 480, 30),
            mode: "1920x1080 nv12 30"),
        Case(
            testDescription: "the slowest of those that are too fast",
            formats: [format("NV12", size(640, 480, 120, 60, 90))], wanted: (640, 480, 30), mode: "640x480 nv12 60"),
        Case(
            testDescription: "planar before semi-planar before packed before JPEG",
            formats: [
                format("MJPG", size(640, 480, 30)), format("UYVY", size(640, 480, 30)),
                format("NV12", size(640, 480, 30)), format("YU12", size(640, 480, 30)),
            ], wanted: (640, 480, 30), mode: "640x480 yuv420 30"),
        Case(
            testDescription: "the first of those that are equal",
            formats: [format("NV21", size(640, 480, 30)), format("NV12", size(640, 480, 30))],
            wanted: (640, 480, 30), mode: "640x480 nv21 30"),
        Case(
            testDescription: "a driver that does not say its rates is taken as it is",
            formats: [format("YUYV", size(640, 480)), format("MJPG", size(320, 240, 30))], wanted: (640, 480, 30),
            mode: "640x480 yuyv nil"),
        Case(
            testDescription: "formats that cannot be converted do not count",
            formats: [format("BA81", size(640, 480, 30)), format("H264", size(640, 480, 30))],
            wanted: (640, 480, 30), mode: nil),
        Case(testDescription: "no formats", formats: [], wanted: (640, 480, 30), mode: nil),
        Case(
            testDescription: "sizes of nothing do not count",
            formats: [format("YUYV", size(0, 0, 30), size(1, 480, 30))],
            wanted: (640, 480, 30), mode: nil),
    ]

    @Test(arguments: cases) func `the mode is the best up to the configured one`(_ test: Case) {
        let mode = CameraMode.best(
            among: test.formats, upTo: VideoSize(width: test.wanted.width, height: test.wanted.height),
            frameRate: test.wanted.rate)
        let text = mode.map { "\($0.width)x\($0.height) \($0.pixelFormat) \($0.frameRate.map(\.description) ?? "nil")" }
        #expect(text == test.mode)
    }

    @Test func `30 frames in 1.001 seconds are 30 a second, and 30.01 are not above`() throws {
        let formats = [
            CameraFormat(
                fourCC: FourCC("YUYV"), name: "",
                sizes: [
                    CameraSize(
                        width: 640, height: 480,
                        frameRates: [
                            try #require(FrameRate(frames: 30_010, in: 1_000)),
                            try #require(FrameRate(frames: 30_000, in: 1_001)),
                        ])
                ])
        ]
        let mode = CameraMode.best(among: formats, upTo: VideoSize(width: 640, height: 480), frameRate: 30)
        #expect(mode?.frameRate?.description == "30.01")
    }

    @Test func `of a range the usual sizes, its ends and the wanted size are offered`() {
        let range = CameraSizeRange(widths: 32...2592, heights: 32...1944, widthStep: 2, heightStep: 2)
        let sizes = range.usualSizes(wanted: VideoSize(width: 1152, height: 648)).map { "\($0.width)x\($0.height)" }
        #expect(sizes.first == "2592x1944")
        #expect(sizes.last == "32x32")
        #expect(sizes.contains("1280x720"))
        #expect(sizes.contains("1152x648"))
        #expect(Set(sizes).count == sizes.count)
    }

    @Test func `sizes in a range are rounded down to its steps`() {
        let range = CameraSizeRange(widths: 16...800, heights: 16...600, widthStep: 16, heightStep: 0)
        let sizes = range.usualSizes(wanted: VideoSize(width: 702, height: 898)).map { "\($0.width)x\($0.height)" }
        #expect(sizes.contains("688x600"))
        #expect(!sizes.contains("1280x720"))
    }

    @Test(arguments: [(30, 1, "30"), (30_000, 1_001, "29.97"), (25, 2, "12.5"), (1, 3, "0.33"), (1_501, 50, "30.02")])
    func `rates are written as people do`(frames: UInt32, seconds: UInt32, text: String) {
        #expect(FrameRate(frames: frames, in: seconds)?.description == text)
    }

    @Test func `rates are ordered as numbers, and those of nothing do not exist`() throws {
        let film = try #require(FrameRate(frames: 24_000, in: 1_001))
        let cinema = try #require(FrameRate(frames: 24))
        #expect(film < cinema)
        #expect(FrameRate(frames: 0) == nil)
        #expect(FrameRate(frames: 30, in: 0) == nil)
    }

    @Test func `four characters name a format`() {
        #expect(FourCC("YUYV").rawValue == 0x5659_5559)
        #expect(FourCC(rawValue: 0xb636_3159).description == "Y166")
        #expect(FourCC(rawValue: 0x0102_4147).description == "GA..")
        for format in PixelFormat.allCases { #expect(PixelFormat(fourCC: format.fourCC) == format) }
        // The same characters with the mark of big-endian formats are another format.
        #expect(PixelFormat(fourCC: FourCC(rawValue: FourCC("YUYV").rawValue | 0x8000_0000)) == nil)
        #expect(PixelFormat(fourCC: FourCC("BA81")) == nil)
    }
}
