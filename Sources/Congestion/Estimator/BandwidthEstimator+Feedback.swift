public import Wire

/// A packet that feedback told the arrival of.
struct PacketResult: Sendable {
    let sent: Instant
    let arrived: Duration
    let size: Int
    let cluster: ProbeCluster.ID?
}

/// Transport-wide feedback.
extension BandwidthEstimator {
    /// Takes a feedback message: of the packets `base` to `base` + `count` − 1 those in `arrivals` arrived. What cannot be
    /// is discarded and counted.
    public mutating func handleTransportFeedback(
        base: UInt16, count: UInt16, arrivals: [PacketArrival], at now: Instant
    ) {
        var report = LossBasedBound.Report()
        // while the window holds packets back, delays show nothing of what the rate would do
        let wasHeldBack = isCongested
        let newest = collect(arrivals, into: &report, at: now)
        guard let newest else { return }
        countLosses(from: base, count: count, upTo: newest, in: &report)
        finishWaiting(at: now)
        statistics.feedbackMessages += 1

        results.sort { $0.arrived < $1.arrived }
        measureRoundTrip(at: now)
        let before = usage
        var probed: Double?
        for result in results {
            throughput.append(sent: result.sent, arrived: result.arrived, size: result.size)
            if let delta = groups.handle(sent: result.sent, arrived: result.arrived) { trendline.handle(delta) }
            if let cluster = result.cluster,
                let bitrate = probes.handle(
                    cluster, sent: result.sent, arrived: result.arrived, size: result.size)
            {
                probed = bitrate
            }
        }
        throughput.update()
        if usage != before { emit(.usageChanged(usage)) }
        control(probed, report, wasHeldBack: wasHeldBack, at: now)
    }

    /// Notes what arrived. Returns the highest number of the message that was sent; nil where nothing is new.
    private mutating func collect(
        _ arrivals: [PacketArrival], into report: inout LossBasedBound.Report, at now: Instant
    ) -> Int64? {
        results.removeAll(keepingCapacity: true)
        var newest: Int64?
        var (last, implausible): (UInt32?, UInt32?)
        for arrival in arrivals {
            guard let number = history.unwrap(arrival.number), let packet = history.packet(number) else {
                statistics.unknownArrivals += 1
                continue
            }
            guard packet.fate != .received else {
                statistics.repeatedArrivals += 1
                continue
            }
            guard let time = clock.time(of: arrival.ticks, at: now) else {
                statistics.implausibleArrivals += 1
                implausible = arrival.ticks
                continue
            }
            if packet.fate == .lost {
                statistics.packetsRecovered += 1
                report.lost -= 1
            } else {
                report.add(packet)
            }
            history.settle(number, as: .received)
            statistics.packetsAcknowledged += 1
            newest = max(newest ?? number, number)
            last = last.map { Int32(bitPattern: arrival.ticks &- $0) > 0 ? arrival.ticks : $0 } ?? arrival.ticks
            results.append(PacketResult(sent: packet.sent, arrived: time, size: packet.size, cluster: packet.cluster))
        }
        if let last {
            clock.advance(to: last, at: now)
        } else if let implausible {
            // a whole message out of time: the receiver's clock was set, and the next ones will agree with this one
            statistics.clockJumps += 1
            clock.jump(to: implausible, at: now)
            (groups, trendline, throughput) = (InterGroupDelays(), TrendlineEstimator(), AcknowledgedBitrate())
        }
        return newest
    }

    /// Takes for lost what the message covers and does not name, before the last that arrived.
    private mutating func countLosses(
        from base: UInt16, count: UInt16, upTo newest: Int64, in report: inout LossBasedBound.Report
    ) {
        guard let first = history.unwrap(base), first < newest else { return }
        for number in history.held(first..<min(first + Int64(count), newest)) {
            guard let packet = history.packet(number), packet.fate == .unknown else { continue }
            history.settle(number, as: .lost)
            statistics.packetsLost += 1
            report.add(packet)
            report.lost += 1
        }
    }

    /// The path's round trip: without what each packet waited at the receiver for the message to leave.
    private mutating func measureRoundTrip(at now: Instant) {
        guard let last = results.last?.arrived else { return }
        let trips = results.lazy.map { now - $0.sent - (last - $0.arrived) }.filter { $0 >= .zero }
        if let least = trips.min() { roundTrips.append(least, at: now) }
    }

    /// The most that a probe leaves in the queue, and for how long.
    private static let shortQueue = Duration.milliseconds(100)
    private static let probesTime = Duration.milliseconds(250)

    private mutating func control(
        _ probed: Double?, _ report: LossBasedBound.Report, wasHeldBack: Bool, at now: Instant
    ) {
        let roundTrip = roundTripTime ?? Self.initialRoundTrip
        if let probed, usage != .overusing, probed > rateControl.bitrate {
            statistics.probesSucceeded += 1
            let bitrate = min(probed, ceiling)
            rateControl.probed(bitrate, at: now)
            lossBound.probed(bitrate)
        } else if let probed, isFirstProbe, probed < rateControl.bitrate {
            // the start rate is a guess, and this the first that is known
            rateControl.set(probed, at: now)
        } else {
            if results.contains(where: { $0.cluster != nil }) { lastProbeArrival = now }
            // A short queue right behind a probe is the probe's; and where packets arrive as fast as they left, the
            // last decrease has done its work.
            let isProbes = lastProbeArrival.map { now - $0 < Self.probesTime } ?? false
            let isOver = isProbes || !throughput.arrivesSlower
            let holds =
                wasHeldBack && usage == .normal
                || usage == .overusing && isOver
                    && roundTrips.queueing < Self.shortQueue
            rateControl.update(
                holds ? .underusing : usage, acknowledged: throughput.bitrate,
                carried: throughput.carriedBitrate, full: throughput.recentBitrate, roundTripTime: roundTrip, at: now)
        }
        let lowest = configuration.minimumBitrate
        if rateControl.bitrate < lowest { rateControl.set(lowest, at: now) }
        if rateControl.bitrate > configuration.maximumBitrate { rateControl.set(configuration.maximumBitrate, at: now) }
        lossBound.handle(
            report, delayBased: rateControl.bitrate,
            acknowledged: isApplicationLimited ? nil : throughput.bitrate)
        if probed != nil { isFirstProbe = false }
        update(at: now)
        if let probed, let cluster = plan.probed(probed, situation, at: now) { ask(for: cluster) }
        probeIfDue(at: now)
    }

    // MARK: Feedback that stays out

    private static let leastTimeout = Duration.seconds(1)
    private static let maximumFeedbackInterval = Duration.milliseconds(250)

    private mutating func finishWaiting(at now: Instant) {
        if let lastFeedback {
            let interval = min(max(now - lastFeedback, .zero), Self.maximumFeedbackInterval)
            feedbackInterval += .nanoseconds((interval - feedbackInterval).nanoseconds / 8)
        }
        lastFeedback = now
        awaitingSince = history.bytesInFlight > 0 ? now : nil
        if lastTimeout != nil {
            lastTimeout = nil
            plan.hasten(at: now)
        }
    }

    /// RFC 5348 §4.3, the no-feedback timer: when nothing came back for four round trips, half the rate.
    mutating func checkForTimeout(at now: Instant) {
        // who never sent feedback is known by other reports
        guard lastFeedback != nil, let since = awaitingSince else { return }
        let timeout = max((roundTripTime ?? Self.initialRoundTrip) * 4, Self.leastTimeout)
        guard now - since >= timeout else { return }
        statistics.feedbackTimeouts += 1
        lastTimeout = now
        awaitingSince = now
        history.giveUp()
        rateControl.set(max(min(rateControl.bitrate, targetBitrate) / 2, configuration.minimumBitrate), at: now)
    }
}

extension LossBasedBound.Report {
    fileprivate mutating func add(_ packet: SentPacket) {
        packets += 1
        bytes += packet.size
        sent = min(sent?.lowerBound ?? packet.sent, packet.sent)...max(sent?.upperBound ?? packet.sent, packet.sent)
    }
}
