import Media
import Testing
import Wire

@testable import Camera

/// A camera that gives the buffers it was given, and remembers what it was told.
private final class FakeCapture: EncodedCapture {
    let path = "/dev/video7"
    let description = "Fake"
    let frameRate = 30.0
    var ranges: [EncoderControl: ClosedRange<Int>] = [:]
    var refused: [EncoderControl: Set<Int>] = [:]
    private(set) var settings: [(control: EncoderControl, value: Int)] = []
    private(set) var isStarted = false
    var buffers: [EncodedBuffer] = []

    func range(of control: EncoderControl) -> ClosedRange<Int>? { ranges[control] }

    func set(_ control: EncoderControl, to value: Int) throws(DeviceError) -> Bool {
        guard refused[control]?.contains(value) != true else { return false }
        settings.append((control, value))
        return true
    }

    func start() throws(DeviceError) { isStarted = true }

    func nextBuffer(timeout: Duration) throws(DeviceError) -> EncodedBuffer? {
        buffers.isEmpty ? nil : buffers.removeFirst()
    }

    func values(of control: EncoderControl) -> [Int] { settings.filter { $0.control == control }.map(\.value) }

    /// A camera with every control.
    static var able: FakeCapture {
        let capture = FakeCapture()
        capture.ranges = [
            .forceKeyFrame: 0...0, .bitrate: 25_000...25_000_000, .repeatSequenceHeader: 0...1, .profile: 0...16,
            .bFrames: 0...4, .idrPeriod: 0...2_147_483_647, .groupSize: 0...2_147_483_647,
        ]
        return capture
    }
}

/// With a camera that this file makes up: no kernel without hardware has one that encodes H.264 (vicodec's codec is FWHT).
struct H264CameraTests {
    private func open(_ capture: FakeCapture, bitrate: Int = 2_500_000) throws -> H264Camera {
        try H264Camera(capture, bitrate: bitrate, keyFrameInterval: .seconds(10))
    }

    private func buffers(_ units: [AccessUnit], from first: UInt32 = 0) -> [EncodedBuffer] {
        units.enumerated().map { index, unit in
            EncodedBuffer(
                bytes: unit.bytes, captured: .zero + .milliseconds(Int64(index) * 33), sequence: first + UInt32(index))
        }
    }

    private func all(_ camera: H264Camera) throws -> [AccessUnit] {
        var units: [AccessUnit] = []
        while let unit = try camera.nextAccessUnit(timeout: .seconds(1)) { units.append(unit) }
        return units
    }

    @Test func `what the camera encodes comes out as it is, with the camera's times`() throws {
        let units = try encodedCard(12)
        let capture = FakeCapture.able
        capture.buffers = buffers(units)
        let camera = try open(capture)
        #expect(capture.isStarted)
        #expect(camera.format == nil)
        let given = try all(camera)
        #expect(given.map(\.units) == units.map(\.units))
        #expect(given.map(\.isKeyFrame) == units.map(\.isKeyFrame))
        #expect(given.map(\.captured) == buffers(units).map(\.captured))
        #expect(camera.format?.profileLevelID == "42e01f")
        #expect(camera.limitations.isEmpty)
    }

    @Test func `a driver that knows the controls is told what viewers need`() throws {
        let capture = FakeCapture.able
        let camera = try open(capture)
        #expect(capture.values(of: .profile) == [1])
        #expect(capture.values(of: .bFrames) == [0])
        #expect(capture.values(of: .repeatSequenceHeader) == [1])
        #expect(capture.values(of: .bitrate) == [2_500_000])
        #expect(capture.values(of: .idrPeriod) == [300])
        #expect(capture.values(of: .groupSize) == [300])
        #expect(try camera.requestKeyFrame())
        #expect(capture.values(of: .forceKeyFrame) == [1])
        #expect(try camera.setBitrate(2_500_000))
        #expect(try camera.setBitrate(2_400_000))
        #expect(try camera.setBitrate(800_000))
        #expect(try camera.setBitrate(1))
        #expect(capture.values(of: .bitrate) == [2_500_000, 800_000, 25_000])
    }

    @Test func `a driver that knows plain baseline alone is set to that`() throws {
        let capture = FakeCapture.able
        capture.refused[.profile] = [1]
        _ = try open(capture)
        #expect(capture.values(of: .profile) == [0])
    }

    @Test func `a driver that knows nothing is gone on with, and what it cannot do is said`() throws {
        let units = try encodedCard(6)
        let capture = FakeCapture()
        capture.buffers = buffers(units)
        let camera = try open(capture)
        #expect(capture.settings.isEmpty)
        #expect(
            camera.limitations == [
                "cannot be asked for a key frame: a viewer waits for the next", "has a bitrate of its own",
                "has key frames when it likes",
            ])
        #expect(try !camera.requestKeyFrame())
        #expect(try !camera.setBitrate(1_000_000))
        #expect(try all(camera).count == 6)
    }

    @Test func `a camera that cannot be asked for key frames is told to make one every second`() throws {
        let capture = FakeCapture.able
        capture.ranges[.forceKeyFrame] = nil
        capture.ranges[.groupSize] = 0...20
        let camera = try open(capture)
        #expect(capture.values(of: .idrPeriod) == [30])
        #expect(capture.values(of: .groupSize) == [20])
        #expect(camera.limitations.count == 1)
    }

    @Test func `parameter sets that come once are given to every key frame`() throws {
        let units = try encodedCard(12)
        let sets = units[0].units.prefix(2).flatMap { [0, 0, 0, 1] as [UInt8] + $0 }
        let capture = FakeCapture.able
        capture.buffers = [EncodedBuffer(bytes: sets, captured: .zero, sequence: 0)]
        capture.buffers += units.enumerated().map { index, unit in
            EncodedBuffer(
                bytes: [0, 0, 0, 1] + unit.units.last!, captured: .zero + .milliseconds(Int64(index) * 33),
                sequence: UInt32(index) + 1)
        }
        let given = try all(try open(capture))
        #expect(given.map(\.units) == units.map(\.units))
    }

    @Test func `when the camera loses pictures, a key frame is asked for and those up to it are left out`() throws {
        let units = try encodedCard(12)
        let capture = FakeCapture.able
        capture.buffers = buffers(units)
        capture.buffers.remove(at: 2)
        let given = try all(try open(capture))
        #expect(given.map(\.units) == (Array(units[...1]) + units[5...]).map(\.units))
        #expect(!capture.values(of: .forceKeyFrame).isEmpty)
    }

    @Test func `a damaged buffer counts as lost, and so does one that is no H.264`() throws {
        let units = try encodedCard(12)
        for garbage in [nil, [], [1, 2, 3], [0, 0, 1, 0x67, 0x42]] as [[UInt8]?] {
            let capture = FakeCapture.able
            capture.buffers = buffers(units)
            if let garbage { capture.buffers[7].bytes = garbage } else { capture.buffers[7].isDamaged = true }
            let given = try all(try open(capture)).map(\.units)
            #expect(Array(given.prefix(7)) == units.prefix(7).map(\.units))
            #expect(Array(given.suffix(2)) == units.suffix(2).map(\.units))
        }
    }

    @Test func `where no key frame can be asked for, torn pictures are better than none`() throws {
        let units = try encodedCard(12)
        let capture = FakeCapture()
        capture.buffers = buffers(units)
        capture.buffers[2].isDamaged = true
        #expect(try all(try open(capture)).count == 11)
    }

    @Test func `a camera of a profile that browsers refuse is an error in words`() throws {
        var bytes = try encodedCard(1)[0].bytes
        bytes[5] = 100
        let capture = FakeCapture.able
        capture.buffers = [EncodedBuffer(bytes: bytes, captured: .zero, sequence: 0)]
        let camera = try open(capture)
        #expect(
            throws: DeviceError("/dev/video7: \(H264StreamError.profile(100))")
        ) { try camera.nextAccessUnit(timeout: .seconds(1)) }
    }
}
