import DTLS
import ICE
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// What receivers tell senders (RFC 3550, RFC 4585, RFC 4588, RFC 5104).
@Suite struct FeedbackTests {
    private func withoutRTX(_ session: inout SessionDescription) {
        for index in session.media.indices { session.media[index].codecs.removeAll { $0.isNamed("rtx") } }
    }

    // MARK: Retransmission

    @Test func `a lost picture comes again by RTX`() throws {
        let call = try Call()
        for number in 0..<6 {
            call.sendFromDoor(call.picture(), on: call.door.video, isLost: number == 3)
            call.simulation.run(for: .milliseconds(30))
        }
        call.simulation.run(for: .milliseconds(300))
        let numbers = call.received(by: .polite, on: call.page.video)
        #expect(numbers.count == 18 && Set(numbers).count == 18)
        #expect(call.doorPeer.statistics.retransmittedPacketsSent == 3)
        #expect(call.pagePeer.statistics.inbound.map(\.received.retransmittedPacketsReceived).max() == 3)
        #expect(call.simulation[.impolite].keyFrameRequests == 0)
        // RFC 4588 §4: what is unwrapped is the packet that was lost
        let sizes = call.simulation[.polite].packets.sorted { $0.sequence < $1.sequence }.map(\.1.payload.count)
        #expect(sizes == (0..<6).flatMap { _ in [100, 101, 102] })
    }

    @Test func `without RTX a lost packet comes again byte for byte`() throws {
        let call = try Call(offer: withoutRTX)
        call.sendFromDoor(call.picture(), on: call.door.video)
        let video = try call.source(call.door.video)
        let lost = try call.intercept(.impolite) { door, now in door.send(call.picture(), on: call.door.video, at: now)
        }
        #expect(lost.protected.count == 3)
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(2))

        // RFC 7714 §9.1: another packet under the same nonce would give the key away
        let number = SequenceNumber(UInt16(lost.protected[1][2]) << 8 | UInt16(lost.protected[1][3]))
        let nack = GenericNACK(sender: 1, media: video, sequenceNumbers: [number])
        let again = try call.intercept(.impolite) { door, now in door.retransmit(nack, at: now) }
        #expect(again.protected == [lost.protected[1]])

        call.simulation.run(for: .milliseconds(300))
        #expect(call.received(by: .polite, on: call.page.video).count == 9)
        #expect(call.pagePeer.statistics.inbound.allSatisfy { $0.received.retransmittedPacketsReceived == 0 })
    }

    @Test func `what nobody has sent is not sent again`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(30))
        let video = try call.source(call.door.video)
        for (media, numbers) in [
            (video, (0..<2000).map { SequenceNumber(60_000 &+ UInt16($0)) }), (SSRC(99), [SequenceNumber(1)]),
            (video, []),
        ] {
            let nack = GenericNACK(sender: 1, media: media, sequenceNumbers: numbers)
            #expect(try call.intercept(.impolite) { door, now in door.retransmit(nack, at: now) }.protected.isEmpty)
        }
        #expect(call.doorPeer.statistics.retransmittedPacketsSent == 0)
    }

    @Test func `a gap too wide to fill asks for a key frame at once`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        for _ in 0..<100 { call.sendFromDoor(call.picture(), on: call.door.video, isLost: true) }
        call.simulation.run(for: .milliseconds(10))
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(15))
        #expect(call.simulation[.impolite].keyFrameRequests == 1)
        #expect(call.doorPeer.statistics.retransmittedPacketsSent == 0)
    }

    // MARK: Key frames

    @Test func `a full intra request that is repeated is one request`() throws {
        let call = try Call()
        let video = try call.source(call.door.video)
        let request = { (sequence: UInt8) in
            RTCPPacket.fullIntraRequest(
                FullIntraRequest(sender: 1, entries: [.init(ssrc: video, sequenceNumber: sequence)]))
        }
        for _ in 0..<3 { call.report(request(7)) }
        call.simulation.run(for: .seconds(1))
        #expect(call.simulation[.impolite].keyFrameRequests == 1)
        call.report(request(8))
        #expect(call.simulation[.impolite].keyFrameRequests == 2)
        call.report(.fullIntraRequest(FullIntraRequest(sender: 1, entries: [.init(ssrc: 5, sequenceNumber: 9)])))
        #expect(call.simulation[.impolite].keyFrameRequests == 2, "of another's stream")
    }

    // RFC 4585 §6.3.1
    @Test func `a flood of picture loss indications is a request each 300 ms, for streams that are ours`() throws {
        let call = try Call()
        let video = try call.source(call.door.video)
        for _ in 0..<90 { call.report(.pictureLossIndication(sender: 1, media: video)) }
        #expect(call.simulation[.impolite].keyFrameRequests == 3)
        call.simulation.run(for: .seconds(1))
        #expect(call.simulation[.impolite].keyFrameRequests == 4, "the last one is not forgotten")
        call.report(.pictureLossIndication(sender: 1, media: 5))
        #expect(call.simulation[.impolite].keyFrameRequests == 4)
        #expect(call.doorPeer.discards == [.unknownStream: 1])
        #expect(call.doorPeer.media.outgoing[0].requests.pliCount == 90)
    }

    // RFC 5506 §4
    @Test(arguments: [true, false])
    func `feedback goes behind a report unless reduced size was agreed on`(isReduced: Bool) throws {
        let call = try Call(pageSendsVideo: true) { offer in
            for index in offer.media.indices { offer.media[index].isRTCPReducedSize = isReduced }
        }
        let picture = call.picture()
        call.simulation.act(.polite) { page, now in page.peer.send(picture, on: call.page.video, at: now) }
        call.simulation.run(for: .milliseconds(20))
        let sent = try call.intercept(.impolite) { door, now in door.requestKeyFrame(on: call.door.video, at: now) }
            .rtcp
        #expect(sent.count == 1)
        let kinds = sent[0].map { packet in
            switch packet {
            case .receiverReport: "report"
            case .sourceDescription: "names"
            case .pictureLossIndication: "loss"
            default: "other"
            }
        }
        #expect(kinds == (isReduced ? ["loss"] : ["report", "names", "loss"]))
    }

    // MARK: Reports

    @Test func `reports tell who sends, under which name, and how it arrives`() throws {
        let call = try Call()
        for _ in 0..<100 {
            call.sendFromDoor(call.picture(), on: call.door.video)
            call.sendFromDoor(call.sound(), on: call.door.audio)
            let sound = call.sound()
            call.simulation.act(.polite) { page, now in page.peer.send(sound, on: call.page.audio, at: now) }
            call.simulation.run(for: .milliseconds(40))
        }
        let (video, audio) = (try call.source(call.door.video), try call.source(call.door.audio))
        let sent = try call.intercept(.impolite) { door, now in door.sendReports(at: now) }.rtcp
        #expect(sent.count == 1)
        var senders: [SSRC] = []
        var names: [SSRC: String] = [:]
        var blocks: [SSRC] = []
        for packet in sent[0] {
            switch packet {
            case .senderReport(let report):
                senders.append(report.ssrc)
                blocks += report.reportBlocks.map(\.ssrc)
                #expect(report.packetCount == (report.ssrc == video ? 300 : 100))
            case .sourceDescription(let description):
                for chunk in description.chunks { names[chunk.ssrc] = chunk.canonicalName }
            default: Issue.record("\(packet) is no report")
            }
        }
        #expect(senders == [video, audio])
        // RFC 8834 §4.9: one name for all, so that sound and picture are known to belong together
        #expect(names == [video: "doorward", audio: "doorward"])
        #expect(blocks == [try #require(call.pagePeer.media.outgoing.first).sender.ssrc])

        // 5 ms each way
        for stream in call.doorPeer.statistics.outbound {
            let roundTrip = try #require(stream.remote.roundTripTime)
            #expect((Duration.milliseconds(9)...Duration.milliseconds(12)).contains(roundTrip))
            #expect(stream.remote.packetsLost == 0 && stream.remote.fractionLost == 0)
            #expect(stream.remote.extendedHighestSequenceNumber != nil)
        }
        // and lip sync can start
        let reported = call.pagePeer.media.streams.values.compactMap { $0.receiver.lastSenderReport?.report.ssrc }
        #expect(Set(reported) == [video, audio])
    }

    @Test func `loss is reported to whom it concerns`() throws {
        let call = try Call(PathConditions(loss: 0.2))
        for _ in 0..<400 {
            call.sendFromDoor(call.sound(), on: call.door.audio)
            call.simulation.run(for: .milliseconds(20))
        }
        let audio = try #require(call.doorPeer.statistics.outbound.first { $0.kind == .audio })
        #expect((40...120).contains(audio.remote.packetsLost))
        #expect(call.doorPeer.statistics.soundLoss > 0.05)
        #expect(call.doorPeer.statistics.retransmittedPacketsSent == 0)
    }

    @Test func `closing says good-bye for every stream, once, and the other side closes too`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        var names: [String] = []
        let sent = try call.intercept(.impolite) { door, now in
            door.close(at: now)
            names = door.drainWithoutSending()
        }
        let goodbyes = sent.rtcp.joined().compactMap { packet in
            if case .goodbye(let goodbye) = packet { goodbye } else { nil }
        }
        #expect(goodbyes.count == 1)
        #expect(try Set(goodbyes[0].sources) == [call.source(call.door.video), call.source(call.door.audio)])
        // RFC 8827 §6.5: and DTLS's close_notify
        #expect(sent.protected.filter { (20...63).contains($0[0]) }.count == 1)
        #expect(names == ["signaling closed", "ice closed", "connection closed"])

        let other = try Call(seed: 2)
        other.simulation.act(.impolite) { door, now in door.peer.close(at: now) }
        #expect(other.simulation.run(for: .seconds(1)) { $0[.polite].peer.connectionState == .closed })
        #expect(other.simulation[.polite].connectionStates.filter { $0 == .closed }.count == 1)
        #expect(other.pagePeer.media.streams.isEmpty)
    }

    @Test func `reports that contradict themselves are discarded whole`() throws {
        let call = try Call()
        call.simulation.act(.polite) { page, _ in
            page.peer.writeRTCP(by: page.peer.transports[0].id) { $0 += [0x81, 201, 0, 99, 0, 0, 0, 1] }
        }
        call.simulation.run(for: .milliseconds(10))
        #expect(call.doorPeer.discards == [.malformed: 1])
    }
}

extension RTCPeerConnection {
    /// The names of the events that wait, with the outbox as it is.
    fileprivate mutating func drainWithoutSending() -> [String] {
        var names: [String] = []
        while let event = nextOutput() { names.append(event.name) }
        return names
    }
}
