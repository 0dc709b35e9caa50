import Glibc
import Media
import Testing
import Wire

@testable import Camera

/// With the kernel's own virtual camera, vivid, whose file the environment variable LAB_CAMERA names.
@Suite(.enabled(if: getenv("LAB_CAMERA") != nil), .serialized)
struct V4L2CameraTests {
    private static let path = getenv("LAB_CAMERA").map { String(cString: $0) } ?? ""
    private static let formats = V4L2Camera.devices().first { $0.path == path }?.formats.compactMap(\.pixelFormat) ?? []

    private func configuration(
        _ width: Int = 640, _ height: Int = 360, frameRate: Double = 30, _ pixelFormat: PixelFormat? = nil
    ) -> V4L2CameraConfiguration {
        V4L2CameraConfiguration(
            path: Self.path, size: VideoSize(width: width, height: height), frameRate: frameRate,
            pixelFormat: pixelFormat)
    }

    private func set(_ control: String) throws {
        // vivid's buttons and switches.
        let command = "v4l2-ctl -d \(Self.path) -c \(control)"
        let pipe = try #require(popen(command, "r"))
        #expect(pclose(pipe) == 0, "\(command)")
    }

    private func next(_ camera: V4L2Camera) throws -> VideoFrame {
        try #require(try camera.nextFrame(timeout: .seconds(3), wanted: true))
    }

    @Test func `the camera is listed with its formats, sizes and rates, and codecs are not`() throws {
        let (devices, failures) = V4L2Camera.enumerate()
        #expect(failures.isEmpty)
        // The machine also has a stateful and a stateless codec, a memory-to-memory scaler and a pipeline (vicodec,
        // vim2m, vimc).
        #expect(devices.map(\.path) == [Self.path])
        let camera = try #require(devices.first)
        #expect(camera.driver == "vivid")
        #expect(camera.name == "vivid")
        #expect(camera.bus == "platform:vivid-000")
        let format = try #require(camera.formats.first { $0.pixelFormat != nil })
        #expect(format.sizes.map { "\($0.width)x\($0.height)" }.contains("1280x720"))
        #expect(format.sizes.allSatisfy { !$0.frameRates.isEmpty })
        #expect(format.sizes.last?.frameRates.map(\.description).contains("30") == true)
        #expect(Set(Self.formats).isSuperset(of: [.nv12, .nv21, .yuv420, .yvu420, .yuyv, .uyvy, .yvyu, .vyuy]))
    }

    @Test func `the best mode is taken`() throws {
        let camera = try V4L2Camera(configuration(1280, 720))
        #expect(camera.size == VideoSize(width: 1280, height: 720))
        #expect(camera.frameRate == 30)
        #expect(camera.mode.pixelFormat == .yuv420)
        #expect(camera.description == "vivid (vivid, \(Self.path)), 1280x720 YU12, 30 frames/s")
    }

    @Test(arguments: formats) func `every format shows the colour bars`(format: PixelFormat) throws {
        let camera = try V4L2Camera(configuration(640, 360, format))
        #expect(camera.mode.pixelFormat == format)
        let frame = try next(camera)
        #expect(frame.size == VideoSize(width: 640, height: 360))
        #expect(camera.statistics.corrupt == 0)
        // vivid's first pattern: eight bars at three quarters, in BT.601's limited range.
        let bars: [(Double, Double, Double)] = [
            (1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0, 0, 0),
        ]
        for (index, bar) in bars.enumerated() {
            let colour = Colour(red: bar.0 * 0.75, green: bar.1 * 0.75, blue: bar.2 * 0.75)
            let x = index * 80 + 40
            let y = 270
            let luma = frame.bytes[y * 640 + x]
            let u = frame.bytes[640 * 360 + y / 2 * 320 + x / 2]
            let v = frame.bytes[640 * 360 * 5 / 4 + y / 2 * 320 + x / 2]
            for (seen, expected) in [(luma, colour.y), (u, colour.u), (v, colour.v)] {
                #expect(abs(Int(seen) - Int(expected)) <= 3, "bar \(index): \(luma) \(u) \(v), not \(colour)")
            }
        }
    }

    @Test
    func `a camera that does not encode is passed through in no mode, and none of an encoder's controls are there`()
        throws
    {
        for passthrough in CameraPassthrough.allCases {
            #expect(try V4L2Camera.passthroughMode(configuration(), by: passthrough) == nil)
        }
        let device = try V4L2Device(path: Self.path)
        for control in EncoderControl.allCases {
            #expect(device.range(of: control) == nil)
            #expect(try !device.set(control, to: 1))
        }
        do throws(DeviceError) {
            _ = try V4L2EncodedCapture(configuration(), mode: H264Mode(width: 640, height: 360, frameRate: nil))
            Issue.record("vivid has no H.264")
        } catch {
            #expect(error.description.contains("vivid offers H264 but gives"))
        }
    }

    @Test func `pictures come at the camera's rate, with the driver's times`() throws {
        let camera = try V4L2Camera(configuration(frameRate: 30))
        let times = try (0..<31).map { _ in try next(camera).captured }
        let took = (times[30] - times[0]).inSeconds
        #expect((0.95...1.2).contains(took), "30 pictures in \(took) s")
        for (before, after) in zip(times, times.dropFirst()) { #expect(before < after) }
        #expect((.zero..<Duration.milliseconds(200)).contains(MonotonicClock.now - times[30]))
    }

    @Test func `of a camera that is too fast one picture in several is kept`() throws {
        let camera = try V4L2Camera(configuration(frameRate: 0.4))
        #expect(camera.mode.frameRate?.description == "1")
        #expect(abs(camera.frameRate - 1.0 / 3) < 0.01)
        let first = try #require(try camera.nextFrame(timeout: .seconds(5), wanted: true))
        let second = try #require(try camera.nextFrame(timeout: .seconds(5), wanted: true))
        #expect((2.8...3.2).contains((second.captured - first.captured).inSeconds))
    }

    @Test func `a caller who comes late gets the newest picture`() throws {
        let camera = try V4L2Camera(configuration())
        _ = try next(camera)
        usleep(400_000)
        let frame = try next(camera)
        #expect(camera.statistics.overtaken >= 2)
        // While nobody took them the driver ran out of buffers, so that the newest is as old as that; the one after is
        // fresh.
        #expect(MonotonicClock.now - frame.captured < .milliseconds(400))
        let after = try next(camera)
        #expect(MonotonicClock.now - after.captured < .milliseconds(100))
        #expect(camera.statistics.lost > 0)
    }

    @Test func `unwanted pictures pass, and nothing comes when the time is over`() throws {
        let camera = try V4L2Camera(configuration())
        for _ in 0..<10 { #expect(try camera.nextFrame(timeout: .seconds(3), wanted: false) == nil) }
        #expect(camera.statistics.captured >= 10)
        let slow = V4L2CameraConfiguration(path: Self.path, size: camera.size, frameRate: 1)
        _ = consume camera
        let second = try V4L2Camera(slow)
        _ = try next(second)
        let start = MonotonicClock.now
        #expect(try second.nextFrame(timeout: .milliseconds(100), wanted: true) == nil)
        #expect((90...300).contains((MonotonicClock.now - start).milliseconds))
    }

    @Test func `a camera that is in use says so, and is free again when it is let go`() throws {
        for _ in 0..<5 {
            let camera = try V4L2Camera(configuration())
            _ = try next(camera)
            do throws(DeviceError) {
                _ = try V4L2Camera(configuration(320, 180))
                Issue.record("opened twice")
            } catch {
                #expect(error.description.contains("is used by another program"))
                #expect(!error.isGone)
            }
            _ = try next(camera)
        }
    }

    @Test func `a picture that the driver marks as damaged is skipped and counted`() throws {
        let camera = try V4L2Camera(configuration())
        _ = try next(camera)
        try set("inject_v4l2_buf_flag_error=1")
        for _ in 0..<10 where camera.statistics.corrupt == 0 { _ = try next(camera) }
        #expect(camera.statistics.corrupt == 1)
        _ = try next(camera)
    }

    @Test(arguments: ["inject_vidioc_streamon_error", "inject_vidioc_reqbufs_error", "inject_vidioc_qbuf_error"])
    func `a driver that refuses to start is a typed error, and the next try works`(control: String) throws {
        try set("\(control)=1")
        #expect(throws: DeviceError.self) { try V4L2Camera(configuration()) }
        let camera = try V4L2Camera(configuration())
        _ = try next(camera)
    }

    @Test func `what is no camera is refused in words`() throws {
        #expect(throws: DeviceError("/dev/video999: No such file or directory", isGone: true)) {
            try V4L2Camera(V4L2CameraConfiguration(path: "/dev/video999", size: Self.size, frameRate: 30))
        }
        #expect(throws: DeviceError("/dev/null: is not a video device")) {
            try V4L2Camera(V4L2CameraConfiguration(path: "/dev/null", size: Self.size, frameRate: 30))
        }
        do throws(DeviceError) {
            _ = try V4L2Camera(configuration(640, 360, .mjpeg))
            Issue.record("vivid has no JPEG")
        } catch {
            #expect(error.description.contains("vivid does not offer MJPG, only: YUYV"))
        }
    }

    private static let size = VideoSize(width: 640, height: 360)

    /// Last (a serialised suite runs in the order of its source), for the camera does not come back.
    @Test func `unplugged in mid-stream, the camera is gone`() throws {
        let camera = try V4L2Camera(configuration())
        _ = try next(camera)
        try set("disconnect=1")
        do throws(DeviceError) {
            for _ in 0..<100 { _ = try camera.nextFrame(timeout: .seconds(1), wanted: true) }
            Issue.record("still there")
        } catch {
            #expect(error.isGone, "\(error)")
        }
    }
}

/// The same with vivid's input set to HDMI (`vivid.input_types=3`), where the environment variable LAB_CAMERA_HDMI is
/// set as well.
@Suite(.enabled(if: getenv("LAB_CAMERA") != nil && getenv("LAB_CAMERA_HDMI") != nil))
struct V4L2HDMITests {
    @Test func `when the signal goes, the picture is not what it was, and the camera is to be opened anew`() throws {
        let path = try #require(getenv("LAB_CAMERA").map { String(cString: $0) })
        let camera = try V4L2Camera(
            V4L2CameraConfiguration(path: path, size: VideoSize(width: 1920, height: 1080), frameRate: 30))
        #expect(try camera.nextFrame(timeout: .seconds(3), wanted: true)?.size == camera.size)
        let pipe = try #require(popen("v4l2-ctl -d \(path) -c dv_timings_signal_mode=1", "r"))
        #expect(pclose(pipe) == 0)
        #expect(throws: DeviceError("\(path): the picture's format changed")) {
            for _ in 0..<100 { _ = try camera.nextFrame(timeout: .seconds(1), wanted: true) }
        }
    }
}
