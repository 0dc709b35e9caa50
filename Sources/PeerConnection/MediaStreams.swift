import ICE
public import RTP
import SDP
import SRTP
import Wire

/// The RTP streams of a connection, both ways.
struct MediaStreams {
    /// A stream that leaves.
    struct Outgoing {
        let transceiver: TransceiverID
        var sender: RTPSender
        var extensions: HeaderExtensionValues
        /// The last full intra request of each receiver, whose repetition is no new request (RFC 5104 §4.3.1.2).
        var lastFullIntraRequest: UInt8?
    }

    /// What a media description lets in.
    struct Incoming {
        let transceiver: TransceiverID
        let mid: String?
        let payloadType: UInt8
        let clockRate: Int
        let rtxPayloadType: UInt8?
        let wantsNACK: Bool
    }

    /// A stream that arrives.
    struct Stream {
        let incoming: Incoming
        var receiver: RTPReceiver
    }

    var outgoing: [Outgoing] = []
    var incoming: [Incoming] = []
    /// Streams by source, as they were signalled or turned up.
    var streams: [SSRC: Stream] = [:]
    /// Retransmission sources and the stream they repeat.
    var repairs: [SSRC: SSRC] = [:]
    var incomingExtensions = HeaderExtensionMap()
    /// When the next reports are due; nil before media can flow.
    var deadline: Instant?

    /// Sources that one connection may open: a browser has two for each track.
    static let streamLimit = 32
    /// The first reports follow the first packets soon, for lip sync starts with them; then one a second, on average.
    static let firstReportDelay = Duration.milliseconds(100)

    mutating func start(at now: Instant) {
        if deadline == nil { deadline = now + Self.firstReportDelay }
    }
}

extension RTCPeerConnection {
    // MARK: Configuration

    /// Makes one media description of an exchange take effect.
    mutating func configure(_ position: Int, ours: MediaDescription, theirs: MediaDescription) {
        let transceiver = transceivers[position]
        let isAgreed = !ours.isRejected && !theirs.isRejected
        let direction = isAgreed ? ours.direction.intersection(theirs.direction.reversed) : .inactive
        transceivers[position].currentDirection = direction
        media.outgoing.removeAll { $0.transceiver == transceiver.id && !direction.sends }
        media.incoming.removeAll { $0.transceiver == transceiver.id }
        if isAgreed, let codec = CodecPreferences.choose(from: theirs) {
            transceivers[position].negotiatedCodec = codec
            if direction.sends { send(transceiver, codec, theirs) }
            if direction.receives { receive(transceiver, ours, theirs) }
        }
        guard direction.receives != transceiver.isReceiving else { return }
        transceivers[position].isReceiving = direction.receives
        events.append(.track(transceiver.id, transceiver.kind, isActive: direction.receives))
    }

    private mutating func send(
        _ transceiver: RTCRtpTransceiver, _ codec: RTCRtpTransceiver.NegotiatedCodec, _ theirs: MediaDescription
    ) {
        var map = HeaderExtensionMap()
        map[.mid] = theirs.headerExtensions.first { $0.uri == RTP.HeaderExtension.mid.rawValue }.flatMap {
            UInt8(exactly: $0.id)
        }
        guard let payloadType = PayloadType(exactly: Int(codec.codec.payloadType)) else { return }
        let rtx = codec.rtxPayloadType.flatMap { PayloadType(exactly: Int($0)) }.map {
            RTPSender.Retransmission(ssrc: transceiver.rtxSSRC, payloadType: $0)
        }
        if let index = media.outgoing.firstIndex(where: { $0.transceiver == transceiver.id }) {
            media.outgoing[index].sender.payloadType = payloadType
            media.outgoing[index].sender.rtx = rtx
            media.outgoing[index].sender.extensionMap = map
            return
        }
        var extensions = HeaderExtensionValues()
        extensions.mid = Array((transceiver.mid ?? "").utf8)
        var history = RTPSender.History()
        if !codec.codec.feedback.contains(.nack) { history.capacity = 1 }  // nothing will be asked for
        media.outgoing.append(
            MediaStreams.Outgoing(
                transceiver: transceiver.id,
                sender: RTPSender(
                    ssrc: transceiver.ssrc, payloadType: payloadType, clockRate: Int(codec.codec.clockRate), rtx: rtx,
                    extensionMap: map, history: history, random: random),
                extensions: extensions))
    }

    private mutating func receive(_ transceiver: RTCRtpTransceiver, _ ours: MediaDescription, _ theirs: MediaDescription) {
        // what they send bears the numbers of our description (RFC 3264 §5.1)
        guard let codec = CodecPreferences.choose(from: ours) else { return }
        let incoming = MediaStreams.Incoming(
            transceiver: transceiver.id, mid: transceiver.mid, payloadType: codec.codec.payloadType,
            clockRate: Int(codec.codec.clockRate), rtxPayloadType: codec.rtxPayloadType,
            wantsNACK: codec.codec.feedback.contains(.nack))
        media.incoming.append(incoming)
        if let mid = ours.headerExtensions.first(where: { $0.uri == RTP.HeaderExtension.mid.rawValue }) {
            media.incomingExtensions[.mid] = UInt8(exactly: mid.id)
        }
        for group in theirs.sourceGroups where group.semantics == "FID" && group.ssrcs.count == 2 {
            media.repairs[SSRC(group.ssrcs[1])] = SSRC(group.ssrcs[0])
        }
        for source in theirs.sources where media.repairs[SSRC(source.ssrc)] == nil {
            openStream(SSRC(source.ssrc), for: incoming)
        }
    }

    // MARK: Sending

    /// Whether media of this transceiver can leave: it was agreed on and the connection is up.
    public func canSend(on transceiver: TransceiverID) -> Bool {
        srtpSender != nil && ice.selectedPair != nil && media.outgoing.contains { $0.transceiver == transceiver }
    }

    /// Sends one frame of video or one packet of sound. Nothing leaves before `canSend`.
    public mutating func send(_ frame: PacketizedFrame, on transceiver: TransceiverID, at now: Instant) {
        guard let srtpSender, let pair = ice.selectedPair,
            let index = media.outgoing.firstIndex(where: { $0.transceiver == transceiver })
        else { return }
        Self.write(frame, by: &media.outgoing[index], to: &outbox, from: pair, protectedBy: srtpSender, at: now)
    }

    /// The hot path: header and payload are written and protected in place, in the one buffer that the burst leaves from.
    private static func write(
        _ frame: PacketizedFrame, by stream: inout MediaStreams.Outgoing, to outbox: inout DatagramBatch,
        from pair: ICECandidatePair, protectedBy srtp: SRTPSender, at now: Instant
    ) {
        let extensions = stream.extensions
        for payload in frame.payloads.indices {
            outbox.append(from: pair.localAddress, to: pair.remoteAddress) { buffer in
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
            writeRTCP { RTCPPacket.pictureLossIndication(sender: sender, media: ssrc).write(to: &$0) }
        }
    }

    /// The source that reports of this endpoint come from.
    private var localSSRC: SSRC {
        media.outgoing.first?.sender.ssrc ?? transceivers.first?.ssrc ?? 1
    }

    private mutating func writeRTCP(_ write: (inout [UInt8]) -> Void) {
        guard let srtpSender, let pair = ice.selectedPair else { return }
        outbox.append(from: pair.localAddress, to: pair.remoteAddress) { buffer in
            let start = buffer.count
            write(&buffer)
            do throws(SRTPError) {
                try srtpSender.protectRTCP(&buffer, from: start)
            } catch {
                preconditionFailure("a report of our own cannot be protected: \(error)")
            }
        }
    }

    mutating func sendReports(at now: Instant) {
        // RFC 3550 §6.2: varied by half around the interval, so that the reports of many do not fall together
        media.deadline = now + .milliseconds(500 + random.below(1000))
        var blocks: [ReportBlock] = []
        for ssrc in media.streams.keys {
            if let block = media.streams[ssrc]?.receiver.reportBlock(at: now) { blocks.append(block) }
        }
        let reports = media.outgoing.compactMap { $0.sender.senderReport(at: now) }
        guard !reports.isEmpty || !blocks.isEmpty else { return }
        let name = configuration.canonicalName
        let ssrc = localSSRC
        writeRTCP { buffer in
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
        let sources = media.outgoing.map(\.sender.ssrc)
        guard !sources.isEmpty, connectionState == .connected else { return }
        let name = configuration.canonicalName
        let report = media.outgoing[0].sender.senderReport(at: now)
        writeRTCP { buffer in
            RTCPPacket.writeReport(
                senderReport: report, ssrc: sources[0], reportBlocks: [], canonicalName: name, to: &buffer)
            RTCPPacket.goodbye(Goodbye(sources: sources)).write(to: &buffer)
        }
    }

    // MARK: Receiving

    /// Takes an SRTP or SRTCP packet; true where it was authentic.
    mutating func receiveMedia(_ bytes: [UInt8], at now: Instant) -> Bool {
        guard let srtpReceiver else {
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
                receiveRTP(packet, at: now)
            }
            return true
        } catch {
            discard(.srtp)
            return false
        }
    }

    private mutating func receiveRTP(_ bytes: [UInt8], at now: Instant) {
        guard let packet = try? RTPPacket(bytes[...]) else { return discard(.malformed) }
        if let original = media.repairs[packet.header.ssrc], let stream = media.streams[original] {
            guard packet.header.payloadType.rawValue == stream.incoming.rtxPayloadType,
                let payloadType = PayloadType(exactly: Int(stream.incoming.payloadType))
            else { return discard(.unknownStream) }
            if let unwrapped = RetransmissionPayload.unwrap(packet, ssrc: original, payloadType: payloadType) {
                deliver(unwrapped, of: original, isRetransmission: true, at: now)
            }
            return
        }
        let ssrc = packet.header.ssrc
        if media.streams[ssrc] == nil {
            guard let incoming = findIncoming(for: packet) else { return discard(.unknownStream) }
            openStream(ssrc, for: incoming)
        }
        guard media.streams[ssrc]?.incoming.payloadType == packet.header.payloadType.rawValue else {
            return discard(.unknownStream)
        }
        deliver(packet, of: ssrc, isRetransmission: false, at: now)
    }

    private mutating func openStream(_ ssrc: SSRC, for incoming: MediaStreams.Incoming) {
        guard media.streams[ssrc] != nil || media.streams.count < MediaStreams.streamLimit else { return }
        let receiver = media.streams[ssrc]?.receiver ?? RTPReceiver(ssrc: ssrc, clockRate: incoming.clockRate)
        media.streams[ssrc] = MediaStreams.Stream(incoming: incoming, receiver: receiver)
    }

    /// RFC 9143 §9.2: a source that was not signalled belongs to the media description that its MID names, else to the one
    /// with its payload type, if there is just one.
    private func findIncoming(for packet: RTPPacket) -> MediaStreams.Incoming? {
        let mid = packet.extensionValues(media.incomingExtensions).mid
        if !mid.isEmpty { return media.incoming.first { $0.mid.map { Array($0.utf8) } == mid } }
        let matching = media.incoming.filter { $0.payloadType == packet.header.payloadType.rawValue }
        return matching.count == 1 ? matching[0] : nil
    }

    private mutating func deliver(_ packet: RTPPacket, of ssrc: SSRC, isRetransmission: Bool, at now: Instant) {
        guard let stream = media.streams[ssrc],
            let arrival = media.streams[ssrc]?.receiver.handle(
                packet.header, payloadBytes: packet.payload.count, isRetransmission: isRetransmission, at: now)
        else { return }
        switch arrival {
        case .accepted, .restarted: events.append(.packet(stream.incoming.transceiver, packet))
        case .duplicate, .unproven: break
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

    private mutating func retransmit(_ nack: GenericNACK, at now: Instant) {
        guard let srtpSender, let pair = ice.selectedPair,
            let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == nack.media })
        else { return }
        for number in nack.sequenceNumbers {
            Self.repeatPacket(
                number, by: &media.outgoing[index], to: &outbox, from: pair, protectedBy: srtpSender, at: now)
        }
    }

    private static func repeatPacket(
        _ number: SequenceNumber, by stream: inout MediaStreams.Outgoing, to outbox: inout DatagramBatch,
        from pair: ICECandidatePair, protectedBy srtp: SRTPSender, at now: Instant
    ) {
        let extensions = stream.extensions
        do throws(SRTPError) {
            try outbox.append(from: pair.localAddress, to: pair.remoteAddress) { buffer throws(SRTPError) in
                let start = buffer.count
                let outcome = stream.sender.retransmission(of: number, extensions: extensions, at: now, to: &buffer)
                guard outcome == .appended else { return }
                try srtp.protectRTP(&buffer, from: start)
            }
        } catch {
            // without RTX a packet is sent again under its old number, which is too old for the sender by now
        }
    }
}
