import DTLS
import ICE
import SRTP
import Wire

/// One transport of a connection: an ICE agent, the DTLS association above it, and the SRTP contexts that its handshake
/// made (W3C RTCIceTransport and RTCDtlsTransport). The media descriptions of a BUNDLE group share one; a media
/// description outside of any has its own (RFC 9143, RFC 8829 §4.1.1).
struct PeerTransport {
    /// Names a transport of one connection.
    struct ID: Hashable, Sendable {
        let rawValue: Int
    }

    /// DTLS datagrams kept until the role is known: a whole flight of a ClientHello.
    static let earlyDTLSLimit = 8

    let id: ID
    /// The addresses it was given; a socket may serve several transports.
    private(set) var addresses: [SocketAddress] = []
    var ice: ICEAgent
    var relays: Relays
    private var policy: RTCIceTransportPolicy
    /// Whether it gathers for a description that is still to be made, and whether what it gathered so is untold.
    var isPooled = false
    var hasUntoldCandidates = false
    /// Which of the connection's configurations it gathers by.
    var gatheringGeneration = 0
    /// Whether every local address, and every server, was given.
    private var hasEndOfAddresses = false
    private var hasEndOfServers = false
    private var hasEndedGathering = false
    private(set) var dtls: DTLSTransport?
    private(set) var earlyDTLS: [[UInt8]] = []
    /// What the other side's last description says of its certificates.
    private var announced: [DTLSFingerprint] = []
    private(set) var srtpSender: SRTPSender?
    private(set) var srtpReceiver: SRTPReceiver?
    /// What SRTP protects packets with, once that was agreed on.
    private(set) var profile: SRTPProtectionProfile?
    /// The state of ICE, as far as the connection was told of it.
    private(set) var iceState = ICEConnectionState.new
    /// The state of gathering, as far as the connection was told of it.
    private(set) var gatheringState = ICEGatheringState.new
    /// Why it failed; nil while it has not.
    private(set) var failureReason: RTCPeerConnection.FailureReason?
    private var hasPair = false
    /// What went by it, STUN not counted.
    var traffic = TransportTraffic()

    /// A transport that gathers and checks nothing yet.
    init(
        id: ID, role: ICERole, credentials: ICECredentials, random: any RandomSource, configuration: ICEConfiguration,
        policy: RTCIceTransportPolicy, streamIDs: StreamIDSource
    ) {
        self.id = id
        self.policy = policy
        relays = Relays(
            configuration: configuration, hidesMappedAddresses: policy == .relay, streamIDs: streamIDs, random: random)
        ice = ICEAgent(
            role: role, credentials: credentials, random: random, configuration: configuration, streamIDs: streamIDs)
    }

    /// The state of DTLS.
    var dtlsState: DTLSTransport.State { dtls?.state ?? .new }

    /// When it has something to do; nil for never.
    mutating func nextDeadline() -> Instant? { earliest(ice.deadline, dtls?.deadline, relays.deadline) }

    /// Whether media can go by it.
    mutating func isOpen() -> Bool { srtpSender != nil && ice.selectedRoute != nil }

    /// Whether datagrams from `remote` to the socket bound to `local` may be for this transport.
    func knows(_ remote: SocketAddress, from local: SocketAddress) -> Bool { ice.knows(remote, from: local) }

    /// Whether the STUN message `datagram` is for this transport: a request by its username fragment (RFC 8445 §7.2.2), a
    /// response by its transaction.
    func expects(_ datagram: [UInt8], for fragment: String?) -> Bool {
        if let fragment { return ice.localUsernameFragments.contains(fragment) }
        return ice.awaitsResponse(datagram)
    }

    // MARK: Inputs

    mutating func addAddress(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        guard !addresses.contains(address) else { return }
        addresses.append(address)
        // W3C §4.2.5: by the policy `relay` "the ICE Agent uses only media relay candidates"
        if policy == .all { ice.handle(.localAddressAdded(address, preference: preference), at: now) }
        relays.addBase(address, preference: preference, at: now)
    }

    /// A description has taken it from the pool.
    mutating func leavePool() {
        guard isPooled else { return }
        isPooled = false
        hasUntoldCandidates = true
    }

    /// What the next restart gathers is by another policy, and from `servers` alone.
    mutating func reopenGathering(policy: RTCIceTransportPolicy, servers: Set<RTCIceServerURL>, at now: Instant) {
        self.policy = policy
        (hasEndOfServers, hasEndedGathering) = (false, false)
        relays.hidesMappedAddresses = policy == .relay
        for address in relays.retireServers(besides: servers) { ice.handle(.relayedAddressRetired(address), at: now) }
        ice.handle(.gatheringReopened(withHosts: policy == .all), at: now)
    }

    /// Gives ICE an address that another policy has kept from it.
    mutating func offerAddress(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        if policy == .all { ice.handle(.localAddressAdded(address, preference: preference), at: now) }
    }

    mutating func nameAddress(_ address: IPAddress, _ name: String, at now: Instant) {
        ice.handle(.localAddressNamed(address, name), at: now)
    }

    mutating func addTCPListener(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        if policy == .all { ice.handle(.tcpListenerAdded(address, preference: preference), at: now) }
    }

    mutating func removeAddress(_ address: SocketAddress, at now: Instant) {
        addresses.removeAll { $0 == address }
        ice.handle(.localAddressRemoved(address), at: now)
        relays.removeBase(address, at: now)
    }

    /// ICE begins anew (RFC 8445 §9), often because the path has fallen silent.
    mutating func restart(_ credentials: ICECredentials, at now: Instant) {
        ice.handle(.restart(credentials), at: now)
        relays.refresh(at: now)
    }

    mutating func addSTUNServer(_ server: SocketAddress, at now: Instant) {
        ice.handle(.stunServerAdded(server), at: now)
    }

    mutating func endAddresses() { hasEndOfAddresses = true }

    mutating func endServers() { hasEndOfServers = true }

    /// A server's name is asked for once more.
    mutating func awaitServers() { hasEndOfServers = false }

    /// Nothing more is gathered once every address and server was given and every TURN server has answered, or was given
    /// up. Whether that is now.
    private mutating func endGathering(at now: Instant) -> Bool {
        guard hasEndOfAddresses, hasEndOfServers, relays.isSettled, !hasEndedGathering else { return false }
        hasEndedGathering = true
        ice.handle(.gatheringEnded, at: now)
        return true
    }

    /// ICE and the allocations end; DTLS has said its last.
    mutating func close(at now: Instant) {
        ice.handle(.close, at: now)
        relays.close(at: now)
    }

    mutating func receiveDTLS(_ bytes: [UInt8], at now: Instant) -> RTCPeerConnection.DiscardReason? {
        if let dtls {
            dtls.handle(.datagram(bytes), at: now)
        } else if earlyDTLS.count < Self.earlyDTLSLimit {
            earlyDTLS.append(bytes)
        } else {
            return .earlyDTLS
        }
        return nil
    }

    /// Makes the association once its role is known, and gives it what came early.
    mutating func startDTLS(
        role: DTLSTransport.Role, certificate: DTLSCertificate, fingerprints: [DTLSFingerprint], at now: Instant
    ) {
        if dtls == nil {
            dtls = DTLSTransport(role: role, certificate: certificate)
            if hasPair { dtls?.handle(.start, at: now) }
            let early = earlyDTLS
            earlyDTLS = []
            for bytes in early { dtls?.handle(.datagram(bytes), at: now) }
        }
        announced = fingerprints
        dtls?.handle(.remoteFingerprints(fingerprints), at: now)
    }

    /// Another endpoint answers than the one that did provisionally (RFC 8829 §3.6.1, sequential forking): ICE begins anew
    /// with the credentials that our offer has, and the association with the first one ends where the other is not it.
    mutating func meet(_ remote: RemoteTransport, isLite: Bool, at now: Instant) {
        guard remote.credentials != ice.remoteCredentials else { return }
        ice.handle(.remoteCredentials(remote.credentials, isLite: isLite), at: now)
        restart(ice.credentials, at: now)
        guard dtls != nil, Set(announced).isDisjoint(with: remote.fingerprints) else { return }
        (dtls, srtpSender, srtpReceiver, profile) = (nil, nil, nil, nil)
        hasPair = false  // a handshake along the old pair would reach the first one
    }

    mutating func handleTimePassed(at now: Instant) {
        if let deadline = ice.deadline, deadline <= now { ice.handle(.timePassed, at: now) }
        if let dtls, let deadline = dtls.deadline, deadline <= now { dtls.handle(.timePassed, at: now) }
        relays.handleTimePassed(at: now)
    }

    /// Tells ICE, or the client of a TURN server, what became of a connection or socket; false where it is neither's.
    mutating func handle(_ event: StreamEvent, of stream: StreamID, at now: Instant) -> Bool {
        if relays.owns(stream) {
            switch event {
            case .opened(let local, let remote):
                relays.streamOpened(stream, local: local, remote: remote, at: now)
            case .bytes(let bytes): relays.receive(bytes, on: stream, at: now)
            case .closed(let reason): relays.streamClosed(stream, reason, at: now)
            }
            return true
        }
        guard ice.owns(stream) else { return false }
        switch event {
        case .opened: ice.handle(.streamOpened(stream), at: now)
        case .bytes(let bytes): ice.handle(.streamBytes(stream, bytes), at: now)
        case .closed: ice.handle(.streamClosed(stream), at: now)
        }
        return true
    }

    /// The way of datagrams along the selected pair, for one burst: by a TURN server where the pair is relayed.
    mutating func selectedRoute() -> DatagramRoute? {
        ice.selectedRoute.flatMap { relays.route(along: $0) }
    }

    /// Counts datagrams of media that left along the selected pair.
    mutating func noteSent(packets: Int, bytes: Int) {
        if let pair = ice.selectedRoute { traffic.noteSent(packets: packets, bytes: bytes, along: pair) }
    }

    // MARK: Outputs

    /// What it has to tell next; everything that is to be sent before goes to `outbox`. Nil when nothing is left.
    mutating func nextEvent(sendingTo outbox: inout DatagramBatch, at now: Instant) -> Event? {
        while true {
            if let output = ice.nextOutput() {
                switch output {
                case .transmit(let bytes, let local, let remote):
                    if !relays.send(bytes, from: local, to: remote, at: now) {
                        outbox.append(bytes, from: local, to: remote)
                    }
                case .write(let bytes, let stream, let local, let remote):
                    outbox.append(bytes, from: local, to: remote, on: stream)
                case .frame(let frame, let stream, _, _): return .frame(frame, stream)
                case .event(let event): if let told = take(event, at: now) { return told }
                }
            } else if let output = dtls?.nextOutput() {
                switch output {
                case .transmit(let bytes):
                    // no pair yet: a flight is repeated by its timer
                    if let pair = ice.selectedRoute, let route = selectedRoute() {
                        outbox.append(by: route) { $0 += bytes }
                        traffic.noteSent(packets: 1, bytes: bytes.count + (pair.stream == nil ? 0 : 2), along: pair)
                    }
                case .event(let event): return take(event)
                }
            } else if let output = relays.nextOutput() {
                if let told = take(output, sendingTo: &outbox, at: now) { return told }
            } else if !endGathering(at: now) {
                return nil
            }
        }
    }

    private mutating func take(_ event: ICEAgent.Event, at now: Instant) -> Event? {
        switch event {
        case .candidateGathered(let candidate):
            return .candidateGathered(candidate)
        case .gatheringStateChanged(let state):
            gatheringState = state
            return .gatheringStateChanged
        case .connectionStateChanged(let state):
            iceState = state
            if state == .failed { failureReason = .ice }
            return .iceStateChanged
        case .selectedPairChanged(let pair):
            relays.selected(pair, at: now)
            dtls?.roundTripTime = ice.statistics.currentRoundTripTime
            guard !hasPair else { return nil }
            hasPair = true
            dtls?.handle(.start, at: now)
            return .paired
        case .streamWanted(let stream, let local, let remote):
            return .streamWanted(stream, from: local, to: remote, tls: nil)
        case .streamUnwanted(let stream):
            return .streamUnwanted(stream)
        case .nameWanted(let name):
            return .nameWanted(name)
        case .permissionWanted(let relayed, let ip):
            relays.permissionWanted(at: relayed, for: ip, at: now)
            return nil
        case .gatheringFailed(let server, let base, let code, let reason):
            return .candidateError(
                RTCIceCandidateError(
                    address: base.ip.description, port: base.port, url: "stun:\(server)", errorCode: code,
                    errorText: reason))
        case .roleChanged:
            return nil
        }
    }

    private mutating func take(_ output: Relays.Output, sendingTo outbox: inout DatagramBatch, at now: Instant)
        -> Event?
    {
        switch output {
        case .transmit(let bytes, let transport):
            outbox.append(bytes, from: transport.local, to: transport.server, on: transport.stream)
            return nil
        case .ice(let input):
            ice.handle(input, at: now)
            return nil
        case .datagram(let bytes, let local, let remote):
            return .datagram(bytes, local: local, remote: remote)
        case .socketWanted(let stream, let local, let server):
            return .relaySocketWanted(stream, from: local, to: server)
        case .streamWanted(let stream, let local, let server, let name):
            return .streamWanted(stream, from: local, to: server, tls: name)
        case .streamUnwanted(let stream):
            return .streamUnwanted(stream)
        case .failed(let url, let error, let local):
            return .relayFailed(url, error, local: local)
        case .credentialsWanted(let url):
            return .credentialsWanted(url)
        case .restartWanted:
            return .restartWanted
        }
    }

    private mutating func take(_ event: DTLSTransport.Event) -> Event {
        switch event {
        case .connected(let keys):
            profile = keys.profile
            srtpSender = SRTPSender(profile: keys.profile, masterKey: keys.local)
            srtpReceiver = SRTPReceiver(profile: keys.profile, masterKey: keys.remote)
            return .keyed
        case .applicationData(let message):
            return .applicationData(message)
        case .closed:
            return .closed
        case .failed(let error):
            failureReason = .dtls(error)
            return .failed
        }
    }
}
