import Congestion
import ICE
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// What a viewer's path carries is found out, and what is sent keeps to it: two whole peers over a bottleneck.
@Suite struct BandwidthTests {
    /// A camera and its encoder, which follows what the path carries as the door's does.
    private final class Source {
        let call: Call
        let maximum: Double
        private(set) var sentFrames = 0
        private var wantsKeyFrame = true
        private let packetizer = H264Packetizer(maximumPayloadSize: 1140)

        init(_ call: Call, maximum: Double = 2.5e6) {
            self.call = call
            self.maximum = maximum
        }

        /// Sends 30 frames a second, and sound, for `time`.
        func run(for time: Duration) {
            for _ in 0..<Int(time.inSeconds * 30) {
                if call.simulation[.impolite].keyFrameRequests > 0 {
                    call.simulation.act(.impolite) { door, _ in door.keyFrameRequests = 0 }
                    wantsKeyFrame = true
                }
                call.sendFromDoor(frame(), on: call.door.video)
                call.sendFromDoor(call.sound(), on: call.door.audio)
                call.simulation.run(for: .nanoseconds(33_333_333))
            }
        }

        private func frame() -> PacketizedFrame {
            defer { wantsKeyFrame = false }
            sentFrames += 1
            let rate = min(
                call.doorPeer.availableOutgoingBitrate.map { max($0 * 0.9 - 40_000, 50_000) } ?? maximum, maximum)
            let size = Int(rate / 8 / 30) * (wantsKeyFrame ? 4 : 1)
            let slice = [wantsKeyFrame ? 0x65 : 0x41] + [UInt8](repeating: 0x55, count: max(size, 100))
            let parameters: [UInt8] = [0x67, 0x42, 0xE0, 0x1F, 0x68, 0xCE]
            let bytes = wantsKeyFrame ? parameters + slice : slice
            return packetizer.packetize(
                bytes: bytes,
                nalUnits: wantsKeyFrame ? [0..<4, 4..<6, 6..<bytes.count] : [0..<bytes.count],
                captured: call.simulation.now, isKeyFrame: wantsKeyFrame)
        }
    }

    private static func link(_ bitrate: Int, queue: Int = 40_000, loss: Double = 0) -> PathConditions {
        var conditions = PathConditions(loss: loss, delay: .milliseconds(25) ... .milliseconds(25))
        conditions.rate = .init(bitsPerSecond: bitrate, queueBytes: queue)
        return conditions
    }

    /// The bytes of video that the page has.
    private func received(_ call: Call) -> Double {
        Double(
            call.pagePeer.media.streams.values.filter { $0.incoming.kind == .video }
                .reduce(0) { $0 + $1.receiver.statistics.bytesReceived })
    }

    @Test func `a wide path is known within a second, and the first picture leaves at once`() throws {
        let call = try Call(Self.link(50_000_000, queue: 1_000_000), probes: true)
        let source = Source(call)
        #expect(call.doorPeer.availableOutgoingBitrate == nil)
        let began = call.simulation.now
        source.run(for: .milliseconds(34))
        #expect(
            call.simulation.run(for: .seconds(1)) { !$0[.polite].accessUnits.isEmpty },
            "42 kB at 20 Mbit/s and a quarter of the round trip")
        #expect(call.simulation.now - began < .milliseconds(60))
        source.run(for: .seconds(1))
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) > 2.5e6)
        source.run(for: .seconds(5))
        #expect(call.simulation[.polite].accessUnits.count >= source.sentFrames - 2)
        #expect(call.doorPeer.pacing.framesDropped == 0)
    }

    @Test func `no more is looked for than is of use, which may change in mid-call`() throws {
        let call = try Call(Self.link(50_000_000, queue: 1_000_000), probes: true)
        call.simulation.act(.impolite) { door, _ in door.peer.setUsefulBitrate(600_000) }
        Source(call, maximum: 500_000).run(for: .seconds(3))
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) < 1.3e6)
        call.simulation.act(.impolite) { door, _ in door.peer.setUsefulBitrate(2_500_000) }
        Source(call).run(for: .seconds(5))
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) > 2.5e6)
    }

    @Test(arguments: 1...4)
    func `a path that falls to a fifth is followed, and used again within ten seconds of being back`(
        seed: UInt64
    ) throws {
        let call = try Call(seed: seed, Self.link(3_000_000, queue: 75_000), probes: true)
        let source = Source(call)
        source.run(for: .seconds(10))
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) > 2.4e6)
        call.simulation.network.conditions = Self.link(600_000, queue: 20_000)
        source.run(for: .seconds(3))
        let before = received(call)
        source.run(for: .seconds(10))
        let slow = (received(call) - before) * 8 / 10
        #expect(slow > 0.75 * 600_000 && slow < 600_000)
        #expect(call.doorPeer.bandwidthLimitation == .delay || call.doorPeer.bandwidthLimitation == .loss)
        call.simulation.network.conditions = Self.link(3_000_000, queue: 75_000)
        source.run(for: .seconds(10))
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) > 0.85 * 3e6)
    }

    @Test func `a twentieth lost at random is repaired, and holds nothing back`() throws {
        let call = try Call(Self.link(10_000_000, queue: 200_000, loss: 0.05), probes: true)
        let source = Source(call)
        source.run(for: .seconds(10))
        call.simulation.run(for: .milliseconds(500))
        #expect(call.simulation[.polite].accessUnits.count > source.sentFrames * 97 / 100)
        #expect(call.doorPeer.statistics.retransmittedPacketsSent > 50)
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) > 2.5e6)
    }

    @Test func `who tells an estimate and no arrivals is followed by that`() throws {
        let call = try Call(
            Self.link(50_000_000, queue: 1_000_000), probes: true,
            offer: { offer in
                for section in offer.media.indices {
                    for codec in offer.media[section].codecs.indices {
                        offer.media[section].codecs[codec].feedback.removeAll { $0 == .transportCC }
                    }
                }
            })
        let source = Source(call)
        source.run(for: .seconds(1))
        let estimate = ReceiverEstimatedMaximumBitrate(
            sender: 1, bitsPerSecond: 700_000, sources: [try call.source(call.door.video)])
        call.report(.receiverEstimatedMaximumBitrate(estimate))
        call.simulation.run(for: .milliseconds(100))
        #expect(try #require(call.doorPeer.availableOutgoingBitrate) <= 700_000)
        #expect(call.doorPeer.bandwidthLimitation == .receiver)
        let before = received(call)
        source.run(for: .seconds(4))
        #expect((received(call) - before) * 8 / 4 < 700_000)
    }

    @Test func `sound never waits behind a key frame`() throws {
        let call = try Call(Self.link(1_000_000, queue: 100_000), probes: true)
        let source = Source(call)
        source.run(for: .seconds(5))
        // a frame of 100 packets, and sound behind it
        let big = PacketizedFrame(
            storage: [UInt8](repeating: 0x65, count: 110_000), payloads: (0..<100).map { $0 * 1100..<($0 + 1) * 1100 },
            markedPayload: 99, timestamp: 1, captured: call.simulation.now, isKeyFrame: true)
        let sent = try call.intercept(.impolite) { door, now in
            door.send(big, on: call.door.video, at: now)
            door.send(call.sound(), on: call.door.audio, at: now)
        }
        #expect(sent.protected.count < 40, "the key frame is spread")
        #expect(sent.protected.last?.count ?? 0 < 100, "and the sound has left")
    }

    @Test func `what waits when the path is gone is dropped, and a key frame begins again`() throws {
        let call = try Call(Self.link(400_000, queue: 100_000), probes: true)
        let source = Source(call)
        source.run(for: .seconds(2))
        call.simulation.network.unplugged = [call.simulation[.polite].address]
        source.run(for: .seconds(6))
        // of 6 s at most one second waits
        #expect(call.doorPeer.queueTime(at: call.simulation.now) < .seconds(2))
        #expect(call.doorPeer.pacing.framesDropped > 30)
        call.simulation.network.unplugged = []
        let before = call.simulation[.polite].accessUnits.count
        source.run(for: .seconds(6))
        #expect(call.simulation[.polite].accessUnits.count > before + 60)
    }

    @Test func `a packet that waits to be repeated is repeated once, however often it is asked for`() throws {
        let call = try Call(Self.link(300_000, queue: 100_000), probes: true)
        let source = Source(call)
        source.run(for: .seconds(3))
        let number = call.doorPeer.media.outgoing[0].sender.nextSequenceNumber + -1
        let video = try call.source(call.door.video)
        let before = call.doorPeer.statistics.retransmittedPacketsSent
        for _ in 0..<20 {
            call.report(.nack(GenericNACK(sender: 1, media: video, sequenceNumbers: [number])))
        }
        #expect(call.doorPeer.statistics.retransmittedPacketsSent - before <= 4)
    }
}
