import RTP
import Testing
import Wire

private let start = Instant(nanoseconds: 1_000_000_000_000)

private func frame(_ payloads: Int, at captured: Instant = start, byte: UInt8 = 1) -> PacketizedFrame {
    let storage = (0..<(payloads * 10)).map { UInt8(truncatingIfNeeded: $0) &+ byte }
    return PacketizedFrame(
        storage: storage, payloads: (0..<payloads).map { ($0 * 10)..<($0 * 10 + 10) }, markedPayload: payloads - 1,
        timestamp: RTPTimestamp(captured, clockRate: 90_000), captured: captured, isKeyFrame: true)
}

@Suite("A stream that leaves")
struct RTPSenderTests {
    private func sender(
        rtx: RTPSender.Retransmission? = nil, map: HeaderExtensionMap = HeaderExtensionMap(),
        history: RTPSender.History = RTPSender.History(), seed: UInt64 = 1
    ) -> RTPSender {
        RTPSender(
            ssrc: 0x1111, payloadType: 102, clockRate: 90_000, rtx: rtx, extensionMap: map, history: history,
            random: SeededRandomSource(seed: seed))
    }

    private func written(_ write: (inout [UInt8]) -> Void) throws -> RTPPacket {
        var buffer: [UInt8] = [0xAA]
        write(&buffer)
        #expect(buffer[0] == 0xAA)
        return try RTPPacket(buffer[1...])
    }

    @Test("RFC 3550 §5.1: packets are numbered in order, share the frame's timestamp, and the last bears the marker")
    func packetsOfAFrame() throws {
        var sender = sender()
        let frame = frame(3)
        let first = sender.nextSequenceNumber
        var timestamps: Set<RTPTimestamp> = []
        for index in frame.payloads.indices {
            let packet = try written { sender.writePacket(index, of: frame, at: start, to: &$0) }
            #expect(packet.header.sequenceNumber == first + index)
            #expect(packet.header.marker == (index == 2))
            #expect(packet.header.ssrc == 0x1111)
            #expect(packet.header.payloadType == 102)
            #expect(packet.payload == frame.storage[frame.payloads[index]])
            timestamps.insert(packet.header.timestamp)
        }
        #expect(timestamps.count == 1)
        #expect(sender.statistics.packetsSent == 3)
        #expect(sender.statistics.bytesSent == 30)
        #expect(sender.statistics.headerBytesSent == 36)
    }

    @Test("a frame that leaves in parts is one frame with one marker")
    func partsOfAFrame() throws {
        var sender = sender()
        let packetizer = H264Packetizer(maximumPayloadSize: 1000)
        let slice: [UInt8] = [0x65] + [UInt8](repeating: 9, count: 1500)
        var markers: [Bool] = []
        for part in 0..<3 {
            let frame = packetizer.packetize(
                bytes: slice, nalUnits: [0..<slice.count], captured: start, isKeyFrame: true, isFirst: part == 0,
                isLast: part == 2)
            for index in frame.payloads.indices {
                markers.append(try written { sender.writePacket(index, of: frame, at: start, to: &$0) }.header.marker)
            }
            #expect(sender.statistics.framesSent == (part == 2 ? 1 : 0))
            #expect(sender.statistics.keyFramesSent == (part == 2 ? 1 : 0))
        }
        #expect(markers == [false, false, false, false, false, true])
    }

    @Test("RFC 3550 §5.1: streams start at random numbers and timestamps; RFC 3711 §3.3.1: numbers below 2¹⁵")
    func randomStart() throws {
        var numbers: Set<UInt16> = []
        var timestamps: Set<UInt32> = []
        for seed in 0..<50 as Range<UInt64> {
            var sender = sender(seed: seed)
            let packet = try written { sender.writePacket(0, of: frame(1), at: start, to: &$0) }
            numbers.insert(packet.header.sequenceNumber.rawValue)
            timestamps.insert(packet.header.timestamp.rawValue)
        }
        #expect(numbers.count > 45 && numbers.allSatisfy { $0 < 32768 })
        #expect(timestamps.count == 50)
    }

    @Test(
        "RFC 4588 §4: a retransmission has its own source, type and numbers, and the original number before the payload"
    )
    func retransmissionStream() throws {
        var map = HeaderExtensionMap()
        map[.transportSequenceNumber] = 3
        var sender = sender(rtx: .init(ssrc: 0x2222, payloadType: 103), map: map)
        let frame = frame(2)
        let first = try written { sender.writePacket(0, of: frame, at: start, to: &$0) }
        let second = try written { sender.writePacket(1, of: frame, at: start, to: &$0) }

        var values = HeaderExtensionValues()
        values.transportSequenceNumber = 99
        var numbers: [SequenceNumber] = []
        for original in [first, second] {
            let packet = try written {
                let outcome = sender.retransmission(
                    of: original.header.sequenceNumber, extensions: values, at: start + .milliseconds(50), to: &$0)
                #expect(outcome == .appended)
            }
            #expect(packet.header.ssrc == 0x2222)
            #expect(packet.header.payloadType == 103)
            #expect(packet.header.timestamp == original.header.timestamp)
            #expect(packet.extensionValues(map).transportSequenceNumber == 99)
            let restored = try #require(RetransmissionPayload.unwrap(packet, ssrc: 0x1111, payloadType: 102))
            #expect(restored.header == original.header)
            #expect(restored.payload == original.payload)
            numbers.append(packet.header.sequenceNumber)
        }
        #expect(numbers[0] + 1 == numbers[1])
        #expect(sender.statistics.retransmittedPacketsSent == 2)
        #expect(sender.statistics.retransmittedBytesSent == 20)
        // The report counts the stream's own packets only.
        #expect(sender.senderReport(at: start)?.packetCount == 2)
    }

    @Test("RFC 7714 §9.1: without a retransmission stream the same packet is sent byte for byte")
    func identicalRetransmission() {
        var map = HeaderExtensionMap()
        map[.transportSequenceNumber] = 3
        var sender = sender(map: map)
        var values = HeaderExtensionValues()
        values.transportSequenceNumber = 7
        var original: [UInt8] = []
        let number = sender.writePacket(0, of: frame(1), extensions: values, at: start, to: &original)
        var again: [UInt8] = []
        values.transportSequenceNumber = 8
        #expect(
            sender.retransmission(of: number, extensions: values, at: start + .milliseconds(30), to: &again)
                == .appended)
        #expect(again == original)
    }

    @Test("A packet that cannot be written as it was is not retransmitted")
    func changedPayloadType() {
        var sender = sender()
        var buffer: [UInt8] = []
        let number = sender.writePacket(0, of: frame(1), at: start, to: &buffer)
        sender.payloadType = 102
        #expect(sender.retransmission(of: number, at: start, to: &buffer) == .appended)
        sender.payloadType = 104
        #expect(sender.retransmission(of: number, at: start + .milliseconds(500), to: &buffer) == .unknown)
    }

    @Test("A packet is not repeated within the least interval, nor within a measured round trip")
    func repeatedRequests() {
        var sender = sender()
        var buffer: [UInt8] = []
        let number = sender.writePacket(0, of: frame(1), at: start, to: &buffer)
        let size = buffer.count
        #expect(sender.retransmission(of: number, at: start + .milliseconds(1), to: &buffer) == .appended)
        #expect(sender.retransmission(of: number, at: start + .milliseconds(20), to: &buffer) == .tooSoon)
        #expect(buffer.count == 2 * size)
        #expect(sender.retransmission(of: number, at: start + .milliseconds(21), to: &buffer) == .appended)

        report(to: &sender, roundTrip: .milliseconds(200))
        #expect(sender.retransmission(of: number, at: start + .milliseconds(200), to: &buffer) == .tooSoon)
        #expect(sender.retransmission(of: number, at: start + .milliseconds(222), to: &buffer) == .appended)
    }

    @Test("The history is bounded in packets and in age, over the wrap of the sequence numbers")
    func historyBounds() {
        var bounds = RTPSender.History()
        bounds.capacity = 16
        var sender = sender(history: bounds)
        var numbers: [SequenceNumber] = []
        var buffer: [UInt8] = []
        var now = start
        let frame = frame(1)
        for _ in 0..<70_000 {
            buffer.removeAll(keepingCapacity: true)
            numbers.append(sender.writePacket(0, of: frame, at: now, to: &buffer))
            now += .milliseconds(1)
        }
        for (age, number) in numbers.reversed().prefix(40).enumerated() {
            let outcome = sender.retransmission(of: number, at: now, to: &buffer)
            #expect(outcome == (age < 16 ? .appended : .unknown))
        }
        #expect(sender.retransmission(of: numbers.last!, at: now + .milliseconds(1001), to: &buffer) == .unknown)
        #expect(sender.retransmission(of: sender.nextSequenceNumber, at: now, to: &buffer) == .unknown)
    }

    @Test("RFC 3550 §6.4.1: a sender report ties the stream's clock to the reports' and counts packets and octets")
    func senderReport() throws {
        var sender = sender()
        #expect(sender.senderReport(at: start) == nil)
        let frame = frame(2)
        let packet = try written { sender.writePacket(0, of: frame, at: start, to: &$0) }
        _ = try written { sender.writePacket(1, of: frame, at: start, to: &$0) }
        let report = try #require(sender.senderReport(at: start + .milliseconds(500)))
        #expect(report.ssrc == 0x1111)
        #expect(report.packetCount == 2)
        #expect(report.octetCount == 20)
        #expect(report.ntpTime == NTPTime(start + .milliseconds(500)))
        #expect(packet.header.timestamp.distance(to: report.timestamp) == 45_000)
    }

    @Test("RFC 3550 §6.4.1, figure 2: the round trip of the example is 6.125 s")
    func roundTripOfTheExample() throws {
        var sender = sender()
        // A: 0xb710:8000 (46864.500 s), LSR 0xb705:2000 (46853.125 s), DLSR 0x0005:4000 (5.250 s).
        sender.handle(
            ReportBlock(
                ssrc: 0x1111, fractionLost: 128, cumulativeLost: 5, extendedHighestSequenceNumber: 9, jitter: 900,
                lastSenderReport: 0xB705_2000, delaySinceLastSenderReport: 0x0005_4000),
            at: Instant(nanoseconds: 46_864_500_000_000))
        #expect(sender.remote.roundTripTime == .milliseconds(6125))
        #expect(sender.remote.fractionLost == 0.5)
        #expect(sender.remote.packetsLost == 5)
        #expect(sender.remote.jitter == .milliseconds(10))
    }

    @Test("A report without a sender report, with an impossible round trip or of another stream measures nothing")
    func uselessReports() {
        var sender = sender()
        var block = ReportBlock(
            ssrc: 0x1111, fractionLost: 0, cumulativeLost: 0, extendedHighestSequenceNumber: 0, jitter: .max,
            lastSenderReport: 0, delaySinceLastSenderReport: 0)
        sender.handle(block, at: start)
        block.lastSenderReport = NTPTime(start + .seconds(10)).middle
        sender.handle(block, at: start)
        block.lastSenderReport = NTPTime(start - .seconds(100)).middle
        sender.handle(block, at: start)
        #expect(sender.remote.roundTripTime == nil)
        #expect(sender.remote.roundTripTimeMeasurements == 0)
        block.ssrc = 5
        block.cumulativeLost = 9
        sender.handle(block, at: start)
        #expect(sender.remote.packetsLost == 0)
    }

    private func report(to sender: inout RTPSender, roundTrip: Duration) {
        let now = start + .seconds(1)
        sender.handle(
            ReportBlock(
                ssrc: sender.ssrc, fractionLost: 0, cumulativeLost: 0, extendedHighestSequenceNumber: 0, jitter: 0,
                lastSenderReport: NTPTime(now - roundTrip).middle, delaySinceLastSenderReport: 0),
            at: now)
    }
}
