import ICE
import RTP
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
        if let original = media.repairs[packet.header.ssrc]?.original, let stream = media.streams[original] {
            guard stream.incoming.transport == transport,
                packet.header.payloadType.rawValue == stream.incoming.rtxPayloadType,
                let payloadType = PayloadType(exactly: Int(stream.incoming.payloadType))
            else { return discard(.unknownStream) }
            if let unwrapped = RetransmissionPayload.unwrap(packet, ssrc: original, payloadType: payloadType) {
                deliver(unwrapped, of: original, isRetransmission: true, at: now)
            }
            return
        }
        let ssrc = packet.header.ssrc
        if media.streams[ssrc] == nil {
            guard let incoming = findIncoming(for: packet, by: transport),
                incoming.payloadType == packet.header.payloadType.rawValue
            else { return discard(.unknownStream) }
            openStream(ssrc, for: incoming, isSignalled: false)
        }
        guard let incoming = media.streams[ssrc]?.incoming, incoming.transport == transport,
            incoming.payloadType == packet.header.payloadType.rawValue
        else { return discard(.unknownStream) }
        deliver(packet, of: ssrc, isRetransmission: false, at: now)
    }

    /// Makes the stream of the source `ssrc` belong to `incoming`: a new one where there is room for it, else the one
    /// that is known.
    mutating func openStream(_ ssrc: SSRC, for incoming: MediaStreams.Incoming, isSignalled: Bool) {
        guard media.streams[ssrc] != nil || media.streams.count < MediaStreams.streamLimit else { return }
        let known = media.streams[ssrc].flatMap { $0.incoming.clockRate == incoming.clockRate ? $0 : nil }
        media.streams[ssrc] = MediaStreams.Stream(
            incoming: incoming, isSignalled: isSignalled,
            receiver: known?.receiver ?? RTPReceiver(ssrc: ssrc, clockRate: incoming.clockRate),
            nack: incoming.wantsNACK ? known?.nack ?? NACKGenerator() : nil)
    }

    /// RFC 9143 §9.2: a source that was not signalled belongs to the media description that its MID names, else to the
    /// one with its payload type, if there is just one.
    private func findIncoming(for packet: RTPPacket, by transport: PeerTransport.ID) -> MediaStreams.Incoming? {
        let mid = packet.extensionValues(media.incomingExtensions).mid
        let incoming = media.incoming.filter { $0.transport == transport }
        if !mid.isEmpty { return incoming.first { $0.mid.map { Array($0.utf8) } == mid } }
        let matching = incoming.filter { $0.payloadType == packet.header.payloadType.rawValue }
        return matching.count == 1 ? matching[0] : nil
    }

    private mutating func deliver(_ packet: RTPPacket, of ssrc: SSRC, isRetransmission: Bool, at now: Instant) {
        guard let stream = media.streams[ssrc],
            let arrival = media.streams[ssrc]?.receiver.handle(
                packet.header, payloadBytes: packet.payload.count, isRetransmission: isRetransmission, at: now)
        else { return }
        switch arrival {
        case .accepted(let sequence):
            media.streams[ssrc]?.nack?.handle(sequence, at: now)
            events.append(.packet(stream.incoming.transceiver, packet, sequence: sequence))
            // a gap too wide to be filled has nothing to wait for
            if media.streams[ssrc]?.nack?.requestKeyFrame() == true {
                requestKeyFrame(on: stream.incoming.transceiver)
            }
        case .restarted(let sequence):
            media.streams[ssrc]?.nack?.restart()
            events.append(.packet(stream.incoming.transceiver, packet, sequence: sequence))
        case .duplicate, .unproven:
            break
        }
    }

    /// Asks for what is missing of the streams that arrive, or for a key frame where that was in vain.
    mutating func requestMissing(at now: Instant) {
        for (ssrc, stream) in media.streams {
            guard let deadline = stream.nack?.deadline, deadline <= now else { continue }
            if let transport = index(of: stream.incoming.transport),
                let roundTrip = transports[transport].ice.statistics.currentRoundTripTime
            {
                media.streams[ssrc]?.nack?.roundTripTime = max(roundTrip, .milliseconds(10))
            }
            if let missing = media.streams[ssrc]?.nack?.requests(at: now), !missing.isEmpty {
                let nack = GenericNACK(sender: localSSRC, media: ssrc, sequenceNumbers: missing)
                writeFeedback(.nack(nack), on: stream.incoming)
            }
            if media.streams[ssrc]?.nack?.requestKeyFrame() == true {
                requestKeyFrame(on: stream.incoming.transceiver)
            }
        }
    }

    private mutating func receiveRTCP(_ bytes: [UInt8], at now: Instant) {
        guard let packets = try? RTCPPacket.parse(bytes[...]) else { return discard(.malformed) }
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                media.streams[report.ssrc]?.receiver.handle(report, at: now)
                take(report.reportBlocks, at: now)
            case .receiverReport(let report):
                take(report.reportBlocks, at: now)
            case .nack(let nack):
                retransmit(nack, at: now)
            case .pictureLossIndication(_, let ssrc):
                if let stream = media.outgoing.first(where: { $0.sender.ssrc == ssrc }) {
                    events.append(.keyFrameRequested(stream.transceiver))
                }
            case .fullIntraRequest(let request):
                take(request)
            case .goodbye(let goodbye):
                for ssrc in goodbye.sources { media.streams[ssrc] = nil }
            case .sourceDescription, .receiverEstimatedMaximumBitrate, .transportFeedback, .skipped:
                break
            }
        }
    }

    private mutating func take(_ blocks: [ReportBlock], at now: Instant) {
        for block in blocks {
            guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == block.ssrc }) else { continue }
            media.outgoing[index].sender.handle(block, at: now)
        }
    }

    private mutating func take(_ request: FullIntraRequest) {
        for entry in request.entries {
            guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == entry.ssrc }),
                media.outgoing[index].lastFullIntraRequest != entry.sequenceNumber
            else { continue }
            media.outgoing[index].lastFullIntraRequest = entry.sequenceNumber
            events.append(.keyFrameRequested(media.outgoing[index].transceiver))
        }
    }
}
