import Wire

extension RTCPPacket {
    /// Appends the packet. A `skipped` one has no bytes. Lists longer than a packet's count holds are cut to it.
    public func write(to buffer: inout [UInt8]) {
        switch self {
        case .senderReport(let report):
            buffer.appendRTCP(type: PacketType.senderReport, format: min(report.reportBlocks.count, 31)) { buffer in
                buffer.append(uint32: report.ssrc.rawValue)
                buffer.append(uint64: report.ntpTime.rawValue)
                buffer.append(uint32: report.timestamp.rawValue)
                buffer.append(uint32: report.packetCount)
                buffer.append(uint32: report.octetCount)
                for block in report.reportBlocks.prefix(31) { block.write(to: &buffer) }
            }
        case .receiverReport(let report):
            buffer.appendRTCP(type: PacketType.receiverReport, format: min(report.reportBlocks.count, 31)) { buffer in
                buffer.append(uint32: report.ssrc.rawValue)
                for block in report.reportBlocks.prefix(31) { block.write(to: &buffer) }
            }
        case .sourceDescription(let description):
            buffer.appendRTCP(type: PacketType.sourceDescription, format: min(description.chunks.count, 31)) { buffer in
                for chunk in description.chunks.prefix(31) { chunk.write(to: &buffer) }
            }
        case .goodbye(let goodbye):
            buffer.appendRTCP(type: PacketType.goodbye, format: min(goodbye.sources.count, 31)) { buffer in
                for source in goodbye.sources.prefix(31) { buffer.append(uint32: source.rawValue) }
                if let reason = goodbye.reason { buffer.append(text: reason) }
            }
        case .nack(let nack):
            buffer.appendRTCP(type: PacketType.transportLayerFeedback, format: Int(FeedbackFormat.genericNACK)) {
                $0.append(uint32: nack.sender.rawValue)
                $0.append(uint32: nack.media.rawValue)
                nack.writeEntries(to: &$0)
            }
        case .pictureLossIndication(let sender, let media):
            buffer.appendRTCP(
                type: PacketType.payloadSpecificFeedback, format: Int(FeedbackFormat.pictureLossIndication)
            ) {
                $0.append(uint32: sender.rawValue)
                $0.append(uint32: media.rawValue)
            }
        case .fullIntraRequest(let request):
            buffer.appendRTCP(type: PacketType.payloadSpecificFeedback, format: Int(FeedbackFormat.fullIntraRequest)) {
                $0.append(uint32: request.sender.rawValue)
                $0.append(uint32: 0)
                for entry in request.entries {
                    $0.append(uint32: entry.ssrc.rawValue)
                    $0.append(entry.sequenceNumber)
                    $0.append(uint24: 0)
                }
            }
        case .receiverEstimatedMaximumBitrate(let estimate):
            buffer.appendRTCP(type: PacketType.payloadSpecificFeedback, format: Int(FeedbackFormat.applicationLayer)) {
                estimate.write(to: &$0)
            }
        case .transportFeedback(let feedback):
            buffer.appendRTCP(type: PacketType.transportLayerFeedback, format: Int(FeedbackFormat.transportWide)) {
                feedback.write(to: &$0)
            }
        case .skipped:
            break
        }
    }

    /// Appends the compound packet that RFC 3550 §6.1 asks for at the start of every regular report: a sender report
    /// where `senderReport` is given, else a receiver report by `ssrc`; then the CNAME. Blocks beyond 31 go into
    /// further receiver reports.
    public static func writeReport(
        senderReport: SenderReport?, ssrc: SSRC, reportBlocks: [ReportBlock], canonicalName: String,
        to buffer: inout [UInt8]
    ) {
        var rest = reportBlocks[...]
        if var report = senderReport {
            report.reportBlocks = Array(rest.prefix(31))
            RTCPPacket.senderReport(report).write(to: &buffer)
        } else {
            RTCPPacket.receiverReport(ReceiverReport(ssrc: ssrc, reportBlocks: Array(rest.prefix(31)))).write(
                to: &buffer)
        }
        rest = rest.dropFirst(31)
        let source = senderReport?.ssrc ?? ssrc
        while !rest.isEmpty {
            RTCPPacket.receiverReport(ReceiverReport(ssrc: source, reportBlocks: Array(rest.prefix(31)))).write(
                to: &buffer)
            rest = rest.dropFirst(31)
        }
        let chunk = SourceDescription.Chunk(ssrc: source, canonicalName: canonicalName)
        RTCPPacket.sourceDescription(SourceDescription(chunks: [chunk])).write(to: &buffer)
    }
}

extension [UInt8] {
    /// Appends a packet's header and the body that `write` appends, filled up with zeros to whole words.
    fileprivate mutating func appendRTCP(type: UInt8, format: Int, _ write: (inout [UInt8]) -> Void) {
        let start = count
        append(0x80 | UInt8(format))
        append(type)
        append(uint16: 0)
        write(&self)
        while (count - start) & 3 != 0 { append(0) }
        set(uint16: UInt16(truncatingIfNeeded: (count - start) / 4 - 1), at: start + 2)
    }

    /// Appends a length byte and at most 255 bytes of `text`, cut between characters.
    fileprivate mutating func append(text: String) {
        var cut = text[...]
        while cut.utf8.count > 255 { cut.removeLast() }
        append(UInt8(cut.utf8.count))
        append(contentsOf: cut.utf8)
    }
}

extension ReportBlock {
    fileprivate func write(to buffer: inout [UInt8]) {
        buffer.append(uint32: ssrc.rawValue)
        buffer.append(fractionLost)
        buffer.append(uint24: UInt32(bitPattern: min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)))
        buffer.append(uint32: extendedHighestSequenceNumber)
        buffer.append(uint32: jitter)
        buffer.append(uint32: lastSenderReport)
        buffer.append(uint32: delaySinceLastSenderReport)
    }
}

extension SourceDescription.Chunk {
    fileprivate func write(to buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(uint32: ssrc.rawValue)
        if let canonicalName {
            buffer.append(SourceDescription.ItemType.canonicalName)
            buffer.append(text: canonicalName)
        }
        // RFC 3550 §6.5: "the list of items … MUST be terminated by one or more null octets", up to the boundary.
        repeat { buffer.append(SourceDescription.ItemType.end) } while (buffer.count - start) & 3 != 0
    }
}

extension GenericNACK {
    fileprivate func writeEntries(to buffer: inout [UInt8]) {
        var index = 0
        while index < sequenceNumbers.count {
            let first = sequenceNumbers[index]
            var following: UInt16 = 0
            index += 1
            while index < sequenceNumbers.count {
                let distance = first.distance(to: sequenceNumbers[index])
                guard (1...16).contains(distance) else { break }
                following |= 1 << (distance - 1)
                index += 1
            }
            buffer.append(uint16: first.rawValue)
            buffer.append(uint16: following)
        }
    }
}

extension ReceiverEstimatedMaximumBitrate {
    fileprivate func write(to buffer: inout [UInt8]) {
        buffer.append(uint32: sender.rawValue)
        buffer.append(uint32: 0)
        buffer.append(uint32: Self.identifier)
        buffer.append(UInt8(min(sources.count, 255)))
        let exponent = max(0, UInt64.bitWidth - 18 - bitsPerSecond.leadingZeroBitCount)
        buffer.append(uint24: UInt32(exponent) << 18 | UInt32(bitsPerSecond >> exponent))
        for source in sources.prefix(255) { buffer.append(uint32: source.rawValue) }
    }
}
