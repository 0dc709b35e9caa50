public import Congestion
import RTP
import SRTP
public import Wire

/// How much leaves, and when: each transport's packets wait for their turn at its pacer, which follows its estimator.
extension RTCPeerConnection {
    /// What the path of the first transport carries in all, in bit/s, headers, sound and retransmissions included (W3C
    /// RTCIceCandidatePairStats); nil before anything was heard of it.
    public var availableOutgoingBitrate: Double? {
        media.accounts.lazy.map(\.estimator).first(where: \.isInformed)?.targetBitrate
    }

    /// The same of one transport.
    func availableOutgoingBitrate(of transport: PeerTransport.ID) -> Double? {
        media.accounts.first { $0.transport == transport && $0.estimator.isInformed }?.estimator.targetBitrate
    }

    /// What holds `availableOutgoingBitrate` where it is; nil before anything was heard of the path.
    public var bandwidthLimitation: BandwidthEstimator.Limitation? {
        media.accounts.lazy.map(\.estimator).first(where: \.isInformed)?.limitation
    }

    /// Has no more of the path looked for than `bitrate` bits a second, in place of the configuration's `usefulBitrate`.
    public mutating func setUsefulBitrate(_ bitrate: Double) {
        media.demand = bitrate
    }

    /// How long the other side should hold pictures back, so that what the path of the first transport loses is repaired
    /// before it is missed; nil where it loses little, or nothing is known. `setPlayoutDelay` asks for it.
    public var repairDelay: Duration? { media.accounts.first?.repairs.delay }

    /// What the pacers sent, and what they dropped because it would have been too late: of the first transport.
    public var pacing: PacerStatistics { media.accounts.first?.pacer.statistics ?? PacerStatistics() }

    /// For how long the first packet of video that waits has waited.
    public func queueTime(at now: Instant) -> Duration {
        media.accounts.reduce(.zero) { max($0, $1.pacer.queueTime(at: now)) }
    }

    // MARK: What leaves

    /// Lets leave what may by now.
    mutating func depart(_ account: Int, at now: Instant) {
        let transport = media.accounts[account].transport
        guard let (sending, route, srtp) = path(of: transport) else {
            return media.accounts[account].pacer.removeAll()
        }
        let mark = outbox.length
        while let departure = media.accounts[account].pacer.nextDeparture(at: now) {
            let (before, number) = (outbox.storage.count, media.accounts[account].nextNumber)
            let cluster: ProbeCluster.ID?
            switch departure {
            case .packet(let packet, let its):
                cluster = its
                write(packet, account, to: route, protectedBy: srtp, at: now)
            case .padding(_, let its):
                cluster = its
                pad(account, to: route, protectedBy: srtp, at: now)
            }
            // what bears no number is in no feedback
            guard number != media.accounts[account].nextNumber else { continue }
            media.accounts[account].estimator.packetSent(
                number: number, size: outbox.storage.count - before, cluster: cluster, at: now)
            followEstimator(of: account)
        }
        if !unprotected.isEmpty { protect(by: srtp) }
        noteSent(since: mark, by: sending)
        if media.accounts[account].pacer.wantsKeyFrame { askForKeyFrame(by: transport, at: now) }
    }

    /// Writes what waited; nothing where its stream has stopped since.
    private mutating func write(
        _ packet: MediaStreams.Waiting, _ account: Int, to route: DatagramRoute, protectedBy srtp: SRTPSender,
        at now: Instant
    ) {
        guard let index = media.outgoing.firstIndex(where: { $0.transceiver == packet.transceiver }) else { return }
        switch packet.content {
        case .payload(let frame, let payload):
            Self.write(
                payload, of: frame, by: &media.outgoing[index], numberedBy: &media.accounts[account].nextNumber,
                to: &outbox, by: route, protectedBy: srtp, &unprotected, at: now)
            if frame.isKeyFrame { media.outgoing[index].demand.keyFrameLeft(at: now) }
        case .repetition(let sequence):
            Self.repeatPacket(
                sequence, by: &media.outgoing[index], numberedBy: &media.accounts[account].nextNumber, to: &outbox,
                by: route, protectedBy: srtp, &unprotected, at: now)
        }
    }

    private mutating func pad(_ account: Int, to route: DatagramRoute, protectedBy srtp: SRTPSender, at now: Instant) {
        let transport = media.accounts[account].transport
        guard let index = media.outgoing.firstIndex(where: { $0.transport == transport && $0.sender.canPad }) else {
            return
        }
        let step = media.accounts[account].paddingStep
        media.accounts[account].paddingStep &+= 1
        Self.writePadding(
            step, by: &media.outgoing[index], numberedBy: &media.accounts[account].nextNumber, to: &outbox, by: route,
            protectedBy: srtp, &unprotected, at: now)
    }

    /// What was dropped is made good by a key frame.
    private mutating func askForKeyFrame(by transport: PeerTransport.ID, at now: Instant) {
        for index in media.outgoing.indices
        where media.outgoing[index].transport == transport && media.outgoing[index].kind == .video {
            guard media.outgoing[index].demand.request(roundTripTime: nil, at: now) else { continue }
            events.append(.keyFrameRequested(media.outgoing[index].transceiver))
        }
    }

    // MARK: What is heard of it

    private mutating func followEstimator(of account: Int) {
        guard media.accounts[account].estimator.hasOutput else { return }
        while let output = media.accounts[account].estimator.nextOutput() {
            if case .probe(let cluster) = output { media.accounts[account].pacer.probe(cluster) }
        }
    }

    private mutating func informed(_ account: Int, at now: Instant) {
        followEstimator(of: account)
        media.accounts[account].repairs.handle(
            lossFraction: media.accounts[account].estimator.lossFraction,
            roundTripTime: media.accounts[account].estimator.minimumRoundTripTime, at: now)
        media.accounts[account].pacer.follow(media.accounts[account].estimator, at: now)
        depart(account, at: now)
    }

    /// Takes the other side's word on which packets of a transport arrived, and when.
    mutating func take(_ feedback: TransportFeedback, at now: Instant) {
        // transports that feedback came by are not told apart: it names a stream of the one that it is about
        guard let account = account(of: feedback.media) else { return discard(.unknownStream) }
        media.accounts[account].estimator.handleTransportFeedback(
            base: feedback.baseSequenceNumber.rawValue, count: feedback.statusCount,
            arrivals: feedback.arrivals.map { PacketArrival(number: $0.sequenceNumber.rawValue, ticks: $0.ticks) },
            at: now)
        informed(account, at: now)
    }

    /// Takes the other side's estimate of a path (draft-alvestrand-rmcat-remb-03).
    mutating func take(_ estimate: ReceiverEstimatedMaximumBitrate, at now: Instant) {
        guard let source = estimate.sources.first(where: { account(of: $0) != nil }), let account = account(of: source)
        else { return discard(.unknownStream) }
        media.accounts[account].estimator.handleREMB(Double(estimate.bitsPerSecond), at: now)
        informed(account, at: now)
    }

    /// Takes what report blocks say of the losses and the round trip: of several streams, the one that loses most counts.
    mutating func noteLosses(_ blocks: [ReportBlock], at now: Instant) {
        for account in media.accounts.indices {
            let transport = media.accounts[account].transport
            var worst: (lost: Double, roundTrip: Duration?)?
            for stream in media.outgoing where stream.transport == transport {
                guard blocks.contains(where: { $0.ssrc == stream.sender.ssrc }) else { continue }
                let remote = stream.sender.remote
                if worst.map({ $0.lost < remote.fractionLost }) ?? true {
                    worst = (remote.fractionLost, remote.roundTripTime)
                }
            }
            guard let worst else { continue }
            media.accounts[account].estimator.handleReceiverReport(
                fractionLost: worst.lost, roundTripTime: worst.roundTrip, at: now)
            informed(account, at: now)
        }
    }

    private func account(of ssrc: SSRC) -> Int? {
        // with one transport it is that one, whatever stream it names: some name 0
        guard media.accounts.count != 1 else { return 0 }
        guard let stream = media.outgoing.first(where: { $0.uses(ssrc) }) else { return nil }
        return media.accounts.firstIndex { $0.transport == stream.transport }
    }

    /// Does what is due.
    mutating func followBandwidth(of account: Int, at now: Instant) {
        if let deadline = media.accounts[account].estimator.deadline, deadline <= now {
            media.accounts[account].estimator.timePassed(at: now)
            return informed(account, at: now)
        }
        if let deadline = media.accounts[account].pacer.deadline, deadline <= now { depart(account, at: now) }
    }
}
