internal import PeerConnection
internal import SDP
internal import Wire

extension CallScenario {
    /// How long a call may take until it is up; an ICE agent that has been unlucky is started anew within it.
    private static let setupLimit = Duration.seconds(60)
    /// How long a broken call may take until it is mended and media flow.
    private static let recoveryLimit = Duration.seconds(60)
    /// How long media may take to arrive once a call is up.
    private static let mediaLimit = Duration.seconds(10)
    /// When a call between ends that cannot reach each other must have been given up (RFC 8863: 30 s of patience, and
    /// the checks that were under way).
    private static let failureLimit = Duration.seconds(90)

    /// Runs the call; `trace` receives a line for everything that happens.
    package func run(trace: ((String) -> Void)? = nil) -> CallOutcome {
        var outcome = CallOutcome(kind: kind, seed: seed)
        let calls = SimulatedCalls(seed: seed)
        calls.trace = trace
        calls.signalDelay = signalDelay
        trace?("\(topology)\n\(conditions)")

        let sites = topology.build(in: calls.internet)
        let hosts = sites.map {
            calls.internet.addHost(in: $0.network, addresses: $0.addresses, conditions: linkConditions)
        }
        for left in hosts.indices {
            for right in hosts.indices where left < right {
                _ = calls.addCall(hosts[left], sites[left].addresses, hosts[right], sites[right].addresses)
                outcome.hasPath = outcome.hasPath && topology.hasPath(left, right)
            }
        }
        if outcome.hasPath { connect(calls, &outcome) } else { expectFailure(calls, &outcome) }
        outcome.recoveries = calls.ends.reduce(0) { $0 + $1.recoveries }
        for (index, end) in calls.ends.enumerated() {
            outcome.failures += end.errors.map { "end \(index): \($0)" }
        }
        outcome.failures += calls.closeAll()
        return outcome
    }

    // MARK: The call

    private func connect(_ calls: SimulatedCalls, _ outcome: inout CallOutcome) {
        let start = calls.now
        begin(calls)
        outcome.isConnected = calls.run(for: Self.setupLimit) {
            $0.ends.allSatisfy { $0.connectedAt != nil } && $0.ends.allSatisfy(\.isConnected)
        }
        guard outcome.isConnected else {
            let states = calls.ends.map { $0.connectionStates.map(\.rawValue).joined(separator: ",") }
            return outcome.failures.append("not connected: \(states)")
        }
        outcome.setup = calls.ends.compactMap(\.connectedAt).max().map { $0 - start }
        guard calls.exchangeMedia(limit: Self.mediaLimit) else {
            return outcome.failures.append("no media: \(Self.missing(calls))")
        }
        disturb(calls, &outcome)
        // whatever was renegotiated in the end is agreed on
        if !calls.run(for: .seconds(30), until: \.areStable) { outcome.failures.append("never stable again") }
        if hasData { checkNumbers(calls, &outcome) }
    }

    /// Both sides add what they have to send; the offers may cross.
    private func begin(_ calls: SimulatedCalls) {
        for index in calls.ends.indices {
            let startsLate = index % 2 == 1 && random.below(2) == 0
            if startsLate { calls.run(for: .milliseconds(random.below(120))) }
            calls.act(index) { end, now in prepare(&end, at: now) }
        }
    }

    /// Whether the call has a data channel, on which every number that is sent must arrive, in order.
    private var hasData: Bool { seed % 2 == 0 }

    private func prepare(_ end: inout CallEnd, at now: Instant) {
        _ = end.connection.addTrack(.audio, streamID: "simulated")
        _ = end.connection.addTrack(.video, streamID: "simulated")
        if hasData { end.addChannel(at: now) }
    }

    private func expectFailure(_ calls: SimulatedCalls, _ outcome: inout CallOutcome) {
        calls.recovers = false
        begin(calls)
        let isOver = calls.run(for: Self.failureLimit) { calls in
            calls.ends.allSatisfy { $0.connection.connectionState == .failed }
        }
        outcome.isConnected = calls.ends.allSatisfy { $0.connectedAt != nil }
        if outcome.isConnected { outcome.failures.append("connected where no path was thought to be") }
        if !isOver { outcome.failures.append("not given up: \(calls.ends.map(\.connection.connectionState))") }
    }

    private func checkNumbers(_ calls: SimulatedCalls, _ outcome: inout CallOutcome) {
        let isOpen =
            calls.ends.allSatisfy { $0.numbersSent > 0 }
            || calls.exchangeMedia(limit: Self.recoveryLimit) { $0.ends.allSatisfy { $0.numbersSent > 0 } }
        guard isOpen, calls.receiveAllNumbers(limit: Self.recoveryLimit) else {
            let counts = calls.ends.map { "\($0.numbersSent) sent, \($0.numbersReceived) received" }
            return outcome.failures.append("messages missing: \(counts)")
        }
    }

    private static func missing(_ calls: SimulatedCalls) -> String {
        calls.ends.enumerated().map { index, end in
            "end \(index) \(end.connection.connectionState) \(end.receiving.map { "\($0.kind) \(end.received[$0.id, default: 0])" })"
        }.joined(separator: ", ")
    }

    // MARK: What happens in mid-call

    private func disturb(_ calls: SimulatedCalls, _ outcome: inout CallOutcome) {
        let end = random.below(calls.ends.count)
        let began = calls.now
        switch kind {
        case .addressChange:
            changeAddress(of: end, calls)
        case .translatorRestart:
            calls.internet.rebootNAT(above: calls.ends[end].host)
        case .silence:
            // consent checks alone keep the mappings
            calls.run(for: .seconds(120))
            for end in calls.ends where end.connectionStates.last != .connected || end.recoveries > 0 {
                outcome.failures.append("silence has ended the call")
            }
        case .outage:
            calls.internet.setReachable(false, calls.ends[end].host)
            calls.run(for: .milliseconds(500 + random.below(45_000)))
            calls.internet.setReachable(true, calls.ends[end].host)
        case .iceRestart:
            for index in calls.ends.indices where index == end || random.below(2) == 0 {
                calls.act(index) { end, _ in end.connection.restartIce() }
                if random.below(2) == 0 { calls.run(for: .milliseconds(random.below(400))) }
            }
        case .renegotiation:
            renegotiate(calls)
        case .reload:
            calls.reload(end) { prepare(&$0, at: $1) }
        default:
            return
        }
        let isMended = calls.run(for: Self.recoveryLimit) { calls in
            calls.areStable && calls.ends.allSatisfy(\.isConnected)
        }
        // where consent is still fresh a path that is gone looks well: media tell
        guard isMended, calls.exchangeMedia(limit: Self.recoveryLimit) else {
            return outcome.failures.append("not recovered: \(Self.missing(calls))")
        }
        outcome.recovery = calls.now - began
    }

    /// To another network, where there is a path again.
    private func changeAddress(of end: Int, _ calls: SimulatedCalls) {
        // the polite end's host is the first
        let moving = end % 2
        var moved = topology
        moved.places[moving] = random.below(3) == 0 ? .public : place(isShared: false)
        if !moved.hasPath(0, 1) { moved.places[moving] = .public }
        let target = Topology([moved.places[moving]])
        calls.changeAddress(of: end, after: .milliseconds(50 + random.below(3000))) {
            let site = target.build(in: calls.internet, first: 100)[0]
            calls.internet.move(calls.ends[end].host, to: site.network, addresses: site.addresses)
            return site.addresses
        }
    }

    private func renegotiate(_ calls: SimulatedCalls) {
        for _ in 0..<(2 + random.below(4)) {
            let choice = random.below(3)
            calls.act(random.below(calls.ends.count)) { end, _ in
                let transceivers = end.connection.allTransceivers.filter { !$0.isStopped }
                switch choice {
                case 0:
                    _ = end.connection.addTrack(.video, streamID: "another")
                case 1:
                    _ = end.connection.addTransceiver(.audio, direction: .sendonly, streamID: "third")
                default:
                    guard let last = transceivers.last else { return }
                    end.connection.setDirection(last.direction.sends ? .recvonly : .sendrecv, of: last.id)
                }
            }
            if random.below(2) == 0 { calls.run(for: .milliseconds(random.below(300))) }
        }
    }
}
