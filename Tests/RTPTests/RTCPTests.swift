import RTP
import Testing
import Wire

@Suite("RTCP")
struct RTCPTests {
    private static let block = ReportBlock(
        ssrc: 0x0102_0304, fractionLost: 64, cumulativeLost: -3, extendedHighestSequenceNumber: 0x0001_FFFE, jitter: 77,
        lastSenderReport: 0xB705_2000, delaySinceLastSenderReport: 0x0005_4000)

    private static let samples: [RTCPPacket] = [
        .senderReport(
            SenderReport(
                ssrc: 1, ntpTime: NTPTime(rawValue: 0xB44D_B705_2000_0000), timestamp: 3, packetCount: 4,
                octetCount: 5, reportBlocks: [block, block])),
        .receiverReport(ReceiverReport(ssrc: 1, reportBlocks: [block])),
        .receiverReport(ReceiverReport(ssrc: 1, reportBlocks: [])),
        .sourceDescription(
            SourceDescription(chunks: [
                .init(ssrc: 1, canonicalName: "door@würth"), .init(ssrc: 2, canonicalName: nil),
                .init(ssrc: 3, canonicalName: "ab"),
            ])),
        .goodbye(Goodbye(sources: [1, 2])),
        .goodbye(Goodbye(sources: [1], reason: "camera unplugged")),
        .nack(GenericNACK(sender: 1, media: 2, sequenceNumbers: [65534, 65535, 3, 14, 500])),
        .pictureLossIndication(sender: 1, media: 2),
        .fullIntraRequest(
            FullIntraRequest(
                sender: 1, entries: [.init(ssrc: 2, sequenceNumber: 9), .init(ssrc: 3, sequenceNumber: 255)])),
        .receiverEstimatedMaximumBitrate(
            ReceiverEstimatedMaximumBitrate(sender: 1, bitsPerSecond: 0x3_FFFF << 10, sources: [7, 8])),
    ]

    @Test("Every kind of packet comes back from its bytes", arguments: samples)
    func roundTrip(packet: RTCPPacket) throws {
        // An odd offset in the buffer must not disturb the padding to words.
        var bytes: [UInt8] = [1, 2, 3]
        packet.write(to: &bytes)
        #expect((bytes.count - 3) % 4 == 0)
        #expect(try RTCPPacket.parse(bytes[3...]) == [packet])
    }

    @Test("RFC 3550 §6.1: a compound packet comes apart in order")
    func compound() throws {
        var bytes: [UInt8] = []
        for packet in Self.samples { packet.write(to: &bytes) }
        #expect(try RTCPPacket.parse(bytes[...]) == Self.samples)
    }

    @Test("RFC 4585 §6.1: the bytes of a picture loss indication")
    func pictureLossIndicationBytes() {
        var bytes: [UInt8] = []
        RTCPPacket.pictureLossIndication(sender: 0x0102_0304, media: 0x0506_0708).write(to: &bytes)
        #expect(bytes == [0x81, 206, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test("RFC 4585 §6.2.1: bit i of the mask stands for the packet i + 1 after the first, over the wrap")
    func nackBits() throws {
        let bytes: [UInt8] = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0x80, 0x01]
        let nack = GenericNACK(sender: 1, media: 2, sequenceNumbers: [65535, 0, 15])
        #expect(try RTCPPacket.parse(bytes[...]) == [.nack(nack)])
        var written: [UInt8] = []
        RTCPPacket.nack(nack).write(to: &written)
        #expect(written == bytes)
    }

    @Test("draft-alvestrand-rmcat-remb-03 §2.2: mantissa and exponent, saturating")
    func estimatedBitrate() throws {
        // 6 bits of exponent 3, 18 of mantissa 0x3FFFF.
        let bytes: [UInt8] = [
            0x8F, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4D, 0x42, 1, 0x0F, 0xFF, 0xFF, 0, 0, 0, 9,
        ]
        let expected = ReceiverEstimatedMaximumBitrate(sender: 1, bitsPerSecond: 0x3_FFFF * 8, sources: [9])
        #expect(try RTCPPacket.parse(bytes[...]) == [.receiverEstimatedMaximumBitrate(expected)])
        var huge = bytes
        huge[17] = 0xFF
        guard case .receiverEstimatedMaximumBitrate(let estimate) = try RTCPPacket.parse(huge[...])[0] else {
            Issue.record("not an estimate")
            return
        }
        #expect(estimate.bitsPerSecond == .max)
    }

    @Test("RFC 3550 §6.4.1: the cumulative loss has a sign in 24 bits and is limited to them")
    func cumulativeLoss() throws {
        for (lost, expected) in [(-8_388_608, -8_388_608), (8_388_607, 8_388_607), (99_999_999, 8_388_607)] {
            var block = Self.block
            block.cumulativeLost = Int32(lost)
            var bytes: [UInt8] = []
            RTCPPacket.receiverReport(ReceiverReport(ssrc: 1, reportBlocks: [block])).write(to: &bytes)
            guard case .receiverReport(let report) = try RTCPPacket.parse(bytes[...])[0] else {
                Issue.record("not a report")
                return
            }
            #expect(report.reportBlocks[0].cumulativeLost == Int32(expected))
        }
    }

    @Test("RFC 3550 §6.4.1: padding is allowed in the last packet only")
    func padding() throws {
        var bytes: [UInt8] = []
        RTCPPacket.pictureLossIndication(sender: 1, media: 2).write(to: &bytes)
        var padded = bytes + [0, 0, 0, 4]
        padded[0] |= 0x20
        padded[3] = 3
        #expect(try RTCPPacket.parse((bytes + padded)[...]).count == 2)
        #expect(throws: RTCPError.padding) { try RTCPPacket.parse((padded + bytes)[...]) }
        padded[15] = 0
        #expect(throws: RTCPError.padding) { try RTCPPacket.parse(padded[...]) }
        padded[15] = 16
        #expect(throws: RTCPError.padding) { try RTCPPacket.parse(padded[...]) }
    }

    @Test("Transport-wide feedback is taken as browsers pad it: up to the next word and no further")
    func paddedFeedback() throws {
        // from Firefox 153
        let bytes: [UInt8] = [
            175, 205, 0, 6, 159, 35, 72, 217, 169, 176, 42, 126, 0, 12, 0, 4, 0, 16, 112, 2, 32, 4, 243, 42, 38, 69, 0,
            2,
        ]
        guard case .transportFeedback(let feedback) = try #require(try RTCPPacket.parse(bytes[...]).first) else {
            Issue.record("no feedback")
            return
        }
        #expect(feedback.statusCount == 4)
    }

    @Test("A length beyond the datagram and another version are errors")
    func framing() {
        #expect(throws: RTCPError.truncated) { try RTCPPacket.parse([]) }
        #expect(throws: RTCPError.truncated) { try RTCPPacket.parse([0x81, 206, 0]) }
        #expect(throws: RTCPError.truncated) { try RTCPPacket.parse([0x81, 206, 0, 2, 0, 0, 0, 1]) }
        #expect(throws: RTCPError.version) { try RTCPPacket.parse([0x41, 206, 0, 0]) }
    }

    @Test("Unknown types and malformed bodies are passed over, and the others count")
    func skipped() throws {
        var bytes: [UInt8] = [0x80, 204, 0, 1, 1, 2, 3, 4]  // APP
        bytes += [0x82, 201, 0, 1, 0, 0, 0, 1]  // claims two report blocks and has none
        RTCPPacket.pictureLossIndication(sender: 1, media: 2).write(to: &bytes)
        #expect(
            try RTCPPacket.parse(bytes[...]) == [
                .skipped(packetType: 204, format: 0, isMalformed: false),
                .skipped(packetType: 201, format: 2, isMalformed: true),
                .pictureLossIndication(sender: 1, media: 2),
            ])
    }

    @Test("RFC 5761 §4: second bytes 192 to 223 are RTCP")
    func demultiplexing() {
        for second in UInt8.min...UInt8.max {
            #expect(RTCPPacket.isRTCP([0x80, second, 0, 0]) == (192...223).contains(second))
        }
        #expect(!RTCPPacket.isRTCP([0x00, 200]))
        #expect(!RTCPPacket.isRTCP([0x80]))
        #expect(!RTCPPacket.isRTCP([UInt8]()))
    }

    @Test("RFC 3550 §6.1: a report is a sender or receiver report, then the CNAME; blocks beyond 31 follow")
    func report() throws {
        var bytes: [UInt8] = []
        let blocks = [ReportBlock](repeating: Self.block, count: 70)
        let sender = SenderReport(
            ssrc: 5, ntpTime: NTPTime(rawValue: 1), timestamp: 2, packetCount: 3, octetCount: 4)
        RTCPPacket.writeReport(
            senderReport: sender, ssrc: 9, reportBlocks: blocks, canonicalName: "door", to: &bytes)
        var withBlocks = sender
        withBlocks.reportBlocks = Array(blocks.prefix(31))
        #expect(
            try RTCPPacket.parse(bytes[...]) == [
                .senderReport(withBlocks),
                .receiverReport(ReceiverReport(ssrc: 5, reportBlocks: Array(blocks.prefix(31)))),
                .receiverReport(ReceiverReport(ssrc: 5, reportBlocks: Array(blocks.prefix(8)))),
                .sourceDescription(SourceDescription(chunks: [.init(ssrc: 5, canonicalName: "door")])),
            ])

        bytes = []
        RTCPPacket.writeReport(senderReport: nil, ssrc: 9, reportBlocks: [], canonicalName: "door", to: &bytes)
        #expect(
            try RTCPPacket.parse(bytes[...]) == [
                .receiverReport(ReceiverReport(ssrc: 9, reportBlocks: [])),
                .sourceDescription(SourceDescription(chunks: [.init(ssrc: 9, canonicalName: "door")])),
            ])
    }

    @Test("A name longer than an item holds is cut between characters")
    func longNames() throws {
        var bytes: [UInt8] = []
        let name = String(repeating: "ü", count: 200)
        RTCPPacket.sourceDescription(SourceDescription(chunks: [.init(ssrc: 1, canonicalName: name)])).write(to: &bytes)
        let expected = SourceDescription(chunks: [.init(ssrc: 1, canonicalName: String(repeating: "ü", count: 127))])
        #expect(try RTCPPacket.parse(bytes[...]) == [.sourceDescription(expected)])
    }
}
