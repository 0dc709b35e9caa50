import Congestion
import ICE
public import RTP
import SRTP
public import Wire

/// Media and reports that leave.
extension RTCPeerConnection {
    /// Whether media of this transceiver can leave: it was agreed on, the sender has a track, and the connection is up.
    public func canSend(on transceiver: TransceiverID) -> Bool {
        var copy = self
        return copy.outgoing(on: transceiver) != nil
    }

    /// Where the stream of this transceiver is among `media.outgoing`, if it can leave.
    private mutating func outgoing(on transceiver: TransceiverID) -> Int? {
        guard let index = media.outgoing.indices.first(where: { media.outgoing[$0].transceiver == transceiver }),
            transceivers.indices.contains(where: {
                transceivers[$0].id == transceiver && transceivers[$0].track != nil
            }),
            let transport = transports.indices.first(where: {
                transports[$0].id == media.outgoing[index].transport
            }), transports[transport].isOpen()
        else { return nil }
        return index
    }

    /// Sends one frame of video or one packet of sound: sound at once, video as fast as the path bears it. Nothing leaves
    /// before `canSend`. A frame that would be too late is dropped whole, and a key frame asked for.
    public mutating func send(_ frame: PacketizedFrame, on transceiver: TransceiverID, at now: Instant) {
        guard let index = outgoing(on: transceiver) else { return }
        let account = media.account(of: media.outgoing[index].transport)
        let overhead = Self.overhead
        switch media.outgoing[index].kind {
        case .video:
            let paddingSize = media.outgoing[index].sender.canPad ? Self.paddingSize : 0
            if media.accounts[account].pacer.configuration.maximumPaddingSize != paddingSize {
                media.accounts[account].pacer.configuration.maximumPaddingSize = paddingSize
            }
            let outcome = media.accounts[account].pacer.enqueueFrame(
                packets: frame.payloads.count, isKeyFrame: frame.isKeyFrame, isFirst: frame.isFirst, at: now
            ) {
                (.init(transceiver: transceiver, content: .payload(frame, $0)), frame.payloads[$0].count + overhead)
            }
            if outcome == .queuedAnew { media.outgoing[index].sender.forgetSentPackets() }
        default:
            media.outgoing[index].audioLevel = frame.audioLevel
            for payload in frame.payloads.indices {
                media.accounts[account].pacer.enqueueAudio(
                    .init(transceiver: transceiver, content: .payload(frame, payload)),
                    size: frame.payloads[payload].count + overhead, at: now)
            }
        }
        depart(account, at: now)
    }

    /// What a packet is longer than its payload by: RTP's header, its extensions and the authentication tag, about.
    private static let overhead = 50
    /// What a packet of padding is counted as, in bytes: it repeats a packet of video.
    private static let paddingSize = 1200

    /// Counts what was appended to the outbox since it was of this length.
    mutating func noteSent(since mark: (packets: Int, bytes: Int), by transport: Int) {
        let length = outbox.length
        transports[transport].noteSent(packets: length.packets - mark.packets, bytes: length.bytes - mark.bytes)
    }

    /// Asks the receiver of this transceiver's pictures to hold frames back within `delay`, from the next frame on; nil says
    /// nothing more of it. No effect where the header extension was not agreed on.
    public mutating func setPlayoutDelay(_ delay: PlayoutDelay?, of transceiver: TransceiverID, at now: Instant) {
        for index in media.outgoing.indices where media.outgoing[index].transceiver == transceiver {
            media.outgoing[index].playoutDelay = delay
            media.outgoing[index].playoutDelayIsNewUntil = now + .seconds(1)
        }
        playoutDelays[transceiver] = delay
    }

    /// Where the transport `id` is among `transports`, the way along its selected pair, and the keys; nil where it does not
    /// have both yet.
    mutating func path(of id: PeerTransport.ID) -> (transport: Int, route: DatagramRoute, srtp: SRTPSender)? {
        guard let index = transports.indices.first(where: { transports[$0].id == id }),
            let srtp = transports[index].srtpSender, let route = transports[index].selectedRoute()
        else { return nil }
        return (index, route, srtp)
    }

    /// The hot path: header and payload are written straight into the one buffer that the burst leaves from, and wait in
    /// `unprotected` for the burst to be whole.
    static func write(
        _ payload: Int, of frame: PacketizedFrame, by stream: inout MediaStreams.Outgoing,
        numberedBy number: inout UInt16, to outbox: inout DatagramBatch, by route: DatagramRoute,
        protectedBy srtp: SRTPSender, _ unprotected: inout [Range<Int>], at now: Instant
    ) {
        var extensions = stream.extensions(of: stream.isNumbered ? number : nil, at: now)
        if stream.isNumbered { number &+= 1 }
        extensions.audioLevel = frame.audioLevel
        // A receiver keeps the bounds until others come, so that key frames, and some after a change, suffice; on every
        // packet of a frame, for those of one length leave together.
        if frame.isKeyFrame || now < stream.playoutDelayIsNewUntil { extensions.playoutDelay = stream.playoutDelay }
        outbox.append(by: route) { buffer in
            let start = buffer.count
            stream.sender.writePacket(payload, of: frame, extensions: extensions, at: now, to: &buffer)
            srtp.appendTagRoom(to: &buffer)
            unprotected.append(start..<buffer.count)
        }
        if stream.kind == .video {
            outbox.mark(
                captured: frame.captured, isFirst: frame.isFirst && payload == 0,
                isLast: frame.isLast && payload == frame.payloads.count - 1)
        }
    }

    /// Protects what the burst consists of.
    mutating func protect(by srtp: SRTPSender) {
        do throws(SRTPError) {
            try outbox.update { (buffer) throws(SRTPError) in try srtp.protectRTP(unprotected, in: &buffer) }
        } catch {
            // the numbers of a stream only rise, and 2⁴⁸ packets are never reached
            preconditionFailure("a packet of our own cannot be protected: \(error)")
        }
        unprotected.removeAll(keepingCapacity: true)
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
        guard let (transport, route, srtp) = path(of: transport) else { return }
        let mark = outbox.length
        defer { noteSent(since: mark, by: transport) }
        outbox.append(by: route) { buffer in
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
        sendGoodbye(of: media.outgoing, at: now)
    }

    /// The same for some of them, as far as there is a way.
    mutating func sendGoodbye(of ending: [MediaStreams.Outgoing], at now: Instant) {
        let name = configuration.canonicalName
        for transport in transports.map(\.id) {
            let streams = ending.filter { $0.transport == transport }
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
        guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == nack.media }) else {
            return discard(.unknownStream)
        }
        media.outgoing[index].requests.nackCount &+= 1
        let account = media.account(of: media.outgoing[index].transport)
        let transceiver = media.outgoing[index].transceiver
        for number in nack.sequenceNumbers {
            guard let size = media.outgoing[index].sender.retransmissionSize(of: number, at: now) else { continue }
            media.accounts[account].pacer.enqueueRetransmission(
                .init(transceiver: transceiver, content: .repetition(number)), size: size + Self.overhead, at: now)
        }
        depart(account, at: now)
    }

    static func repeatPacket(
        _ number: SequenceNumber, by stream: inout MediaStreams.Outgoing, numberedBy transportNumber: inout UInt16,
        to outbox: inout DatagramBatch, by route: DatagramRoute, protectedBy srtp: SRTPSender,
        _ unprotected: inout [Range<Int>], at now: Instant
    ) {
        // without a retransmission stream it is the same packet once more, under its old number
        let isNumbered = stream.sender.rtx != nil && stream.isNumbered
        let extensions = stream.extensions(of: isNumbered ? transportNumber : nil, at: now)
        do throws(SRTPError) {
            try outbox.append(by: route) { buffer throws(SRTPError) in
                let start = buffer.count
                let outcome = stream.sender.retransmission(of: number, extensions: extensions, at: now, to: &buffer)
                guard outcome == .appended else { return }
                if isNumbered { transportNumber &+= 1 }
                if stream.sender.rtx != nil {
                    srtp.appendTagRoom(to: &buffer)
                    unprotected.append(start..<buffer.count)
                } else {
                    try srtp.protectRTPAgain(&buffer, from: start)
                }
            }
        } catch {
            // of a packet that is too old to be protected again, the receiver has long given up
        }
    }

    static func writePadding(
        _ step: Int, by stream: inout MediaStreams.Outgoing, numberedBy transportNumber: inout UInt16,
        to outbox: inout DatagramBatch, by route: DatagramRoute, protectedBy srtp: SRTPSender,
        _ unprotected: inout [Range<Int>], at now: Instant
    ) {
        let extensions = stream.extensions(of: stream.isNumbered ? transportNumber : nil, at: now)
        outbox.append(by: route) { buffer in
            let start = buffer.count
            guard stream.sender.writePadding(step: step, extensions: extensions, at: now, to: &buffer) else { return }
            if stream.isNumbered { transportNumber &+= 1 }
            srtp.appendTagRoom(to: &buffer)
            unprotected.append(start..<buffer.count)
        }
    }
}

extension DatagramBatch {
    /// The datagrams and the bytes that it holds.
    var length: (packets: Int, bytes: Int) { (entries.count, storage.count) }
}
