import ICE
import RTP
import SDP
public import Wire

/// Key frames asked for and answered, repairs, and what belongs to a transport as a whole.
extension RTCPeerConnection {
    // MARK: What is asked of the sender

    /// Asks the other side for a key frame of what it sends on this transceiver: at once or when the last request is no
    /// longer too recent, and again until one comes.
    public mutating func requestKeyFrame(on transceiver: TransceiverID, at now: Instant) {
        var index = media.streams.startIndex
        while index != media.streams.endIndex {
            if media.streams.values[index].incoming.transceiver == transceiver {
                media.streams.values[index].keyFrames.want(at: now)
                askForKeyFrame(of: index, at: now)
            }
            index = media.streams.index(after: index)
        }
    }

    /// Does what is due of the streams and the transports.
    mutating func followStreams(at now: Instant) {
        var index = media.streams.startIndex
        while index != media.streams.endIndex {
            if let deadline = media.streams.values[index].deadline, deadline <= now {
                let transport = media.streams.values[index].incoming.transport
                let roundTrip = roundTripTime(of: transport)
                if let roundTrip {
                    media.streams.values[index].nack?.roundTripTime = max(roundTrip, .milliseconds(10))
                    media.streams.values[index].assembler?.roundTripTime = roundTrip
                }
                media.streams.values[index].assembler?.timePassed(at: now)
                requestMissing(of: index, at: now)
                follow(index, at: now)
            }
            index = media.streams.index(after: index)
        }
        for index in media.outgoing.indices where media.outgoing[index].demand.timePassed(at: now) {
            events.append(.keyFrameRequested(media.outgoing[index].transceiver))
        }
        for index in media.accounts.indices {
            if let deadline = media.accounts[index].nextFeedback, deadline <= now { sendFeedback(of: index, at: now) }
            followBandwidth(of: index, at: now)
        }
    }

    /// Tells what came of the last packets of a stream: whole pictures, or that only a key frame helps.
    mutating func follow(_ index: Dictionary<SSRC, MediaStreams.Stream>.Index, at now: Instant) {
        let transceiver = media.streams.values[index].incoming.transceiver
        while let unit = media.streams.values[index].assembler?.nextAccessUnit() {
            if unit.isKeyFrame { media.streams.values[index].keyFrames.keyFrameArrived() }
            events.append(.accessUnit(transceiver, unit))
        }
        // a gap too wide to be filled, or pictures that refer to lost ones
        if media.streams.values[index].needsKeyFrame() { media.streams.values[index].keyFrames.want(at: now) }
        askForKeyFrame(of: index, at: now)
    }

    private mutating func askForKeyFrame(of index: Dictionary<SSRC, MediaStreams.Stream>.Index, at now: Instant) {
        guard let deadline = media.streams.values[index].keyFrames.deadline, deadline <= now else { return }
        let incoming = media.streams.values[index].incoming
        guard let feedback = incoming.keyFrameFeedback,
            media.streams.values[index].keyFrames.shouldAsk(
                roundTripTime: roundTripTime(of: incoming.transport), at: now)
        else { return }
        let ssrc = media.streams.values[index].receiver.ssrc
        switch feedback {
        case .pictureLossIndication:
            media.streams.values[index].requests.pliCount &+= 1
            writeFeedback(.pictureLossIndication(sender: localSSRC, media: ssrc), on: incoming)
        case .fullIntraRequest:
            // RFC 5104 §4.3.1.1: "The sequence number SHALL be increased by 1 modulo 256 for each new command."
            media.streams.values[index].requests.firCount &+= 1
            media.streams.values[index].fullIntraRequest &+= 1
            let entry = FullIntraRequest.Entry(
                ssrc: ssrc, sequenceNumber: media.streams.values[index].fullIntraRequest)
            writeFeedback(.fullIntraRequest(FullIntraRequest(sender: localSSRC, entries: [entry])), on: incoming)
        }
    }

    private mutating func requestMissing(of index: Dictionary<SSRC, MediaStreams.Stream>.Index, at now: Instant) {
        guard let missing = media.streams.values[index].nack?.requests(at: now), !missing.isEmpty else { return }
        media.streams.values[index].requests.nackCount &+= 1
        let nack = GenericNACK(
            sender: localSSRC, media: media.streams.values[index].receiver.ssrc, sequenceNumbers: missing)
        writeFeedback(.nack(nack), on: media.streams.values[index].incoming)
    }

    // MARK: What receivers ask

    mutating func takePictureLoss(of ssrc: SSRC, at now: Instant) {
        guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == ssrc }) else {
            return discard(.unknownStream)
        }
        media.outgoing[index].requests.pliCount &+= 1
        takeKeyFrameRequest(of: index, at: now)
    }

    mutating func take(_ request: FullIntraRequest, at now: Instant) {
        for entry in request.entries {
            guard let index = media.outgoing.firstIndex(where: { $0.sender.ssrc == entry.ssrc }) else {
                discard(.unknownStream)
                continue
            }
            // RFC 5104 §4.3.1.2: a repetition bears the number of the first, and is no new command
            guard media.outgoing[index].lastFullIntraRequest != entry.sequenceNumber else { continue }
            media.outgoing[index].lastFullIntraRequest = entry.sequenceNumber
            media.outgoing[index].requests.firCount &+= 1
            takeKeyFrameRequest(of: index, at: now)
        }
    }

    private mutating func takeKeyFrameRequest(of index: Int, at now: Instant) {
        let roundTrip = media.outgoing[index].sender.remote.roundTripTime
        guard media.outgoing[index].demand.request(roundTripTime: roundTrip, at: now) else { return }
        events.append(.keyFrameRequested(media.outgoing[index].transceiver))
    }

    // MARK: Transports

    /// The last round trip of a transport; nil before one was measured.
    func roundTripTime(of id: PeerTransport.ID) -> Duration? {
        index(of: id).flatMap { transports[$0].ice.statistics.currentRoundTripTime }
    }

    /// Takes note of when an authentic packet came, for who sent it with a number.
    mutating func noteArrival(of packet: RTPPacket, as incoming: MediaStreams.Incoming, at now: Instant) {
        guard incoming.wantsTransportFeedback, let number = packet.transportSequenceNumber(media.incomingExtensions)
        else { return }
        let account = media.account(of: incoming.transport)
        media.accounts[account].recorder.handle(number, at: now)
        media.accounts[account].media = packet.header.ssrc
        if media.accounts[account].nextFeedback == nil {
            media.accounts[account].nextFeedback = now + MediaStreams.feedbackInterval
        }
    }

    private mutating func sendFeedback(of account: Int, at now: Instant) {
        media.accounts[account].nextFeedback = nil
        let (transport, source) = (media.accounts[account].transport, media.accounts[account].media)
        guard let incoming = media.incoming.first(where: { $0.transport == transport && $0.wantsTransportFeedback })
        else { return }
        let sender = localSSRC
        while let feedback = media.accounts[account].recorder.feedback(sender: sender, media: source) {
            writeFeedback(.transportFeedback(feedback), on: incoming)
        }
    }

    // MARK: Conflicts of sources

    /// Whether `ssrc` is a source of this endpoint.
    func isOurs(_ ssrc: SSRC) -> Bool {
        media.outgoing.contains { $0.uses(ssrc) } || media.paused.contains { $0.uses(ssrc) }
    }

    /// A source that nobody of this connection has. None may come back: SRTP's packet index belongs to it.
    mutating func makeSource() -> SSRC {
        while true {
            let ssrc = SSRC(random.uint32())
            let isTaken =
                ssrc == 0 || isOurs(ssrc) || media.streams[ssrc] != nil || media.repairs[ssrc] != nil
                || transceivers.contains { $0.ssrc == ssrc || $0.rtxSSRC == ssrc }
            if !isTaken { return ssrc }
        }
    }

    /// RFC 3550 §8.2: the other side sends as `ssrc`, which is ours. Our stream says good-bye and goes on under another
    /// number, which the MID in its packets binds to the same media description (RFC 9143 §9.2); the next description
    /// names it.
    mutating func resolveConflict(over ssrc: SSRC, at now: Instant) -> SourceConflicts.Verdict {
        let verdict = media.conflicts.handle(at: now)
        guard verdict == .collision else { return verdict }
        media.outgoing = media.outgoing.map { $0.uses(ssrc) ? renewed($0, at: now) : $0 }
        media.paused = media.paused.map { $0.uses(ssrc) ? renewed($0, at: now) : $0 }
        return verdict
    }

    private mutating func renewed(_ stream: MediaStreams.Outgoing, at now: Instant) -> MediaStreams.Outgoing {
        let (old, name) = (stream.sender, configuration.canonicalName)
        let report = old.senderReport(at: now)
        let sources = [old.ssrc] + (old.rtx.map { [$0.ssrc] } ?? [])
        writeRTCP(by: stream.transport) { buffer in
            RTCPPacket.writeReport(
                senderReport: report, ssrc: old.ssrc, reportBlocks: [], canonicalName: name, to: &buffer)
            RTCPPacket.goodbye(Goodbye(sources: sources, reason: "SSRC collision")).write(to: &buffer)
        }
        var renewed = stream
        let (ssrc, rtxSSRC) = (makeSource(), makeSource())
        if let index = transceivers.firstIndex(where: { $0.id == stream.transceiver }) {
            transceivers[index].ssrc = ssrc
            transceivers[index].rtxSSRC = rtxSSRC
        }
        renewed.sender = RTPSender(
            ssrc: ssrc, payloadType: old.payloadType, clockRate: old.clockRate,
            rtx: old.rtx.map { RTPSender.Retransmission(ssrc: rtxSSRC, payloadType: $0.payloadType) },
            extensionMap: old.extensionMap, random: random)
        renewed.lastFullIntraRequest = nil
        // who hears a new stream can begin only at a key frame
        if transceivers.contains(where: { $0.id == stream.transceiver && $0.kind == .video }) {
            events.append(.keyFrameRequested(stream.transceiver))
        }
        return renewed
    }
}

extension MediaStreams.Stream {
    /// Whether, since it was last asked, something was lost that no repair will bring.
    fileprivate mutating func needsKeyFrame() -> Bool {
        let isGivenUp = nack?.requestKeyFrame() ?? false
        guard let dropped = assembler?.statistics.framesDropped, dropped != framesDropped else { return isGivenUp }
        framesDropped = dropped
        return true
    }
}
