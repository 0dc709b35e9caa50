import RTP
import Testing
import Wire

private let start = Instant(nanoseconds: 1_000_000_000_000)

/// What one sender sends, one receiver hears, and both report, over 200 000 packets: three wraps of the sequence
/// numbers, and of the timestamps where they start near their end.
@Suite("Wraps of sequence numbers and timestamps")
struct WrapTests {
    private func frame(_ number: Int) -> PacketizedFrame {
        PacketizedFrame(
            storage: [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)], payloads: [0..<2],
            markedPayload: 0, timestamp: RTPTimestamp(UInt32(truncatingIfNeeded: number &* 65_536)),
            captured: start + .milliseconds(number), isKeyFrame: true)
    }

    @Test("RFC 3550 A.1, A.3 and §6.4.1: sender, receiver and both reports agree over three wraps, with 3 % lost")
    func reports() throws {
        let random = SeededRandomSource(seed: 3)
        var sender = RTPSender(
            ssrc: 7, payloadType: 102, clockRate: 90_000,
            rtx: .init(ssrc: 8, payloadType: 103), random: random)
        var receiver = RTPReceiver(ssrc: 7, clockRate: 90_000)
        var buffer: [UInt8] = []
        var (lost, repaired) = (0, 0)
        var last: Int64?
        var cycles: UInt32 = 0
        for number in 0..<200_000 {
            let now = start + .milliseconds(number)
            buffer.removeAll(keepingCapacity: true)
            let sequence = sender.writePacket(0, of: frame(number), at: now, to: &buffer)
            // the first and the last packet arrive, so that both sides count from the same to the same
            if number > 0, number < 199_999, random.below(100) < 3 {
                lost += 1
                buffer.removeAll(keepingCapacity: true)
                let outcome = sender.retransmission(of: sequence, at: now, to: &buffer)
                try #require(outcome == .appended)
                let packet = try #require(
                    RetransmissionPayload.unwrap(try RTPPacket(buffer[...]), ssrc: 7, payloadType: 102))
                #expect(packet.header.sequenceNumber == sequence)
                guard case .accepted = receiver.handle(packet, isRetransmission: true, at: now) else {
                    Issue.record("a repair at \(number)")
                    return
                }
                repaired += 1
            } else {
                let packet = try RTPPacket(buffer[...])
                guard case .accepted(let unwrapped) = receiver.handle(packet, at: now) else {
                    Issue.record("\(number) was not accepted")
                    return
                }
                if let last { try #require(unwrapped > last) }
                last = unwrapped
            }
            if number % 10_000 == 9999, let report = sender.senderReport(at: now) {
                #expect(report.packetCount == UInt32(number + 1) && report.octetCount == UInt32(2 * (number + 1)))
                receiver.handle(report, at: now + .milliseconds(30))
                guard let block = receiver.reportBlock(at: now + .milliseconds(40)) else { continue }
                sender.handle(block, at: now + .milliseconds(70))
                cycles = max(cycles, block.extendedHighestSequenceNumber >> 16)
            }
        }
        #expect(cycles == 3)
        #expect(receiver.statistics.packetsReceived == 200_000)
        #expect(receiver.statistics.retransmittedPacketsReceived == UInt64(repaired))
        #expect(receiver.statistics.packetsLost == Int64(lost), "RFC 4588 §6.3: repairs are not in the loss account")
        #expect(sender.remote.packetsLost == Int32(lost))
        #expect(sender.remote.packetsReceived == UInt64(200_000 - lost))
        let roundTrip = try #require(sender.remote.roundTripTime)
        #expect((Duration.milliseconds(59)...Duration.milliseconds(61)).contains(roundTrip))
        #expect(sender.statistics.framesSent == 200_000 && sender.statistics.keyFramesSent == 200_000)
    }

    @Test("A sender's history finds its packets on both sides of the wrap")
    func history() throws {
        var sender = RTPSender(
            ssrc: 7, payloadType: 102, clockRate: 90_000, rtx: .init(ssrc: 8, payloadType: 103),
            random: SeededRandomSource(seed: 9))
        var buffer: [UInt8] = []
        var number = 0
        while sender.nextSequenceNumber != 100 {
            buffer.removeAll(keepingCapacity: true)
            sender.writePacket(0, of: frame(number), at: start + .microseconds(number * 100), to: &buffer)
            number += 1
        }
        let now = start + .microseconds(number * 100)
        for back in 1...300 {
            buffer.removeAll(keepingCapacity: true)
            let wanted = sender.nextSequenceNumber + -back
            let outcome = sender.retransmission(of: wanted, at: now, to: &buffer)
            try #require(outcome == .appended)
            let packet = try #require(
                RetransmissionPayload.unwrap(try RTPPacket(buffer[...]), ssrc: 7, payloadType: 102))
            #expect(packet.header.sequenceNumber == wanted)
            #expect(packet.payload.first == UInt8(truncatingIfNeeded: number - back))
        }
    }

    @Test("Timestamps that wrap leave jitter, sender reports and access units alone")
    func timestamps() throws {
        var receiver = RTPReceiver(ssrc: 7, clockRate: 90_000)
        var assembler = AccessUnitAssembler(isRepaired: false)
        let first = RTPTimestamp(UInt32.max - 90_000)
        var units = 0
        for number in 0..<100 {
            let now = start + .milliseconds(40 * number)
            let header = RTPHeader(
                marker: true, payloadType: 102, sequenceNumber: SequenceNumber(truncating: Int64(65_500 + number)),
                timestamp: first + Int64(3600 * number), ssrc: 7)
            let packet = RTPPacket(header: header, payload: [0x65, 0x88, 2, 3])
            guard case .accepted(let sequence) = receiver.handle(packet, at: now) else {
                Issue.record("\(number) was not accepted")
                return
            }
            assembler.handle(packet, sequence: sequence, at: now)
            while let unit = assembler.nextAccessUnit() {
                #expect(unit.timestamp == header.timestamp)
                units += 1
            }
        }
        #expect(units == 100)
        #expect(receiver.statistics.jitter == .zero)
    }

    @Test("Transport-wide numbers are reported on over three wraps, each packet once")
    func transportSequence() throws {
        let random = SeededRandomSource(seed: 11)
        var recorder = TransportFeedbackRecorder()
        var reported = 0
        var expected = 0
        var next: UInt16 = 65_000
        var messages: UInt8 = 0
        for number in 0..<200_000 {
            let now = start + .milliseconds(number)
            if random.below(100) >= 5 || number == 0 {
                recorder.handle(next, at: now)
                expected += 1
            }
            next &+= 1
            guard number % 100 == 99 else { continue }
            while let feedback = recorder.feedback(sender: 1, media: 7) {
                #expect(feedback.feedbackPacketCount == messages)
                messages &+= 1
                var buffer: [UInt8] = []
                RTCPPacket.transportFeedback(feedback).write(to: &buffer)
                guard case .transportFeedback(let parsed)? = try RTCPPacket.parse(buffer[...]).first else {
                    Issue.record("no feedback at \(number)")
                    return
                }
                reported += parsed.arrivals.count
                let ages = parsed.arrivals.map { Int(next &- $0.sequenceNumber.rawValue) }
                #expect(ages.allSatisfy { (1...200).contains($0) })
            }
        }
        #expect(reported == expected)
    }
}

@Suite("What a stream accounts for")
struct StreamAccountTests {
    @Test("Header bytes are header, extension and padding, and of a repair its two bytes as well")
    func headerBytes() throws {
        var map = HeaderExtensionMap()
        map[.transportSequenceNumber] = 3
        map[.audioLevel] = 4
        var values = HeaderExtensionValues()
        values.transportSequenceNumber = 513
        values.audioLevel = AudioLevel(decibelsBelowOverload: 33, isVoice: true)
        var bytes: [UInt8] = []
        RTPHeader(marker: false, payloadType: 111, sequenceNumber: 1, timestamp: 0, ssrc: 5).write(
            to: &bytes, extensions: values, map: map)
        bytes += [1, 2, 3, 0, 0, 3]
        bytes[0] |= 0x20
        let packet = try RTPPacket(bytes[...])
        #expect(packet.payload == [1, 2, 3] && packet.headerBytes == 12 + 4 + 8 + 3)
        #expect(packet.transportSequenceNumber(map) == 513)
        #expect(packet.audioLevel(map) == AudioLevel(decibelsBelowOverload: 33, isVoice: true))
        #expect(packet.element(.mid, map) == nil && packet.transportSequenceNumber(HeaderExtensionMap()) == nil)

        let repair = try #require(RetransmissionPayload.unwrap(packet, ssrc: 6, payloadType: 96))
        #expect(repair.payload == [3] && repair.headerBytes == packet.headerBytes + 2)
        var receiver = RTPReceiver(ssrc: 5, clockRate: 48_000)
        _ = receiver.handle(packet, at: start)
        _ = receiver.handle(packet, at: start)
        #expect(receiver.statistics.headerBytesReceived == 27 && receiver.statistics.packetsDuplicated == 1)
    }

    @Test("A receiver that asks for everything again gets no more than was sent")
    func budget() {
        var sender = RTPSender(
            ssrc: 7, payloadType: 102, clockRate: 90_000, rtx: .init(ssrc: 8, payloadType: 103),
            random: SeededRandomSource(seed: 2))
        var buffer: [UInt8] = []
        let frame = PacketizedFrame(sound: [1], timestamp: 0, captured: start)
        let numbers = (0..<100).map { _ in sender.writePacket(0, of: frame, at: start, to: &buffer) }
        var outcomes: [RTPSender.RetransmissionOutcome: Int] = [:]
        for round in 1...3 {
            for number in numbers {
                let now = start + .milliseconds(100 * round)
                outcomes[sender.retransmission(of: number, at: now, to: &buffer), default: 0] += 1
            }
        }
        #expect(outcomes == [.appended: 116, .overBudget: 184])
        #expect(sender.statistics.retransmittedPacketsSent == 116)
    }
}
