import Wire

// RFC 3550 §6.4.1: every packet starts with
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|  count  |      PT       |   length in words, less one   |

extension RTCPPacket {
    /// The packet types (RFC 3550 §12.1, RFC 4585 §6.1).
    enum PacketType {
        static let senderReport: UInt8 = 200
        static let receiverReport: UInt8 = 201
        static let sourceDescription: UInt8 = 202
        static let goodbye: UInt8 = 203
        static let transportLayerFeedback: UInt8 = 205
        static let payloadSpecificFeedback: UInt8 = 206
    }

    /// The formats of feedback messages.
    enum FeedbackFormat {
        static let genericNACK: UInt8 = 1
        static let transportWide: UInt8 = 15
        static let pictureLossIndication: UInt8 = 1
        static let fullIntraRequest: UInt8 = 4
        static let applicationLayer: UInt8 = 15
    }

    /// Parses a (decrypted) datagram: a compound packet, or the reduced size that RFC 5506 allows.
    ///
    /// Framing that contradicts itself throws: nothing in such a datagram can be trusted. One packet with a wrong body
    /// or an unknown type is passed over and the others count (RFC 3550 §6.1: "…should simply be ignored").
    public static func parse(_ datagram: ArraySlice<UInt8>) throws(RTCPError) -> [RTCPPacket] {
        guard datagram.count >= 4 else { throw .truncated }
        var packets: [RTCPPacket] = []
        var rest = datagram
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw .truncated }
            let start = rest.startIndex
            let first = rest[start]
            let packetType = rest[start + 1]
            guard first >> 6 == 2 else { throw .version }
            let length = 4 * (Int(rest[start + 2]) << 8 | Int(rest[start + 3]))
            guard rest.count >= 4 + length else { throw .truncated }
            var body = rest[(start + 4)..<(start + 4 + length)]
            rest = rest[body.endIndex...]
            if first & 0x20 != 0 {
                // §6.4.1: only the last packet of a compound may be padded. The rule that padding is a multiple of four is
                // not held against anybody: browsers fill transport-wide feedback up to a word and count just that.
                guard rest.isEmpty, let padding = body.last, padding > 0, Int(padding) <= body.count
                else { throw .padding }
                body = body.dropLast(Int(padding))
            }
            packets.append(packet(type: packetType, format: first & 0x1F, body: body))
        }
        return packets
    }

    private static func packet(type: UInt8, format: UInt8, body: ArraySlice<UInt8>) -> RTCPPacket {
        var reader = ByteReader(body)
        do throws(ByteReader.Truncated) {
            switch (type, format) {
            case (PacketType.senderReport, _):
                return .senderReport(try SenderReport(&reader, count: format))
            case (PacketType.receiverReport, _):
                return .receiverReport(
                    ReceiverReport(
                        ssrc: SSRC(try reader.uint32()), reportBlocks: try ReportBlock.list(&reader, count: format)))
            case (PacketType.sourceDescription, _):
                return .sourceDescription(try SourceDescription(&reader, count: format))
            case (PacketType.goodbye, _):
                return .goodbye(try Goodbye(&reader, count: format))
            case (PacketType.transportLayerFeedback, FeedbackFormat.genericNACK):
                return .nack(try GenericNACK(&reader))
            case (PacketType.transportLayerFeedback, FeedbackFormat.transportWide):
                guard let feedback = try TransportFeedback(&reader) else {
                    return .skipped(packetType: type, format: format, isMalformed: true)
                }
                return .transportFeedback(feedback)
            case (PacketType.payloadSpecificFeedback, FeedbackFormat.pictureLossIndication):
                return .pictureLossIndication(sender: SSRC(try reader.uint32()), media: SSRC(try reader.uint32()))
            case (PacketType.payloadSpecificFeedback, FeedbackFormat.fullIntraRequest):
                return .fullIntraRequest(try FullIntraRequest(&reader))
            case (PacketType.payloadSpecificFeedback, FeedbackFormat.applicationLayer):
                if let estimate = try ReceiverEstimatedMaximumBitrate(&reader) {
                    return .receiverEstimatedMaximumBitrate(estimate)
                }
                return .skipped(packetType: type, format: format, isMalformed: false)
            default:
                return .skipped(packetType: type, format: format, isMalformed: false)
            }
        } catch {
            return .skipped(packetType: type, format: format, isMalformed: true)
        }
    }
}

extension ReportBlock {
    fileprivate static func list(_ reader: inout ByteReader, count: UInt8) throws(ByteReader.Truncated)
        -> [ReportBlock]
    {
        var blocks: [ReportBlock] = []
        for _ in 0..<count {
            let ssrc = SSRC(try reader.uint32())
            let fractionLost = try reader.uint8()
            let lost = Int32(bitPattern: try reader.uint24() << 8) >> 8  // a sign in 24 bits
            blocks.append(
                ReportBlock(
                    ssrc: ssrc, fractionLost: fractionLost, cumulativeLost: lost,
                    extendedHighestSequenceNumber: try reader.uint32(), jitter: try reader.uint32(),
                    lastSenderReport: try reader.uint32(), delaySinceLastSenderReport: try reader.uint32()))
        }
        return blocks
    }
}

extension SenderReport {
    fileprivate init(_ reader: inout ByteReader, count: UInt8) throws(ByteReader.Truncated) {
        self.init(
            ssrc: SSRC(try reader.uint32()), ntpTime: NTPTime(rawValue: try reader.uint64()),
            timestamp: RTPTimestamp(try reader.uint32()), packetCount: try reader.uint32(),
            octetCount: try reader.uint32(), reportBlocks: try ReportBlock.list(&reader, count: count))
    }
}

extension SourceDescription {
    /// The item type that ends a chunk's list, and that of the canonical name (RFC 3550 §6.5).
    enum ItemType {
        static let end: UInt8 = 0
        static let canonicalName: UInt8 = 1
    }

    fileprivate init(_ reader: inout ByteReader, count: UInt8) throws(ByteReader.Truncated) {
        chunks = []
        for _ in 0..<count {
            let start = reader.position
            let ssrc = SSRC(try reader.uint32())
            var name: String?
            while true {
                let type = try reader.uint8()
                guard type != ItemType.end else { break }
                let text = try reader.slice(Int(try reader.uint8()))
                if type == ItemType.canonicalName { name = String(validating: text, as: UTF8.self) }
            }
            // §6.5: the null octets fill the chunk up to the next 32-bit boundary.
            while (reader.position - start) & 3 != 0 { try reader.skip(1) }
            chunks.append(Chunk(ssrc: ssrc, canonicalName: name))
        }
    }
}

extension Goodbye {
    fileprivate init(_ reader: inout ByteReader, count: UInt8) throws(ByteReader.Truncated) {
        sources = []
        for _ in 0..<count { sources.append(SSRC(try reader.uint32())) }
        guard !reader.isAtEnd else { return }
        reason = String(validating: try reader.slice(Int(try reader.uint8())), as: UTF8.self)
    }
}

extension GenericNACK {
    fileprivate init(_ reader: inout ByteReader) throws(ByteReader.Truncated) {
        sender = SSRC(try reader.uint32())
        media = SSRC(try reader.uint32())
        sequenceNumbers = []
        while !reader.isAtEnd {
            // §6.2.1: a packet identifier and a bitmask of the 16 packets after it.
            let first = SequenceNumber(try reader.uint16())
            let following = try reader.uint16()
            sequenceNumbers.append(first)
            for bit in 0..<16 where following >> bit & 1 != 0 { sequenceNumbers.append(first + (bit + 1)) }
        }
    }
}

extension FullIntraRequest {
    fileprivate init(_ reader: inout ByteReader) throws(ByteReader.Truncated) {
        sender = SSRC(try reader.uint32())
        _ = try reader.uint32()  // §4.3.1.1: the media source "is not used and SHALL be set to 0"
        entries = []
        while !reader.isAtEnd {
            let ssrc = SSRC(try reader.uint32())
            entries.append(Entry(ssrc: ssrc, sequenceNumber: try reader.uint8()))
            try reader.skip(3)
        }
    }
}

extension ReceiverEstimatedMaximumBitrate {
    /// `REMB`
    static let identifier: UInt32 = 0x5245_4D42

    /// Nil for another application's feedback.
    fileprivate init?(_ reader: inout ByteReader) throws(ByteReader.Truncated) {
        sender = SSRC(try reader.uint32())
        _ = try reader.uint32()
        guard try reader.uint32() == Self.identifier else { return nil }
        let count = try reader.uint8()
        let bits = try reader.uint24()
        let exponent = UInt64(bits >> 18)
        let mantissa = UInt64(bits & 0x3_FFFF)
        let (value, overflow) = mantissa.multipliedReportingOverflow(by: 1 << exponent)
        bitsPerSecond = overflow ? .max : value
        sources = []
        for _ in 0..<count { sources.append(SSRC(try reader.uint32())) }
    }
}
