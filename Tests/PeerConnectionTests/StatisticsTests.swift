import Foundation
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `getStats` (W3C WebRTC §8, Identifiers for WebRTC's Statistics API) against what a simulated link really did.
@Suite struct StatisticsTests {
    private func report(_ call: Call, _ side: Simulation.Side) -> RTCStatsReport {
        call.simulation[side].peer.getStats(at: call.simulation.now, timeOrigin: 1_700_000_000_000)
    }

    /// 100 pictures of three packets and 300 bytes and as much sound, 20 ms each way; each tenth picture is lost for
    /// good.
    private func lossyCall() throws -> Call {
        let delay = Duration.milliseconds(20)
        let call = try Call(PathConditions(delay: delay...delay)) { offer in
            for index in offer.media[0].codecs.indices {
                offer.media[0].codecs[index].feedback.removeAll { $0 == .nack }
            }
        }
        for number in 0..<100 {
            call.sendFromDoor(call.picture(), on: call.door.video, isLost: number % 10 == 5)
            call.sendFromDoor(
                call.sound(level: AudioLevel(decibelsBelowOverload: 20, isVoice: true)), on: call.door.audio)
            call.simulation.run(for: .milliseconds(40))
        }
        call.simulation.run(for: .seconds(2))
        // what one side has sent, the other has received
        try #require(call.simulation.run(for: .seconds(1)) { $0.network.nextArrival == nil })
        return call
    }

    @Test func `streams tell what was sent, received and lost, and how it arrives at the other side`() throws {
        let call = try lossyCall()
        let (door, page) = (report(call, .impolite), report(call, .polite))
        let video = try #require(door.all(RTCOutboundRtpStreamStats.self).first { $0.kind == "video" })
        #expect(try video.ssrc == call.source(call.door.video).rawValue)
        #expect(video.packetsSent == 300 && video.bytesSent == 30_300)
        #expect(video.framesSent == 100 && video.keyFramesEncoded == 100)
        #expect(video.retransmittedPacketsSent == 0 && video.active == true)
        let remote = try #require(video.remoteId.flatMap { door[$0]?.dictionary } as? RTCRemoteInboundRtpStreamStats)
        #expect(remote.localId == video.id && remote.ssrc == video.ssrc)
        #expect(remote.packetsLost == 30 && remote.packetsReceived == 270)
        let roundTrip = try #require(remote.roundTripTime)
        #expect((0.039...0.042).contains(roundTrip))
        let (total, count) = (try #require(remote.totalRoundTripTime), try #require(remote.roundTripTimeMeasurements))
        #expect(count > 2 && abs(total / Double(count) - 0.0405) < 0.0015)
        #expect(remote.fractionLost == 0, "of the last second nothing")
        #expect(remote.jitter == 0)

        let inbound = try #require(page.all(RTCInboundRtpStreamStats.self).first { $0.kind == "video" })
        #expect(inbound.ssrc == video.ssrc && inbound.mid == video.mid)
        #expect(inbound.packetsReceived == 270 && inbound.packetsLost == 30)
        #expect(inbound.bytesReceived == 27_270)
        #expect(inbound.framesReceived == 90 && inbound.jitter == 0)
        // every header has the same extensions: what the sender counts for all, the receiver counts for 9 of 10
        #expect(inbound.headerBytesReceived == video.headerBytesSent.map { $0 / 10 * 9 })
        let sender = try #require(
            inbound.remoteId.flatMap { page[$0]?.dictionary } as? RTCRemoteOutboundRtpStreamStats)
        #expect(sender.packetsSent == 300 && sender.bytesSent == 30_300 && sender.localId == inbound.id)
        #expect(sender.reportsSent ?? 0 > 2)

        let sound = try #require(page.all(RTCInboundRtpStreamStats.self).first { $0.kind == "audio" })
        #expect(sound.packetsReceived == 100 && sound.packetsLost == 0 && sound.bytesReceived == 200)
        #expect(sound.framesReceived == nil && sound.pliCount == nil, "of video only")
    }

    @Test func `repairs are counted on both sides and are not loss's account`() throws {
        let call = try Call()
        for number in 0..<50 {
            call.sendFromDoor(call.picture(isKeyFrame: number == 0), on: call.door.video, isLost: number % 10 == 5)
            call.simulation.run(for: .milliseconds(40))
        }
        call.simulation.run(for: .seconds(2))
        let sent = try #require(
            report(call, .impolite).all(RTCOutboundRtpStreamStats.self).first { $0.kind == "video" })
        let came = try #require(report(call, .polite).all(RTCInboundRtpStreamStats.self).first { $0.kind == "video" })
        #expect(sent.packetsSent == 165 && sent.retransmittedPacketsSent == 15)
        #expect(sent.retransmittedBytesSent == 5 * 303 && sent.nackCount ?? 0 >= 5)
        #expect(came.retransmittedPacketsReceived == 15 && came.retransmittedBytesReceived == 5 * 303)
        #expect(came.packetsReceived == 150 && came.framesReceived == 50 && came.framesDropped == 0)
        #expect(came.nackCount == sent.nackCount && came.rtxSsrc == sent.rtxSsrc && sent.rtxSsrc != nil)
        #expect(came.jitterBufferEmittedCount == 50)
    }

    @Test func `jitter is what the path's delay varies by`() throws {
        let call = try Call()
        call.simulation.network.conditions = PathConditions(delay: .milliseconds(10)...(.milliseconds(30)))
        for _ in 0..<500 {
            call.sendFromDoor(call.sound(), on: call.door.audio)
            call.simulation.run(for: .milliseconds(20))
        }
        let sound = try #require(report(call, .polite).all(RTCInboundRtpStreamStats.self).first { $0.kind == "audio" })
        // the mean difference of two uniform delays over 20 ms is a third of that
        let jitter = try #require(sound.jitter)
        #expect((0.004...0.010).contains(jitter))
    }

    @Test func `transports, pairs, candidates and certificates tell the same of one path from both sides`() throws {
        let call = try lossyCall()
        let (door, page) = (report(call, .impolite), report(call, .polite))
        let transports = [door, page].compactMap { $0.all(RTCTransportStats.self).first }
        try #require(transports.count == 2)
        #expect(transports.allSatisfy { $0.dtlsState == "connected" && $0.tlsVersion == "FEFD" })
        #expect(Set(transports.compactMap(\.dtlsRole)) == ["client", "server"])
        #expect(Set(transports.compactMap(\.iceRole)) == ["controlling", "controlled"])
        #expect(transports[0].srtpCipher == "SRTP_AEAD_AES_128_GCM" && transports[0].dtlsCipher != nil)
        // the door's own losses never entered the link; all else arrived
        let lostBytes = try #require(transports[0].bytesSent) - (try #require(transports[1].bytesReceived))
        #expect(transports[0].packetsSent == transports[1].packetsReceived.map { $0 + 30 })
        #expect(lostBytes > 30 * 100)
        #expect(transports[1].packetsSent == transports[0].packetsReceived)
        #expect(transports[1].bytesSent == transports[0].bytesReceived)

        for (report, transport) in zip([door, page], transports) {
            let pair = try #require(
                transport.selectedCandidatePairId.flatMap { report[$0]?.dictionary } as? RTCIceCandidatePairStats)
            #expect(pair.state == "succeeded" && pair.nominated == true && pair.transportId == transport.id)
            #expect(pair.packetsSent == transport.packetsSent && pair.bytesReceived == transport.bytesReceived)
            #expect((0.039...0.042).contains(try #require(pair.currentRoundTripTime)))
            #expect(pair.requestsSent ?? 0 > 0 && pair.responsesReceived ?? 0 > 0 && pair.requestsReceived ?? 0 > 0)
            let local = try #require(report[pair.localCandidateId]?.dictionary as? RTCIceCandidateStats)
            let remote = try #require(report[pair.remoteCandidateId]?.dictionary as? RTCIceCandidateStats)
            #expect(local.type == .localCandidate && remote.type == .remoteCandidate)
            #expect(local.port == 5000 && local.protocol == "udp" && local.address != remote.address)
        }
        let certificates = [door, page].map { Set($0.all(RTCCertificateStats.self)).map(\.fingerprint).sorted() }
        #expect(certificates[0].count == 2 && certificates[0] == certificates[1])
        let own = try #require(
            transports[0].localCertificateId.flatMap { door[$0]?.dictionary } as? RTCCertificateStats)
        #expect(
            Data(base64Encoded: own.base64Certificate).map(Array.init)
                == call.doorPeer.configuration.certificates[0].der)
    }

    @Test
    func `every reference names an object of the report, identifiers are unique, and the next report has the same`()
        throws
    {
        let call = try lossyCall()
        call.simulation.act(.impolite) { door, _ in
            door.peer.describeMediaSource(
                MediaSourceSettings(width: 1280, height: 720, framesPerSecond: 25), of: call.door.video)
        }
        for side in Simulation.Side.allCases {
            let before = report(call, side)
            let ids = before.stats.map(\.id)
            #expect(Set(ids).count == ids.count)
            let text = try JSONSerialization.jsonObject(with: JSONEncoder().encode(before))
            let objects = try #require(text as? [String: [String: Any]])
            #expect(Set(objects.keys) == Set(ids))
            for (id, members) in objects {
                #expect(members["id"] as? String == id && members["timestamp"] is Double)
                #expect((members["type"] as? String).flatMap(RTCStatsType.init(rawValue:)) != nil)
                for (name, value) in members where name.hasSuffix("Id") {
                    #expect(objects[value as? String ?? ""] != nil, "\(id): \(name)")
                }
            }
            call.simulation.run(for: .seconds(1))
            #expect(report(call, side).stats.map(\.id) == ids)
        }
        let source = report(call, .impolite).all(RTCMediaSourceStats.self)
        #expect(source.first { $0.kind == "video" }?.width == 1280)
        let level = try #require(source.first { $0.kind == "audio" }?.audioLevel)
        #expect(abs(level - 0.1) < 1e-9)
    }

    @Test func `a report survives being coded, and absent members stay absent`() throws {
        let call = try lossyCall()
        let report = report(call, .polite)
        let coded = try JSONEncoder().encode(report)
        let again = try JSONDecoder().decode(RTCStatsReport.self, from: coded)
        #expect(Set(again.stats) == Set(report.stats))
        #expect(!String(decoding: coded, as: UTF8.self).contains("null"))
        let codec = try #require(report.all(RTCCodecStats.self).first { $0.mimeType == "video/H264" })
        #expect(codec.clockRate == 90_000 && codec.sdpFmtpLine?.contains("packetization-mode=1") == true)
    }

    @Test func `a connection that has done nothing tells of itself alone`() {
        let peer = Fixture.peer()
        let report = peer.getStats(at: Fixture.now)
        #expect(report.all(RTCPeerConnectionStats.self).count == 1)
        #expect(report.all(RTCInboundRtpStreamStats.self).isEmpty && report.all(RTCOutboundRtpStreamStats.self).isEmpty)
    }

    @Test func `a browser's report is read, and objects of unknown types are passed over`() throws {
        let text = """
            {"CF1": {"id": "CF1", "timestamp": 1700000000000.5, "type": "certificate", "fingerprint": "AB",
              "fingerprintAlgorithm": "sha-256", "base64Certificate": "AQID"},
             "AP": {"id": "AP", "timestamp": 1, "type": "media-playout", "kind": "audio"},
             "OT1": {"id": "OT1", "timestamp": 1700000000001, "type": "outbound-rtp", "ssrc": 5, "kind": "video",
              "transportId": "T1", "packetsSent": 12, "qualityLimitationReason": "none"}}
            """
        let report = try JSONDecoder().decode(RTCStatsReport.self, from: Data(text.utf8))
        #expect(report.stats.map(\.id) == ["CF1", "OT1"])
        #expect(report.all(RTCOutboundRtpStreamStats.self).first?.packetsSent == 12)
    }
}
