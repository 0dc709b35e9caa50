import ICE
import RTP
import SDP
import SRTP
import Wire

/// Media and reports that arrive.
extension RTCPeerConnection {
    /// Takes an SRTP or SRTCP packet that came by the `index`th transport; true where it was authentic.
    mutating func receiveMedia(_ bytes: [UInt8], by index: Int, at now: Instant) -> Bool {
        guard let srtpReceiver = transports[index].srtpReceiver else {
            discard(.noKeys)
            return false
        }
        var packet = bytes
        do throws(SRTPError) {
            if RTCPPacket.isRTCP(bytes) {
                try srtpReceiver.unprotectRTCP(&packet)
                receiveRTCP(packet, at: now)
            } else {
                try srtpReceiver.unprotectRTP(&packet)
                receiveRTP(packet, by: transports[index].id, at: now)
            }
            return true
        } catch {
            discard(.srtp)
            return false
        }
    }

    private mutating func receiveRTP(_ bytes: [UInt8], by transport: PeerTransport.ID, at now: Instant) {
        guard let packet = try? RTPPacket(bytes[...]) else { return discard(.malformed) }
        let ssrc = packet.header.ssrc
        if isOurs(ssrc), resolveConflict(over: ssrc, at: now) == .loop { return discard(.loop) }
        if media.streams[ssrc] == nil {
            if repair(packet, by: transport, at: now) { return }
            guard let incoming = findIncoming(for: packet, by: transport),
                incoming.payloadType == packet.header.payloadType.rawValue
            else { return discard(.unknownStream) }
            openStream(ssrc, for: incoming, isSignalled: false)
        }
        guard let index = media.streams.index(forKey: ssrc) else { return discard(.unknownStream) }
        let incoming = media.streams.values[index].incoming
        guard incoming.transport == transport, incoming.payloadType == packet.header.payloadType.rawValue else {
            return discard(.unknownStream)
        }
        noteArrival(of: packet, as: incoming, at: now)
        deliver(packet, to: index, isRetransmission: false, at: now)
    }

    /// Takes a packet of a retransmission stream (RFC 4588 §4); false where it is none.
    private mutating func repair(_ packet: RTPPacket, by transport: PeerTransport.ID, at now: Instant) -> Bool {
        let ssrc = packet.header.ssrc
        if media.repairs[ssrc] == nil { associate(packet, by: transport) }
        guard let original = media.repairs[ssrc]?.original, let index = media.streams.index(forKey: original) else {
            return false
        }
        let incoming = media.streams.values[index].incoming
        guard incoming.transport == transport, packet.header.payloadType.rawValue == incoming.rtxPayloadType,
            let payloadType = PayloadType(exactly: Int(incoming.payloadType))
        else {
            discard(.unknownStream)
            return true
        }
        noteArrival(of: packet, as: incoming, at: now)
        if let unwrapped = RetransmissionPayload.unwrap(packet, ssrc: original, payloadType: payloadType) {
            deliver(unwrapped, to: index, isRetransmission: true, at: now)
        }
        return true
    }

    /// RFC 4588 §5.3: a retransmission stream that no description named belongs to the stream of which something is
    /// missing; where the media description has just one, to that.
    private mutating func associate(_ packet: RTPPacket, by transport: PeerTransport.ID) {
        let payloadType = packet.header.payloadType.rawValue
        guard media.repairs.count < MediaStreams.streamLimit else { return }
        let originals = media.streams.filter { _, stream in
            stream.incoming.transport == transport && stream.incoming.rtxPayloadType == payloadType
        }
        guard originals.count == 1, let (ssrc, stream) = originals.first else { return }
        media.repairs[packet.header.ssrc] = .init(transceiver: stream.incoming.transceiver, original: ssrc)
    }

    /// Makes the stream of the source `ssrc` belong to `incoming`: a new one where there is room for it, else the one
    /// that is known.
    mutating func openStream(_ ssrc: SSRC, for incoming: MediaStreams.Incoming, isSignalled: Bool) {
        guard media.streams[ssrc] != nil || media.streams.count < MediaStreams.streamLimit else { return }
        let known = media.streams[ssrc].flatMap { $0.incoming.clockRate == incoming.clockRate ? $0 : nil }
        var stream =
            known
            ?? MediaStreams.Stream(
                incoming: incoming, isSignalled: isSignalled,
                receiver: RTPReceiver(ssrc: ssrc, clockRate: incoming.clockRate))
        stream.incoming = incoming
        stream.isSignalled = isSignalled
        stream.nack = incoming.wantsNACK ? known?.nack ?? NACKGenerator() : nil
        if incoming.kind == .video, stream.assembler == nil {
            stream.assembler = AccessUnitAssembler(isRepaired: incoming.wantsNACK)
        }
        media.streams[ssrc] = stream
    }

    /// RFC 9143 §9.2: a source that was not signalled belongs to the media description that its MID names, else to the
    /// one with its payload type, if there is just one.
    private func findIncoming(for packet: RTPPacket, by transport: PeerTransport.ID) -> MediaStreams.Incoming? {
        let incoming = media.incoming.filter { $0.transport == transport }
        if let mid = packet.element(.mid, media.incomingExtensions), !mid.isEmpty {
            return incoming.first { $0.mid.map { mid.elementsEqual($0.utf8) } ?? false }
        }
        let matching = incoming.filter { $0.payloadType == packet.header.payloadType.rawValue }
        return matching.count == 1 ? matching[0] : nil
    }

    private mutating func deliver(
        _ packet: RTPPacket, to index: Dictionary<SSRC, MediaStreams.Stream>.Index, isRetransmission: Bool,
        at now: Instant
    ) {
        let transceiver = media.streams.values[index].incoming.transceiver
        let arrival = media.streams.values[index].receiver.handle(
            packet, isRetransmission: isRetransmission, at: now)
        switch arrival {
        case .accepted(let sequence):
            media.streams.values[index].note(packet, sequence: sequence, media.incomingExtensions, at: now)
            events.append(.packet(transceiver, packet, sequence: sequence))
            media.streams.values[index].assembler?.handle(packet, sequence: sequence, at: now)
        case .restarted(let sequence):
            media.streams.values[index].restart()
            events.append(.packet(transceiver, packet, sequence: sequence))
            media.streams.values[index].assembler?.handle(packet, sequence: sequence, at: now)
        case .duplicate, .unproven:
            return
        }
        follow(index, at: now)
    }

    // MARK: Reports

    private mutating func receiveRTCP(_ bytes: [UInt8], at now: Instant) {
        guard let packets = try? RTCPPacket.parse(bytes[...]) else { return discard(.malformed) }
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                if isOurs(report.ssrc), resolveConflict(over: report.ssrc, at: now) == .loop { discard(.loop) }
                media.streams[report.ssrc]?.receiver.handle(report, at: now)
                take(report.reportBlocks, at: now)
            case .receiverReport(let report):
                take(report.reportBlocks, at: now)
            case .nack(let nack):
                retransmit(nack, at: now)
            case .pictureLossIndication(_, let ssrc):
                takePictureLoss(of: ssrc, at: now)
            case .fullIntraRequest(let request):
                take(request, at: now)
            case .goodbye(let goodbye):
                for ssrc in goodbye.sources {
                    media.streams[ssrc] = nil
                    media.repairs[ssrc] = nil
                }
            case .receiverEstimatedMaximumBitrate(let estimate):
                take(estimate, at: now)
                events.append(.receiverEstimatedMaximumBitrate(estimate))
            case .transportFeedback(let feedback):
                take(feedback, at: now)
                events.append(.transportFeedback(feedback))
            case .skipped(_, _, isMalformed: true):
                discard(.malformed)
            case .sourceDescription, .skipped:
                break
            }
        }
    }

    private mutating func take(_ blocks: [ReportBlock], at now: Instant) {
        for block in blocks {
            guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == block.ssrc }) else { continue }
            media.outgoing[index].sender.handle(block, at: now)
        }
        noteLosses(blocks, at: now)
    }
}

extension MediaStreams.Stream {
    /// Takes note of a packet that was accepted.
    fileprivate mutating func note(
        _ packet: RTPPacket, sequence: Int64, _ extensions: HeaderExtensionMap, at now: Instant
    ) {
        nack?.handle(sequence, at: now)
        keyFrames.packetArrived()
        lastTimestamp = packet.header.timestamp
        if incoming.kind == .audio { audioLevel = packet.audioLevel(extensions) }
    }

    /// The stream began anew.
    fileprivate mutating func restart() {
        nack?.restart()
        assembler?.restart()
        keyFrames.packetArrived()
    }
}
