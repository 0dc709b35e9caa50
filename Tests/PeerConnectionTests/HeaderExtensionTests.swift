import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// What the headers of media packets say, and what is told of their arrival.
@Suite struct HeaderExtensionTests {
    private static let wideURI = RTP.HeaderExtension.transportSequenceNumber.rawValue

    private func values(
        of packet: RTPPacket, _ peer: RTCPeerConnection
    ) -> HeaderExtensionValues { packet.extensionValues(peer.media.incomingExtensions) }

    // draft-holmer-rmcat-transport-wide-cc-extensions-01
    @Test func `packets of all streams share the numbers of their transport, and feedback tells when each came`() throws
    {
        let call = try Call()
        for _ in 0..<50 {
            call.sendFromDoor(call.picture(), on: call.door.video)
            call.sendFromDoor(call.sound(), on: call.door.audio)
            call.simulation.run(for: .milliseconds(20))
        }
        call.simulation.run(for: .milliseconds(200))
        let numbers = call.simulation[.polite].packets.compactMap {
            values(of: $0.1, call.pagePeer).transportSequenceNumber
        }
        #expect(numbers == Array(1...200))
        let feedback = call.simulation[.impolite].transportFeedback
        let arrivals = feedback.flatMap(\.arrivals)
        #expect(arrivals.map(\.sequenceNumber) == (1...200).map { SequenceNumber($0) })
        // bounded: ten messages in a second and no more, however many packets come
        #expect((8...12).contains(feedback.count))
        #expect(feedback.map(\.feedbackPacketCount) == feedback.indices.map { UInt8($0) })
        // four packets at once, then 20 ms, as they were sent: 80 ticks of 250 µs
        let gaps = zip(arrivals, arrivals.dropFirst()).map { $1.ticks &- $0.ticks }
        #expect(gaps.enumerated().allSatisfy { $1 == ($0 % 4 == 3 ? 80 : 0) })
    }

    @Test func `repairs have numbers of their own, and what is lost is told as lost`() throws {
        let call = try Call()
        for number in 0..<10 {
            call.sendFromDoor(call.picture(), on: call.door.video, isLost: number == 5)
            call.simulation.run(for: .milliseconds(30))
        }
        call.simulation.run(for: .milliseconds(400))
        let arrivals = Set(
            call.simulation[.impolite].transportFeedback.flatMap(\.arrivals).map(\.sequenceNumber.rawValue))
        #expect(arrivals.count == 30 && !arrivals.contains(16) && !arrivals.contains(17) && !arrivals.contains(18))
        #expect(call.pagePeer.statistics.inbound.map(\.received.retransmittedPacketsReceived).max() == 3)
    }

    @Test(arguments: [true, false])
    func `without the feedback or the extension in both descriptions nothing is numbered or told`(byFeedback: Bool)
        throws
    {
        let call = try Call { offer in
            for index in offer.media.indices {
                if byFeedback {
                    for codec in offer.media[index].codecs.indices {
                        offer.media[index].codecs[codec].feedback.removeAll { $0 == .transportCC }
                    }
                } else {
                    offer.media[index].headerExtensions.removeAll { $0.uri == Self.wideURI }
                }
            }
        }
        for _ in 0..<10 {
            call.sendFromDoor(call.picture(), on: call.door.video)
            call.simulation.run(for: .milliseconds(50))
        }
        #expect(call.simulation[.polite].packets.count == 30)
        #expect(
            call.simulation[.polite].packets.allSatisfy {
                values(of: $0.1, call.pagePeer).transportSequenceNumber == nil
            })
        #expect(call.simulation[.impolite].transportFeedback.isEmpty)
    }

    @Test func `every packet says when it left`() throws {
        let call = try Call()
        for _ in 0..<5 {
            let left = AbsoluteSendTime(call.simulation.now)
            call.sendFromDoor(call.picture(), on: call.door.video)
            call.simulation.run(for: .milliseconds(33))
            let packet = try #require(call.simulation[.polite].packets.last).1
            #expect(values(of: packet, call.pagePeer).absoluteSendTime == left)
        }
    }

    // RFC 6464
    @Test func `the loudness that the sender measured comes with the sound`() throws {
        let call = try Call()
        let level = AudioLevel(decibelsBelowOverload: 20, isVoice: true)
        call.sendFromDoor(call.sound(level: level), on: call.door.audio)
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        let now = call.simulation.now
        let source = try #require(call.pagePeer.getSynchronizationSources(of: call.page.audio, at: now).first)
        #expect(try source.source == call.source(call.door.audio))
        #expect(source.audioLevel == level && now - source.timestamp < .milliseconds(20))
        #expect(call.pagePeer.getSynchronizationSources(of: call.page.video, at: now).first?.audioLevel == nil)

        call.sendFromDoor(call.sound(), on: call.door.audio)
        call.simulation.run(for: .milliseconds(20))
        let last = call.pagePeer.getSynchronizationSources(of: call.page.audio, at: call.simulation.now)
        #expect(last.count == 1 && last[0].audioLevel == nil, "nobody measured it")
        let later = call.simulation.now + .seconds(11)
        #expect(call.pagePeer.getSynchronizationSources(of: call.page.audio, at: later).isEmpty)
        // 20 dB below overload is a tenth
        #expect(abs(level.linear - 0.1) < 1e-9)
        #expect(AudioLevel(decibelsBelowOverload: 127, isVoice: false).linear == 0)
    }

    @Test func `key frames, and all for a second, bear the bounds of the playout delay that the sender asks for`()
        throws
    {
        let call = try Call()
        let delay = PlayoutDelay(minimum: 0, maximum: 10)
        call.simulation.act(.impolite) { door, now in
            door.peer.setPlayoutDelay(delay, of: call.door.video, at: now)
        }
        for (isKeyFrame, pause) in [(false, 1_000), (false, 20), (true, 20)] {
            call.sendFromDoor(call.picture(isKeyFrame: isKeyFrame), on: call.door.video)
            call.simulation.run(for: .milliseconds(pause))
        }
        let delays = call.simulation[.polite].packets.map { values(of: $0.1, call.pagePeer).playoutDelay }
        #expect(delays == [delay, delay, delay, nil, nil, nil, delay, delay, delay])
    }

    @Test func `an estimate of the bit rate is passed on`() throws {
        let call = try Call()
        call.report(
            .receiverEstimatedMaximumBitrate(
                ReceiverEstimatedMaximumBitrate(
                    sender: 1, bitsPerSecond: 1_500_000, sources: [try call.source(call.door.video)])))
        #expect(call.simulation[.impolite].estimates == [1_500_000])
    }

    @Test func `reports with malformed bodies are counted, and the others take effect`() throws {
        let call = try Call()
        let video = try call.source(call.door.video)
        call.simulation.act(.polite) { page, _ in
            page.peer.writeRTCP(by: page.peer.transports[0].id) {
                $0 += [0x8F, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 9, 0, 0, 0, 0]
                RTCPPacket.pictureLossIndication(sender: 1, media: video).write(to: &$0)
            }
        }
        call.simulation.run(for: .milliseconds(10))
        #expect(call.doorPeer.discards == [.malformed: 1])
        #expect(call.simulation[.impolite].keyFrameRequests == 1)
    }

    @Test func `a header extension that both sides number alike keeps its number in every later offer`() throws {
        let call = try Call()
        let agreed = call.doorPeer.headerExtensionIDs
        #expect(agreed.count == 5)
        try call.negotiate()
        #expect(call.doorPeer.headerExtensionIDs == agreed && call.pagePeer.headerExtensionIDs == agreed)
    }
}
