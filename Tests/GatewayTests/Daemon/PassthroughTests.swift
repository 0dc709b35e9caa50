import Calls
import Camera
import Codecs
import DTLS
import Foundation
import Media
import RTP
import SDP
import Testing
import Web
import Wire

@testable import Gateway

/// A daemon that plays a file of H.264 to a viewer without a browser.
@Suite(.timeLimit(.minutes(3))) struct PassthroughTests {
    private let folder = TemporaryFolder()
    private static let certificate = try! DTLSCertificate(generatedAt: Int64(time(nil)))
    private static let frameRate = 20.0

    /// `count` pictures, one in `group` a key frame.
    private func encode(_ count: Int, group: Int) throws -> [AccessUnit] {
        let size = VideoSize(width: 160, height: 96)
        let encoder = try H264Encoder(
            H264EncoderConfiguration(size: size, frameRate: Self.frameRate, bitrate: 300_000, preset: .ultrafast))
        return try (0..<count).map { index in
            var bytes = [UInt8](repeating: 128, count: size.i420ByteCount)
            for pixel in 0..<size.width * size.height {
                bytes[pixel] = UInt8(truncatingIfNeeded: pixel / 9 + index * 7)
            }
            let frame = VideoFrame(size: size, bytes: bytes, captured: .zero + .milliseconds(Int64(index) * 50))
            return try #require(try encoder.encode(frame, forceKeyFrame: index % group == 0))
        }
    }

    private func play(_ bytes: [UInt8]) throws -> TestDaemon {
        let file = folder.path + "/door.h264"
        try Data(bytes).write(to: URL(filePath: file))
        return TestDaemon(state: folder.path + "/state") {
            $0.video.source = .file
            $0.video.file = file
            $0.video.frameRate = 5
        }
    }

    private func units(_ unit: AccessUnit) -> [[UInt8]] { unit.nalUnits.map { Array(unit.bytes[$0]) } }
    private func units(_ frame: H264Depacketizer.Frame) -> [[UInt8]] { frame.nalUnits.map { Array(frame.bytes[$0]) } }

    private func call(_ daemon: TestDaemon) throws -> Viewer {
        let viewer = try Viewer(on: [.v4(0x7F00_0001)], certificate: Self.certificate)
        let port = try #require(daemon.port)
        try viewer.accept(try WHEPClient().call("http://127.0.0.1:\(port)/whep", offer: viewer.offer).answer)
        return viewer
    }

    /// Asks until `condition` holds.
    private func wait(until condition: () -> Bool) {
        let limit = MonotonicClock.now + .seconds(60)
        while !condition() {
            guard MonotonicClock.now < limit else {
                Issue.record("it never came")
                return
            }
            MonotonicClock.sleep(until: MonotonicClock.now + .milliseconds(5))
        }
    }

    private func get(_ path: String, of daemon: TestDaemon) throws -> HTTPResponse {
        let port = try #require(daemon.port)
        return try HTTPClient().send(
            "GET", to: .init(isSecure: false, host: "127.0.0.1", port: port, path: path), headers: [], body: [])
    }

    @Test func `A file's pictures reach a viewer as they are, at the file's rate, round after round`() throws {
        let pictures = try encode(30, group: 10)
        let daemon = try play(pictures.flatMap(\.bytes))
        #expect(daemon.startError == nil)
        defer { daemon.stop() }
        let known = Set(pictures.map(units))
        var times: [(due: RTPTimestamp, arrived: Instant)] = []
        var strangers = 0
        var firstIsKeyFrame: Bool?
        let viewer = try call(daemon)
        viewer.onPicture = { frame in
            firstIsKeyFrame = firstIsKeyFrame ?? frame.isKeyFrame
            if !known.contains(units(frame)) { strangers += 1 }
            times.append((frame.timestamp, MonotonicClock.now))
        }
        #expect(viewer.run(for: .seconds(60)) { _ in times.count >= 80 })
        #expect(firstIsKeyFrame == true)
        #expect(strangers == 0)
        #expect(viewer.received.keyFrames >= 7)
        let lasts = Double(times[79].due.rawValue &- times[19].due.rawValue) / 90_000
        #expect((2.7...3.6).contains(lasts), "60 pictures at \(Self.frameRate) a second last \(lasts) s")
        // on a busy machine the first may be late, and so the rest seem early, but not by much
        let took = (times[79].arrived - times[19].arrived).inSeconds
        #expect(took > 2, "60 pictures at \(Self.frameRate) a second came within \(took) s")
        // nothing was encoded here
        #expect(daemon.ask { $0.video?[.main].counters.encodeCPU } == .zero)
        #expect(daemon.ask { $0.devices.camera } == DoorDevices.Camera.testCard)
        viewer.close()
    }

    @Test func `How old pictures are when they leave is told in the status and to Prometheus`() throws {
        let daemon = try play(try encode(30, group: 10).flatMap(\.bytes))
        defer { daemon.stop() }
        let viewer = try call(daemon)
        #expect(viewer.run(for: .seconds(60)) { $0.received.pictures >= 20 })

        let departures = try #require(daemon.ask { $0.sockets.departures })
        #expect(departures.last.count >= 20)
        #expect(departures.first.count >= departures.last.count)
        #expect(departures.first.count <= departures.last.count + 1)
        #expect(departures.first.sum <= departures.last.sum)
        #expect((.zero..<Duration.seconds(1)).contains(departures.last.longest))

        let status = try get("/api/status", of: daemon)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(status.body)) as? [String: Any])
        let video = try #require(object["video"] as? [String: Any])
        for name in ["captureToFirstPacket", "captureToLastPacket"] {
            let latency = try #require(video[name] as? [String: Any])
            let (median, p95, most) = (
                try #require(latency["medianMilliseconds"] as? Double),
                try #require(latency["p95Milliseconds"] as? Double),
                try #require(latency["maxMilliseconds"] as? Double)
            )
            #expect(0 < median && median <= p95 && p95 <= most)
            #expect(try #require(latency["count"] as? Int) >= 20)
        }

        let before = try metrics(of: daemon)
        #expect(try #require(before["doorward_frame_capture_to_send_seconds_count{packet=\"last\"}"]) >= 20)
        #expect(try #require(before["doorward_frames_encoded_total"]) >= 20)
        #expect(try #require(before["doorward_key_frames_total"]) >= 2)
        #expect(try #require(before["doorward_rtp_packets_sent_total"]) >= 20)
        #expect(before["doorward_viewers{kind=\"whep\"}"] == 1)
        #expect(before["doorward_connected_viewers"] == 1)
        #expect(before["doorward_encoder_cpu_seconds_total"] == 0)

        // what a viewer was sent counts when he is gone, too
        viewer.close()
        wait { daemon.ask { $0.players.count } == 0 }
        let after = try metrics(of: daemon)
        #expect(after["doorward_viewers{kind=\"whep\"}"] == 0)
        for (name, value) in before where name.contains("_total") || name.contains("_bucket") {
            #expect(try #require(after[name]) >= value, "\(name)")
        }
    }

    /// What `GET /metrics` says, by name and labels; every line of it is a comment or a number.
    private func metrics(of daemon: TestDaemon) throws -> [String: Double] {
        let response = try get("/metrics", of: daemon)
        #expect(response.status == 200)
        #expect(response.headers.contains { $0.value == "text/plain; version=0.0.4; charset=utf-8" })
        var values: [String: Double] = [:]
        for line in String(decoding: response.body, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            #expect(parts.count == 2, "\(line)")
            let number: Double = try #require(Double(parts[1]), "\(line)")
            values[String(parts[0])] = number
        }
        return values
    }

    @Test func `The profile that is agreed on is the file's, where it is offered`() throws {
        var bytes = try encode(10, group: 10).flatMap(\.bytes)
        // the parameter set says main in place of constrained baseline, whose pictures are main's, too
        let start = try #require(bytes.indices.first { bytes[$0] == 0x67 })
        bytes.replaceSubrange(start + 1...start + 2, with: [0x4D, 0x00])
        let daemon = try play(bytes)
        defer { daemon.stop() }
        wait { daemon.ask { $0.video?.passedProfile } == .some(.main) }
        let port = try #require(daemon.port)
        let viewer = try Viewer(on: [.v4(0x7F00_0001)], certificate: Self.certificate)
        for (offered, agreed) in [("4d001f", "4d001f"), ("42e01f", "42e01f")] {
            let offer = viewer.offer.replacing("42e01f", with: offered)
            let answer = try WHEPClient().call("http://127.0.0.1:\(port)/whep", offer: offer).answer
            #expect(answer.contains("profile-level-id=\(agreed)"))
        }
    }

    @Test func `A file that browsers cannot show leaves the door without a picture, and running`() throws {
        let daemon = try play(Array("no video".utf8))
        #expect(daemon.startError == nil)
        #expect(daemon.ask { $0.devices.camera } == DoorDevices.Camera.none)
        #expect(daemon.ask { $0.video?.isPassedThrough ?? true } == false)
        daemon.stop()
    }
}
