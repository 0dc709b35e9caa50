import Media
import RTP
import Synchronization
import Testing
import Wire

@testable import Gateway

/// A camera that encodes by itself: a picture every two milliseconds, and what it was asked.
private final class FakeSource: EncodedVideoSource {
    enum Event: Equatable {
        case picture, keyFrameRequest(Instant), bitrate(Int)
    }

    let description = "fake camera"
    var format: H264Format?
    let frameRate = 500.0
    let peakBitrate: Int? = nil
    let limitations = ["is a fake"]

    private let events: Record<Event>
    private let stream: [UInt8]
    private let answersRequests: Bool
    private var isKeyFrameNext = false

    init(_ events: Record<Event>, answersRequests: Bool = true) {
        self.events = events
        self.answersRequests = answersRequests
        stream = [0, 0, 0, 1, 0x41, 0x9A, 0x20]
    }

    func nextAccessUnit(timeout: Duration) throws(DeviceError) -> AccessUnit? {
        let due = MonotonicClock.now + .milliseconds(2)
        MonotonicClock.sleep(until: due)
        events.append(.picture)
        defer { isKeyFrameNext = false }
        return AccessUnit(bytes: stream, nalUnits: [4..<7], isKeyFrame: isKeyFrameNext, captured: due)
    }

    func requestKeyFrame() throws(DeviceError) -> Bool {
        events.append(.keyFrameRequest(MonotonicClock.now))
        isKeyFrameNext = answersRequests
        return true
    }

    func setBitrate(_ bitrate: Int) throws(DeviceError) -> Bool {
        events.append(.bitrate(bitrate))
        return true
    }
}

/// A camera that has gone quiet.
private final class QuietSource: EncodedVideoSource {
    let description = "quiet camera"
    let format: H264Format? = nil
    let frameRate = 30.0
    let peakBitrate: Int? = nil
    let limitations: [String] = []

    func nextAccessUnit(timeout: Duration) throws(DeviceError) -> AccessUnit? {
        MonotonicClock.sleep(until: MonotonicClock.now + timeout)
        return nil
    }

    func requestKeyFrame() throws(DeviceError) -> Bool { true }
    func setBitrate(_ bitrate: Int) throws(DeviceError) -> Bool { true }
}

@Suite(.timeLimit(.minutes(2))) struct RelayTests {
    private let frames = Record<Encoding>()
    private let keyFrames = Record<Encoding>()
    private let events = Record<FakeSource.Event>()
    private let pipeline: VideoPipeline

    init() {
        let (frames, keyFrames) = (frames, keyFrames)
        pipeline = VideoPipeline(
            configuration: Configuration.Video(), doorName: "door", log: Log(level: .error),
            onFrame: { frame, encoding, _ in
                frames.append(encoding)
                if frame.isKeyFrame { keyFrames.append(encoding) }
            }, onPicture: { _ in })
    }

    /// Passes on what a camera gives until `condition` holds.
    private func relay(answersRequests: Bool = true, until condition: () -> Bool) {
        let (pipeline, events) = (pipeline, events)
        let thread = WorkerThread(name: "relay") { stop in
            try? pipeline.relay(FakeSource(events, answersRequests: answersRequests), until: stop)
        }
        let limit = MonotonicClock.now + .seconds(60)
        while !condition() {
            guard MonotonicClock.now < limit else {
                Issue.record("it never came: \(events.values.suffix(20))")
                break
            }
            MonotonicClock.sleep(until: MonotonicClock.now + .milliseconds(1))
        }
        thread.requestStop()
        thread.join()
    }

    private var requests: [Instant] {
        events.values.compactMap { if case .keyFrameRequest(let time) = $0 { time } else { nil } }
    }

    private var bitrates: [Int] {
        events.values.compactMap { if case .bitrate(let bitrate) = $0 { bitrate } else { nil } }
    }

    @Test func `While nobody watches the camera is read, and nothing leaves`() {
        relay { events.values.count > 50 }
        #expect(frames.values.isEmpty)
        #expect(bitrates.isEmpty)
        #expect(pipeline.capturedCount == 0)
    }

    @Test func `While somebody watches every picture leaves once, as the one encode that there is`() {
        pipeline[.main].setTarget(EncodingTarget(bitrate: 1_000_000))
        relay { frames.values.count >= 50 }
        #expect(frames.values.count == events.values.count { $0 == .picture })
        #expect(frames.values.allSatisfy { $0 == .main })
        #expect(pipeline[.main].counters.encoded == frames.values.count)
        #expect(pipeline[.main].counters.encodeCPU == .zero)
    }

    @Test func `The camera is told what the viewers' networks bear`() {
        pipeline[.main].setTarget(EncodingTarget(bitrate: 1_000_000))
        var hasChanged = false
        relay {
            if bitrates.count > 5, !hasChanged {
                hasChanged = true
                pipeline[.main].setTarget(EncodingTarget(bitrate: 600_000))
            }
            return bitrates.last == 600_000
        }
        #expect(Set(bitrates) == [1_000_000, 600_000])
    }

    @Test func `Requests of many viewers are one to the camera, and its key frame answers them`() {
        pipeline[.main].setTarget(EncodingTarget(bitrate: 1_000_000))
        for _ in 0..<10 { pipeline[.main].requestKeyFrame() }
        relay { frames.values.count >= 30 }
        #expect(requests.count == 1)
        #expect(keyFrames.values.count == 1)
        #expect(pipeline[.main].counters.keyFrames == 1)
    }

    @Test func `A request that the camera forgets is made again, but not with every picture`() {
        pipeline[.main].setTarget(EncodingTarget(bitrate: 1_000_000))
        relay(answersRequests: false) {
            pipeline[.main].requestKeyFrame()
            return requests.count >= 3
        }
        for (before, after) in zip(requests, requests.dropFirst()) { #expect(after - before >= .milliseconds(295)) }
    }

    @Test func `A camera that gives nothing any more is an error, after which nothing is passed on`() {
        let pipeline = pipeline
        let failures = Handover<String>(capacity: 1)
        let thread = WorkerThread(name: "relay") { stop in
            do throws(DeviceError) {
                try pipeline.relay(QuietSource(), until: stop)
            } catch {
                failures.give(error.description)
            }
        }
        #expect(failures.take(timeout: .seconds(60)) == "quiet camera delivers no pictures any more")
        thread.join()
        #expect(!pipeline.isPassedThrough)
    }
}
