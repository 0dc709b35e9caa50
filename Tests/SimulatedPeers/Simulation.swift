import CVirtualClock
import DTLS
package import ICE
package import PeerConnection
package import RTP
package import SDP
package import Wire

/// One of two simulated endpoints: its connection, its side of perfect negotiation, and what it was told.
package struct Endpoint {
    package let address: SocketAddress
    package var peer: RTCPeerConnection
    package var negotiation: PerfectNegotiation
    package var connectionStates: [RTCPeerConnectionState] = []
    package var signalingStates: [RTCSignalingState] = []
    package var packets: [(TransceiverID, RTPPacket, sequence: Int64)] = []
    package var keyFrameRequests = 0
    package var accessUnits: [(TransceiverID, H264Depacketizer.Frame)] = []
    package var transportFeedback: [TransportFeedback] = []
    package var estimates: [UInt64] = []
    package var tracks: [MediaKind: Bool] = [:]
    /// Data channels that the other side has made, and what was told of each channel.
    package var remoteChannels: [DataChannelID] = []
    package var channelStates: [DataChannelID: [RTCDataChannelState]] = [:]
    package var channelErrors: [DataChannelID: RTCDataChannelError] = [:]
    package var messages: [DataChannelID: [DataChannelMessage]] = [:]
    package var lowBuffers: [DataChannelID: Int] = [:]
    package var negotiationErrors: [RTCError] = []
    package var candidateErrors: [RTCIceCandidateError] = []
    package var credentialsWanted: [RTCIceServerURL] = []
    /// Whether `negotiationneeded` is acted on.
    package var negotiatesByItself = true

    package mutating func negotiate(at now: Instant) throws(RTCError) -> RTCSessionDescription? {
        try negotiation.negotiationNeeded(on: &peer, at: now)
    }
}

/// Two endpoints, a network and a signalling channel under one virtual clock. Everything follows from the seed.
package final class Simulation {
    package enum Side: Int, CaseIterable {
        case polite, impolite
        package var other: Side { self == .polite ? .impolite : .polite }
    }

    private enum Signal {
        case description(RTCSessionDescription)
        case candidate(RTCIceCandidate)
    }

    package let random: SeededRandomSource
    package var network: SimulatedNetwork
    package private(set) var now = Instant.zero + .seconds(1000)
    package private(set) var endpoints: [Endpoint]
    private var signals: [(arrives: Instant, order: Int, to: Side, signal: Signal)] = []
    private var signalCount = 0
    /// The signalling channel is reliable and keeps its order, as a WebSocket does.
    package var signalDelay = Duration.milliseconds(8)

    package static let turnAddress = SocketAddress(.v4(0xCB00_7101), port: 3478)

    /// Certificates take time to make; what is simulated does not depend on whose they are.
    private static let certificates = [try! DTLSCertificate(generatedAt: 0), try! DTLSCertificate(generatedAt: 0)]

    /// The TURN server of this internet, where there is one.
    package var turnServer: SimulatedTURNServer?
    /// The sockets and connections to it, by the local address that each has alone.
    private var relaySockets: [SocketAddress: (side: Side, stream: StreamID, isTCP: Bool)] = [:]
    private var nextRelayPort: UInt16 = 40_000

    /// Two endpoints that know nothing of each other. `sockets` is how many each has on its one IP address.
    package init(
        seed: UInt64, conditions: PathConditions = .perfect, policy: RTCBundlePolicy = .balanced, sockets: Int = 1,
        turnServer: SimulatedTURNServer.Options? = nil,
        configure: (inout RTCPeerConnection.Configuration, Side) -> Void = { _, _ in }
    ) {
        let random = SeededRandomSource(seed: seed)
        self.random = random
        network = SimulatedNetwork(conditions: conditions, random: random)
        self.turnServer = turnServer.map { SimulatedTURNServer(address: Self.turnAddress, options: $0, random: random) }
        endpoints = Side.allCases.map { side in
            let address = SocketAddress(.v4(0xC000_0201 + UInt32(side.rawValue)), port: 5000)
            var configuration = RTCPeerConnection.Configuration(certificate: Self.certificates[side.rawValue])
            configuration.bundlePolicy = policy
            configure(&configuration, side)
            return Endpoint(
                address: address, peer: RTCPeerConnection(configuration: configuration, random: random),
                negotiation: PerfectNegotiation(isPolite: side == .polite))
        }
        virtual_clock_set(now.nanoseconds)
        for side in Side.allCases {
            for number in 0..<sockets {
                let address = SocketAddress(self[side].address.ip, port: self[side].address.port + UInt16(number))
                self[side].peer.handle(.localAddressAdded(address, preference: 65535), at: now)
            }
            self[side].peer.handle(.localAddressesEnded, at: now)
        }
    }

    deinit {
        virtual_clock_clear()
    }

    package subscript(side: Side) -> Endpoint {
        get { endpoints[side.rawValue] }
        set { endpoints[side.rawValue] = newValue }
    }

    /// Changes one endpoint as its application would, and lets it tell what came of it.
    package func act<Result>(_ side: Side, _ body: (inout Endpoint, Instant) throws -> Result) rethrows -> Result {
        defer { drain(side) }
        return try body(&endpoints[side.rawValue], now)
    }

    /// Runs until `condition` holds; false where it does not within `limit` of virtual time.
    @discardableResult
    package func run(for limit: Duration, until condition: (Simulation) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        for side in Side.allCases { drain(side) }
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

    package var areConnected: Bool { endpoints.allSatisfy { $0.peer.connectionState == .connected } }
    package var areStable: Bool { endpoints.allSatisfy { $0.peer.signalingState == .stable } && signals.isEmpty }

    private var nextEvent: Instant? {
        let signal = signals.map(\.arrives).min()
        return ([signal, network.nextArrival] + endpoints.map(\.peer.deadline)).compactMap(\.self).min()
    }

    private func move(to instant: Instant) {
        now = instant
        virtual_clock_set(now.nanoseconds)
    }

    private func step() {
        for datagram in network.arrivals(at: now) {
            guard !takeForRelay(datagram) else { continue }
            guard let side = Side.allCases.first(where: { self[$0].address.ip == datagram.to.ip }) else { continue }
            act(side) { endpoint, now in
                endpoint.peer.handle(.datagram(datagram.bytes, local: datagram.to, remote: datagram.from), at: now)
            }
        }
        let due = signals.filter { $0.arrives <= now }.sorted { $0.order < $1.order }
        signals.removeAll { $0.arrives <= now }
        for signal in due { receive(signal.signal, on: signal.to) }
        for side in Side.allCases {
            guard let deadline = self[side].peer.deadline, deadline <= now else { continue }
            act(side) { endpoint, now in endpoint.peer.handle(.timePassed, at: now) }
        }
    }

    private func receive(_ signal: Signal, on side: Side) {
        act(side) { endpoint, now in
            do throws(RTCError) {
                switch signal {
                case .description(let description):
                    let answer = try endpoint.negotiation.received(description, on: &endpoint.peer, at: now)
                    if let answer { send(.description(answer), to: side.other) }
                case .candidate(let candidate):
                    try endpoint.negotiation.received(candidate, on: &endpoint.peer, at: now)
                }
            } catch {
                endpoint.negotiationErrors.append(error)
            }
        }
    }

    private func send(_ signal: Signal, to side: Side) {
        signals.append((now + signalDelay, signalCount, side, signal))
        signalCount += 1
    }

    private func drain(_ side: Side) {
        while let event = endpoints[side.rawValue].peer.nextOutput() { take(event, on: side) }
        let batch = endpoints[side.rawValue].peer.outbox
        endpoints[side.rawValue].peer.outbox.removeAll()
        for entry in batch.entries {
            network.send(Array(batch.storage[entry.range]), from: entry.local, to: entry.remote, at: now)
        }
    }

    private func take(_ event: RTCPeerConnection.Event, on side: Side) {
        switch event {
        case .negotiationNeeded:
            guard self[side].negotiatesByItself else { return }
            do throws(RTCError) {
                let offer = try self[side].negotiate(at: now)
                if let offer { send(.description(offer), to: side.other) }
            } catch {
                self[side].negotiationErrors.append(error)
            }
        case .iceCandidate(let candidate): send(.candidate(candidate), to: side.other)
        case .signalingStateChanged(let state): self[side].signalingStates.append(state)
        case .connectionStateChanged(let state): self[side].connectionStates.append(state)
        case .track(_, let kind, let isActive): self[side].tracks[kind] = isActive
        case .packet(let transceiver, let packet, let sequence):
            self[side].packets.append((transceiver, packet, sequence))
        case .keyFrameRequested: self[side].keyFrameRequests += 1
        // no simulated network has TCP, but to a TURN server, or names
        case .streamWanted(let stream, let local, let remote, _):
            guard remote == turnServer?.address, let local else {
                return self[side].peer.handle(.streamClosed(stream, reason: "nobody listens there"), at: now)
            }
            openRelaySocket(stream, isTCP: true, from: local, to: remote, on: side)
        case .relaySocketWanted(let stream, let local, let remote):
            openRelaySocket(stream, isTCP: false, from: local, to: remote, on: side)
        case .streamUnwanted(let stream):
            relaySockets = relaySockets.filter { $0.value.side != side || $0.value.stream != stream }
        case .iceCandidateError(let error): self[side].candidateErrors.append(error)
        case .iceCredentialsWanted(let url): self[side].credentialsWanted.append(url)
        case .nameWanted(let name): self[side].peer.handle(.nameResolved(name, []), at: now)
        case .accessUnit(let transceiver, let unit): self[side].accessUnits.append((transceiver, unit))
        case .transportFeedback(let feedback): self[side].transportFeedback.append(feedback)
        case .receiverEstimatedMaximumBitrate(let estimate): self[side].estimates.append(estimate.bitsPerSecond)
        case .dataChannel(let channel): self[side].remoteChannels.append(channel)
        case .dataChannelStateChanged(let channel, let state):
            self[side].channelStates[channel, default: []].append(state)
        case .dataChannelError(let channel, let error): self[side].channelErrors[channel] = error
        case .message(let channel, let message): self[side].messages[channel, default: []].append(message)
        case .bufferedAmountLow(let channel): self[side].lowBuffers[channel, default: 0] += 1
        case .iceGatheringStateChanged, .iceConnectionStateChanged: break
        }
    }

    // MARK: The TURN server

    private func openRelaySocket(
        _ stream: StreamID, isTCP: Bool, from local: IPAddress, to remote: SocketAddress, on side: Side
    ) {
        nextRelayPort += 1
        let address = SocketAddress(local, port: nextRelayPort)
        relaySockets[address] = (side, stream, isTCP)
        self[side].peer.handle(.streamOpened(stream, local: address, remote: remote), at: now)
    }

    /// Whether the datagram is to or from the TURN server, which then has it.
    private func takeForRelay(_ datagram: SimulatedNetwork.Datagram) -> Bool {
        if let (side, stream, _) = relaySockets[datagram.to] {
            act(side) { endpoint, now in endpoint.peer.handle(.streamBytes(stream, datagram.bytes), at: now) }
            return true
        }
        guard var server = turnServer else { return false }
        if server.relays(datagram.to) {
            server.receive(relayed: datagram.bytes, at: datagram.to, from: datagram.from, at: now)
        } else if datagram.to == server.address {
            if let socket = relaySockets[datagram.from], socket.isTCP {
                server.receive(stream: datagram.bytes, from: .stream(socket.stream.rawValue, datagram.from), at: now)
            } else {
                server.receive(datagram.bytes, from: .udp(datagram.from), at: now)
            }
        } else {
            return false
        }
        for output in server.takeOutputs() {
            switch output {
            case .client(let client, let bytes):
                network.send(bytes, from: server.address, to: client.address, at: now)
            case .peer(let bytes, let from, let to):
                network.send(bytes, from: from, to: to, at: now)
            }
        }
        turnServer = server
        return true
    }
}
