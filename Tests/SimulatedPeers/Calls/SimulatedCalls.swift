import CSeededRandom
import CVirtualClock
import DTLS
internal import PeerConnection
internal import RTP
internal import SDP
package import Wire

/// Calls between hosts of a simulated internet, with signalling beside it, under one virtual clock. Everything follows
/// from the seed.
package final class SimulatedCalls {
    private enum Signal {
        case description(RTCSessionDescription)
        case candidate(RTCIceCandidate)
    }

    package let random: SeededRandomSource
    package let internet: SimulatedInternet
    package private(set) var now = Instant.zero + .seconds(1000)
    package internal(set) var ends: [CallEnd] = []
    /// The signalling channels are reliable and keep their order, as a WebSocket does.
    package var signalDelay: ClosedRange<Duration> = .milliseconds(8) ... .milliseconds(8)
    /// Whether broken calls are mended by an ICE restart.
    package var recovers = true
    /// Receives a line for everything that happens; nil for silence.
    package var trace: ((String) -> Void)?
    private var signals: [(arrives: Instant, order: Int, to: Int, signal: Signal)] = []
    private var signalCount = 0

    package static let stunServer = SocketAddress(.v4(0xC633_6435), port: 3478)  // 198.51.100.53

    package init(seed: UInt64) {
        _ = SimulatedCertificates.all  // made by a sequence of their own
        seeded_random_begin(seed)
        random = SeededRandomSource(seed: seed)
        internet = SimulatedInternet(random: random)
        virtual_clock_set(now.nanoseconds)
        _ = internet.addHost(in: .public, addresses: [Self.stunServer.ip], server: SimulatedSTUNServer())
    }

    deinit {
        virtual_clock_clear()
        seeded_random_end()
    }

    // MARK: The calls

    /// Two ends of a call between hosts with these addresses; the first is polite. Their indices follow each other.
    package func addCall(
        _ polite: SimulatedInternet.HostID, _ politeAddresses: [IPAddress], _ impolite: SimulatedInternet.HostID,
        _ impoliteAddresses: [IPAddress]
    ) -> (polite: Int, impolite: Int) {
        let first = ends.count
        add(polite, politeAddresses, partner: first + 1, isPolite: true)
        add(impolite, impoliteAddresses, partner: first, isPolite: false)
        return (first, first + 1)
    }

    private func add(_ host: SimulatedInternet.HostID, _ addresses: [IPAddress], partner: Int, isPolite: Bool) {
        let port = UInt16(5000 + ends.count / 2)
        ends.append(
            CallEnd(
                host: host, partner: partner, sockets: addresses.map { SocketAddress($0, port: port) },
                connection: makeConnection(of: ends.count), negotiation: PerfectNegotiation(isPolite: isPolite)))
        gather(ends.count - 1)
    }

    private func makeConnection(of end: Int) -> RTCPeerConnection {
        let certificate = SimulatedCertificates.all[end % SimulatedCertificates.all.count]
        var configuration = RTCPeerConnection.Configuration(certificate: certificate)
        configuration.stunServers = [Self.stunServer]
        return RTCPeerConnection(configuration: configuration, random: random)
    }

    private func gather(_ end: Int) {
        for (index, socket) in ends[end].sockets.enumerated() {
            let preference = UInt16(65535 - index)
            ends[end].connection.handle(.localAddressAdded(socket, preference: preference), at: now)
        }
        ends[end].connection.handle(.localAddressesEnded, at: now)
    }

    /// Changes one end as its application would, and lets it tell what came of it.
    package func act<Result>(_ end: Int, _ body: (inout CallEnd, Instant) throws -> Result) rethrows -> Result {
        defer { drain(end) }
        return try body(&ends[end], now)
    }

    /// The page is loaded anew: the end's connection is gone without a word, and another takes its place on both sides.
    package func reload(_ end: Int, _ prepare: (inout CallEnd, Instant) -> Void) {
        for index in [end, ends[end].partner] {
            let isPolite = ends[index].negotiation.isPolite
            if index != end { ends[index].connection.close(at: now) }
            drain(index)
            signals.removeAll { $0.to == index }
            ends[index].connection = makeConnection(of: index)
            ends[index].negotiation = PerfectNegotiation(isPolite: isPolite)
            ends[index].recoversAt = nil
            gather(index)
            prepare(&ends[index], now)
        }
        drain(end)
        drain(ends[end].partner)
    }

    /// The host of `end` loses its addresses; `body` takes it elsewhere and returns those it has there.
    package func changeAddress(of end: Int, after gap: Duration, _ body: () -> [IPAddress]) {
        let host = ends[end].host
        let affected = ends.indices.filter { ends[$0].host == host }
        internet.setReachable(false, host)
        for index in affected {
            act(index) { end, now in
                for socket in end.sockets { end.connection.handle(.localAddressRemoved(socket), at: now) }
                end.sockets = []
            }
        }
        run(for: gap)
        let addresses = body()
        internet.setReachable(true, host)
        for index in affected {
            act(index) { end, now in
                end.sockets = addresses.map { SocketAddress($0, port: UInt16(6000 + index)) }
                for socket in end.sockets {
                    end.connection.handle(.localAddressAdded(socket, preference: 65535), at: now)
                }
                end.connection.restartIce()
            }
        }
    }

    // MARK: Time

    /// Runs until `condition` holds; false where it does not within `limit` of virtual time.
    @discardableResult
    package func run(for limit: Duration, until condition: (SimulatedCalls) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        for index in ends.indices { drain(index) }
        while !condition(self) {
            guard let next = nextEvent, next <= end else {
                move(to: end)
                return condition(self)
            }
            move(to: max(next, now))
            step()
        }
        return true
    }

    private var nextEvent: Instant? {
        var next = earliest(internet.deadline, signals.first?.arrives)
        for end in ends { next = earliest(next, end.connection.deadline, end.recoversAt) }
        return next
    }

    private func move(to instant: Instant) {
        now = instant
        virtual_clock_set(now.nanoseconds)
    }

    private func step() {
        for (host, datagram) in internet.advance(to: now) {
            let index = ends.firstIndex { $0.host == host && $0.sockets.contains(datagram.to) }
            guard let index else { continue }
            act(index) { end, now in
                end.connection.handle(.datagram(datagram.bytes, local: datagram.to, remote: datagram.from), at: now)
            }
        }
        while let next = signals.first, next.arrives <= now {
            signals.removeFirst()
            receive(next.signal, on: next.to)
        }
        for index in ends.indices {
            if let deadline = ends[index].connection.deadline, deadline <= now {
                act(index) { end, now in end.connection.handle(.timePassed, at: now) }
            }
            if let time = ends[index].recoversAt, time <= now { recover(index) }
        }
    }

    /// The call is broken and has not come back by itself.
    private func recover(_ index: Int) {
        act(index) { end, now in
            end.recoveries += 1
            end.recoversAt = now + .seconds(8)
            end.connection.restartIce()
        }
        trace?("\(stamp) end \(index) restarts ICE")
    }

    // MARK: Signals

    /// Whether every exchange of descriptions is over.
    package var areStable: Bool {
        signals.isEmpty && ends.allSatisfy { $0.connection.signalingState == .stable }
    }

    private func send(_ signal: Signal, to end: Int) {
        let spread = (signalDelay.upperBound - signalDelay.lowerBound).nanoseconds
        let delay = signalDelay.lowerBound + .nanoseconds(spread == 0 ? 0 : Int64(random.below(Int(spread))))
        let last = signals.last { $0.to == end }?.arrives ?? now
        signals.append((max(last, now + delay), signalCount, end, signal))
        signals.sort { ($0.arrives, $0.order) < ($1.arrives, $1.order) }
        signalCount += 1
    }

    private func receive(_ signal: Signal, on index: Int) {
        act(index) { end, now in
            do throws(RTCError) {
                switch signal {
                case .description(let description):
                    trace?("\(stamp) end \(index) takes the \(description.type.rawValue)")
                    let answer = try end.negotiation.received(description, on: &end.connection, at: now)
                    if let answer { send(.description(answer), to: end.partner) }
                case .candidate(let candidate):
                    try end.negotiation.received(candidate, on: &end.connection, at: now)
                }
            } catch {
                trace?("\(stamp) end \(index): \(error)")
                end.errors.append(error)
            }
        }
    }

    // MARK: Outputs

    private func drain(_ index: Int) {
        while let event = ends[index].connection.nextOutput() { take(event, on: index) }
        let batch = ends[index].connection.outbox
        guard !batch.isEmpty else { return }
        ends[index].connection.outbox.removeAll()
        for entry in batch.entries {
            let datagram = SimulatedDatagram(Array(batch.storage[entry.range]), from: entry.local, to: entry.remote)
            if let trace { trace("\(stamp) end \(index) sends \(datagram.summary)") }
            internet.send(datagram, from: ends[index].host, at: now)
        }
    }

    private func take(_ event: RTCPeerConnection.Event, on index: Int) {
        switch event {
        case .negotiationNeeded:
            guard ends[index].negotiatesByItself else { return }
            do throws(RTCError) {
                let offer = try ends[index].negotiate(at: now)
                if let offer { send(.description(offer), to: ends[index].partner) }
            } catch {
                ends[index].errors.append(error)
            }
        case .iceCandidate(let candidate):
            if let trace { trace("\(stamp) end \(index) has \(candidate.candidate)") }
            send(.candidate(candidate), to: ends[index].partner)
        case .connectionStateChanged(let state):
            take(state, on: index)
        case .packet(let transceiver, _, _):
            ends[index].received[transceiver, default: 0] += 1
        case .keyFrameRequested(let transceiver):
            ends[index].keyFramesWanted.insert(transceiver)
        case .message(_, let message):
            ends[index].take(message)
        case .dataChannelError(_, let error):
            ends[index].errors.append(.operation("\(error)"))
        default:
            break
        }
    }

    private func take(_ state: RTCPeerConnectionState, on index: Int) {
        trace?("\(stamp) end \(index) is \(state.rawValue)")
        ends[index].connectionStates.append(state)
        switch state {
        case .connected:
            if ends[index].connectedAt == nil { ends[index].connectedAt = now }
            ends[index].recoversAt = nil
        case .disconnected, .failed:
            // the impolite end first, so that mostly no two restarts cross
            let patience: Duration = state == .failed ? .zero : .seconds(1)
            guard recovers else { return }
            ends[index].recoversAt = now + patience + (ends[index].negotiation.isPolite ? .seconds(3) : .zero)
        case .closed:
            ends[index].recoversAt = nil
        case .new, .connecting:
            break
        }
    }

    private var stamp: String { "\((now - .zero).milliseconds - 1_000_000)" }

    // MARK: Media

    /// Every end sends on all that was agreed on, a sound and a picture every 20 ms, until something of all of it has
    /// arrived everywhere, or until another `condition` holds; false where it has not within `limit`.
    package func exchangeMedia(
        limit: Duration, until condition: (SimulatedCalls) -> Bool = { $0.ends.allSatisfy(hasMedia) }
    ) -> Bool {
        for index in ends.indices { ends[index].received = [:] }
        let end = now + limit
        while now < end {
            for index in ends.indices { sendMedia(index) }
            run(for: .milliseconds(20))
            if condition(self) { return true }
        }
        return false
    }

    package static func hasMedia(_ end: CallEnd) -> Bool {
        let receiving = end.receiving
        return !receiving.isEmpty && receiving.allSatisfy { end.received[$0.id, default: 0] >= 3 }
    }

    private func sendMedia(_ index: Int) {
        act(index) { end, now in
            for transceiver in end.sending {
                let isKeyFrame = end.frames == 0 || end.keyFramesWanted.remove(transceiver.id) != nil
                let frame: PacketizedFrame =
                    transceiver.kind == .video
                    ? .simulatedPicture(end.frames, isKeyFrame: isKeyFrame, at: now)
                    : .simulatedSound(end.frames, at: now)
                end.connection.send(frame, on: transceiver.id, at: now)
            }
            end.frames += 1
            end.sendNumber(at: now)
        }
    }

    /// Waits until every number that was sent has come; false where it has not within `limit`.
    package func receiveAllNumbers(limit: Duration) -> Bool {
        run(for: limit) { calls in
            calls.ends.allSatisfy { $0.numbersReceived == calls.ends[$0.partner].numbersSent }
        }
    }

    // MARK: The end

    /// Closes every end. Returns what is left of them after the last datagram has come down.
    package func closeAll() -> [String] {
        for index in ends.indices {
            act(index) { end, now in end.connection.close(at: now) }
        }
        let sent = internet.sent
        run(for: .seconds(60)) { !$0.internet.isBusy && $0.signals.isEmpty }
        var left: [String] = []
        if internet.sent != sent { left.append("closed connections have sent \(internet.sent - sent) datagrams") }
        for (index, end) in ends.enumerated() {
            if end.connection.deadline != nil { left.append("the closed end \(index) waits for something") }
            if end.connection.connectionState != .closed { left.append("the end \(index) is not closed") }
        }
        return left
    }
}

extension SimulatedDatagram {
    /// For a trace.
    var summary: String {
        let kind =
            switch bytes.first {
            case .some(0...3): "STUN"
            case .some(20...63): "DTLS"
            case .some(128...191): "RTP/RTCP"
            default: "?"
            }
        return "\(kind) of \(bytes.count) bytes from \(from) to \(to)"
    }
}
