import RTP
import Testing
import Wire

@Suite("Transport-wide feedback")
struct TransportFeedbackTests {
    private func parse(_ body: [UInt8]) throws -> RTCPPacket {
        var bytes: [UInt8] = [0x8F, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2] + body
        while bytes.count % 4 != 0 { bytes.append(0) }
        bytes[2] = UInt8((bytes.count / 4 - 1) >> 8)
        bytes[3] = UInt8(truncatingIfNeeded: bytes.count / 4 - 1)
        return try RTCPPacket.parse(bytes[...])[0]
    }

    @Test("§3.1.2 to §3.1.5: run length, one-bit and two-bit vectors, small, large and negative deltas")
    func chunksAndDeltas() throws {
        let packet = try parse([
            0xFF, 0xFE, 0, 12, 0x00, 0x00, 0x01, 7,  // base 65534, 12 packets, 64 ms, the seventh message
            0x20, 0x02,  // two received with small deltas
            0xD8, 0x00,  // two-bit vector: small, large, and five missing
            0xA8, 0x00,  // one-bit vector: received first and third
            4, 8, 0, 0xFF, 0xFE, 1, 255,
        ])
        guard case .transportFeedback(let feedback) = packet else {
            Issue.record("\(packet)")
            return
        }
        #expect(feedback.baseSequenceNumber == 65534)
        #expect(feedback.statusCount == 12)
        #expect(feedback.feedbackPacketCount == 7)
        #expect(
            feedback.arrivals == [
                .init(sequenceNumber: 65534, ticks: 260), .init(sequenceNumber: 65535, ticks: 268),
                .init(sequenceNumber: 0, ticks: 268), .init(sequenceNumber: 1, ticks: 266),
                .init(sequenceNumber: 7, ticks: 267), .init(sequenceNumber: 9, ticks: 522),
            ])
    }

    @Test("A message of a few bytes that states the loss of 65535 packets costs nothing")
    func massiveLoss() throws {
        var body: [UInt8] = [0, 0, 0xFF, 0xFF, 0, 0, 0, 0]
        for _ in 0..<9 { body += [0x1F, 0xFF] }
        guard case .transportFeedback(let feedback) = try parse(body) else {
            Issue.record("not feedback")
            return
        }
        #expect(feedback.statusCount == 65535)
        #expect(feedback.arrivals.isEmpty)
    }

    @Test("Chunks that state more arrivals than there are deltas, empty runs and missing chunks are malformed")
    func malformed() throws {
        let broken: [[UInt8]] = [
            [0, 0, 0x1F, 0xFF, 0, 0, 0, 0, 0x3F, 0xFF, 1, 2],
            [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 50, 0, 0, 0, 0, 0x20, 1],
            [0, 0],
        ]
        for body in broken {
            #expect(try parse(body) == .skipped(packetType: 205, format: 15, isMalformed: true))
        }
    }

    @Test("What a recorder saw comes back through its messages, whatever was lost and reordered", arguments: 0..<40)
    func recorderRoundTrip(seed: Int) throws {
        let random = SeededRandomSource(seed: UInt64(seed))
        var recorder = TransportFeedbackRecorder()
        var number = Int64(random.below(65536))
        var now = Instant(nanoseconds: Int64(random.below(1 << 50)))
        var expected: [UInt16: UInt32] = [:]
        var reported: [UInt16: UInt32] = [:]
        var lastCount: UInt8?
        let lossOf100 = random.below(60)
        for _ in 0..<20 {
            var pending: [UInt16] = []
            for _ in 0..<random.below(120) {
                number += 1
                if random.below(100) >= lossOf100 { pending.append(UInt16(truncatingIfNeeded: number)) }
            }
            for index in pending.indices where index > 0 && random.below(10) == 0 { pending.swapAt(index, index - 1) }
            if random.below(8) == 0 { now += .seconds(10) }
            for sequence in pending {
                now += .microseconds(random.below(random.below(6) == 0 ? 200_000 : 3_000))
                recorder.handle(sequence, at: now)
                if random.below(20) == 0 { recorder.handle(sequence, at: now + .milliseconds(1)) }
                expected[sequence] = UInt32(truncatingIfNeeded: now.nanoseconds / 250_000)
            }
            while let feedback = recorder.feedback(sender: 1, media: 2) {
                var bytes: [UInt8] = []
                RTCPPacket.transportFeedback(feedback).write(to: &bytes)
                #expect(bytes.count <= 1200)
                guard case .transportFeedback(let parsed) = try RTCPPacket.parse(bytes[...])[0] else {
                    Issue.record("not feedback")
                    return
                }
                #expect(parsed == feedback)
                if let lastCount { #expect(parsed.feedbackPacketCount == lastCount &+ 1) }
                lastCount = parsed.feedbackPacketCount
                for arrival in parsed.arrivals { reported[arrival.sequenceNumber.rawValue] = arrival.ticks }
            }
        }
        // A packet reordered before the very first one of the stream is not reported.
        #expect(expected.count - reported.count <= 1)
        for (sequence, ticks) in reported { #expect(expected[sequence] == ticks) }
    }
}
