import ICE
public import RTP
import SRTP
public import Wire

/// Media and reports that leave.
extension RTCPeerConnection {
    /// Whether media of this transceiver can leave: it was agreed on and the connection is up.
    public func canSend(on transceiver: TransceiverID) -> Bool {
        media.outgoing.contains { $0.transceiver == transceiver && path(of: $0.transport) != nil }
    }

    /// Sends one frame of video or one packet of sound. Nothing leaves before `canSend`.
    public mutating func send(_ frame: PacketizedFrame, on transceiver: TransceiverID, at now: Instant) {
        guard let index = media.outgoing.firstIndex(where: { $0.transceiver == transceiver }),
            let (pair, srtp) = path(of: media.outgoing[index].transport)
        else { return }
        Self.write(frame, by: &media.outgoing[index], to: &outbox, from: pair, protectedBy: srtp, at: now)
    }

    /// The pair and the keys of the transport `id`; nil where it does not have both yet.
    private func path(of id: PeerTransport.ID) -> (pair: ICECandidatePair, srtp: SRTPSender)? {
        guard let index = index(of: id), let srtp = transports[index].srtpSender,
            let pair = transports[index].ice.selectedPair
        else { return nil }
        return (pair, srtp)
    }

    /// The hot path: header and payload are written and protected in place, in the one buffer that the burst leaves
    /// from.
    private static func write(
        _ frame: PacketizedFrame, by stream: inout MediaStreams.Outgoing, to outbox: inout DatagramBatch,
        from pair: ICECandidatePair, protectedBy srtp: SRTPSender, at now: Instant
    ) {
        let extensions = stream.extensions
        for payload in frame.payloads.indices {
            outbox.append(by: pair) { buffer in
                let start = buffer.count
                stream.sender.writePacket(payload, of: frame, extensions: extensions, at: now, to: &buffer)
                do throws(SRTPError) {
                    try srtp.protectRTP(&buffer, from: start)
                } catch {
                    // the numbers of a stream only rise, and 2⁴⁸ packets are never reached
                    preconditionFailure("a packet of our own cannot be protected: \(error)")
                }
            }
        }
    }

    /// Asks the other side for a key frame of what it sends on this transceiver (PLI, RFC 4585 §6.3.1).
    public mutating func requestKeyFrame(on transceiver: TransceiverID) {
        let sender = localSSRC
        for (ssrc, stream) in media.streams where stream.incoming.transceiver == transceiver {
            writeFeedback(.pictureLossIndication(sender: sender, media: ssrc), on: stream.incoming)
        }
    }

    /// Sends `packet` about what comes in as `incoming`: by itself where that was agreed on, else behind a report
    /// (RFC 5506 §4).
    mutating func writeFeedback(_ packet: RTCPPacket, on incoming: MediaStreams.Incoming) {
        let (ssrc, name) = (localSSRC, configuration.canonicalName)
        writeRTCP(by: incoming.transport) { buffer in
            if !incoming.allowsReducedSize {
                RTCPPacket.writeReport(
                    senderReport: nil, ssrc: ssrc, reportBlocks: [], canonicalName: name, to: &buffer)
            }
            packet.write(to: &buffer)
        }
    }

    /// The source that reports of this endpoint come from.
    var localSSRC: SSRC {
        media.outgoing.first?.sender.ssrc ?? transceivers.first?.ssrc ?? 1
    }

    mutating func writeRTCP(by transport: PeerTransport.ID, _ write: (inout [UInt8]) -> Void) {
        guard let (pair, srtp) = path(of: transport) else { return }
        outbox.append(by: pair) { buffer in
            let start = buffer.count
            write(&buffer)
            do throws(SRTPError) {
                try srtp.protectRTCP(&buffer, from: start)
            } catch {
                preconditionFailure("a report of our own cannot be protected: \(error)")
            }
        }
    }

    mutating func sendReports(at now: Instant) {
        // RFC 3550 §6.2: varied by half around the interval, so that the reports of many do not fall together
        media.nextReports = now + .milliseconds(500 + random.below(1000))
        for transport in transports.map(\.id) { sendReports(by: transport, at: now) }
    }

    private mutating func sendReports(by transport: PeerTransport.ID, at now: Instant) {
        var blocks: [ReportBlock] = []
        for (ssrc, stream) in media.streams where stream.incoming.transport == transport {
            if let block = media.streams[ssrc]?.receiver.reportBlock(at: now) { blocks.append(block) }
        }
        let reports = media.outgoing.filter { $0.transport == transport }.compactMap { $0.sender.senderReport(at: now) }
        guard !reports.isEmpty || !blocks.isEmpty else { return }
        let name = configuration.canonicalName
        let ssrc = localSSRC
        writeRTCP(by: transport) { buffer in
            RTCPPacket.writeReport(
                senderReport: reports.first, ssrc: ssrc, reportBlocks: blocks, canonicalName: name, to: &buffer)
            for report in reports.dropFirst() {
                RTCPPacket.writeReport(
                    senderReport: report, ssrc: report.ssrc, reportBlocks: [], canonicalName: name, to: &buffer)
            }
        }
    }

    /// RFC 3550 §6.6: the streams end.
    mutating func sendGoodbye(at now: Instant) {
        guard connectionState == .connected else { return }
        let name = configuration.canonicalName
        for transport in transports.map(\.id) {
            let streams = media.outgoing.filter { $0.transport == transport }
            guard let first = streams.first else { continue }
            let report = first.sender.senderReport(at: now)
            writeRTCP(by: transport) { buffer in
                RTCPPacket.writeReport(
                    senderReport: report, ssrc: first.sender.ssrc, reportBlocks: [], canonicalName: name, to: &buffer)
                RTCPPacket.goodbye(Goodbye(sources: streams.map(\.sender.ssrc))).write(to: &buffer)
            }
        }
    }

    mutating func retransmit(_ nack: GenericNACK, at now: Instant) {
        guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == nack.media }),
            let (pair, srtp) = path(of: media.outgoing[index].transport)
        else { return }
        for number in nack.sequenceNumbers {
            Self.repeatPacket(
                number, by: &media.outgoing[index], to: &outbox, from: pair, protectedBy: srtp, at: now)
        }
    }

    private static func repeatPacket(
        _ number: SequenceNumber, by stream: inout MediaStreams.Outgoing, to outbox: inout DatagramBatch,
        from pair: ICECandidatePair, protectedBy srtp: SRTPSender, at now: Instant
    ) {
        let extensions = stream.extensions
        do throws(SRTPError) {
            try outbox.append(by: pair) { buffer throws(SRTPError) in
                let start = buffer.count
                let outcome = stream.sender.retransmission(of: number, extensions: extensions, at: now, to: &buffer)
                guard outcome == .appended else { return }
                if stream.sender.rtx != nil {
                    try srtp.protectRTP(&buffer, from: start)
                } else {
                    try srtp.protectRTPAgain(&buffer, from: start)
                }
            }
        } catch {
            // of a packet that is too old to be protected again, the receiver has long given up
        }
    }
}
