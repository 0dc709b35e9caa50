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

    /// What a transport tells the connection.
    enum Event {
        /// A local candidate to trickle.
        case candidateGathered(ICECandidate)
        /// `gatheringState` has changed.
        case gatheringStateChanged
        /// `iceState` has changed.
        case iceStateChanged
        /// A frame that is no STUN has come on a connection.
        case frame([UInt8], StreamID)
        /// A TCP connection is to be opened.
        case streamWanted(StreamID, from: IPAddress?, to: SocketAddress)
        /// A TCP connection is to be closed.
        case streamUnwanted(StreamID)
        /// The addresses of a name are to be found.
        case nameWanted(String)
        /// ICE has its first pair.
        case paired
        /// The handshake is done and the keys of SRTP are there.
        case keyed
        /// A message of the other side's application.
        case applicationData([UInt8])
        /// The other side has closed the association.
        case closed
        /// The association has failed.
        case failed
    }

    /// DTLS datagrams kept until the role is known: a whole flight of a ClientHello.
    static let earlyDTLSLimit = 8

    let id: ID
    /// The addresses it was given; a socket may serve several transports.
    private(set) var addresses: [SocketAddress] = []
    var ice: ICEAgent
    private(set) var dtls: DTLSTransport?
    private(set) var earlyDTLS: [[UInt8]] = []
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
        streamIDs: StreamIDSource
    ) {
        self.id = id
        ice = ICEAgent(
            role: role, credentials: credentials, random: random, configuration: configuration, streamIDs: streamIDs)
    }

    /// The state of DTLS.
    var dtlsState: DTLSTransport.State { dtls?.state ?? .new }

    /// When it has something to do; nil for never.
    var deadline: Instant? { earliest(ice.deadline, dtls?.deadline) }

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
        ice.handle(.localAddressAdded(address, preference: preference), at: now)
    }

    mutating func addTCPListener(_ address: SocketAddress, preference: UInt16, at now: Instant) {
        ice.handle(.tcpListenerAdded(address, preference: preference), at: now)
    }

    mutating func removeAddress(_ address: SocketAddress, at now: Instant) {
        addresses.removeAll { $0 == address }
        ice.handle(.localAddressRemoved(address), at: now)
    }

    mutating func endAddresses(stunServers: [SocketAddress], at now: Instant) {
        for server in stunServers { ice.handle(.stunServerAdded(server), at: now) }
        ice.handle(.gatheringEnded, at: now)
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
        dtls?.handle(.remoteFingerprints(fingerprints), at: now)
    }

    mutating func handleTimePassed(at now: Instant) {
        if let deadline = ice.deadline, deadline <= now { ice.handle(.timePassed, at: now) }
        if let dtls, let deadline = dtls.deadline, deadline <= now { dtls.handle(.timePassed, at: now) }
    }

    // MARK: Outputs

    /// What it has to tell next; everything that is to be sent before goes to `outbox`. Nil when nothing is left.
    mutating func nextEvent(sendingTo outbox: inout DatagramBatch, at now: Instant) -> Event? {
        while true {
            if let output = ice.nextOutput() {
                switch output {
                case .transmit(let bytes, let local, let remote): outbox.append(bytes, from: local, to: remote)
                case .write(let bytes, let stream, let local, let remote):
                    outbox.append(bytes, from: local, to: remote, on: stream)
                case .frame(let frame, let stream, _, _): return .frame(frame, stream)
                case .event(let event): if let told = take(event, at: now) { return told }
                }
            } else if let output = dtls?.nextOutput() {
                switch output {
                case .transmit(let bytes):
                    // no pair yet: a flight is repeated by its timer
                    if let pair = ice.selectedPair {
                        outbox.append(by: pair) { $0 += bytes }
                        traffic.noteSent(packets: 1, bytes: bytes.count + (pair.stream == nil ? 0 : 2), by: pair)
                    }
                case .event(let event): return take(event)
                }
            } else {
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
        case .selectedPairChanged:
            dtls?.roundTripTime = ice.statistics.currentRoundTripTime
            guard !hasPair else { return nil }
            hasPair = true
            dtls?.handle(.start, at: now)
            return .paired
        case .streamWanted(let stream, let local, let remote):
            return .streamWanted(stream, from: local, to: remote)
        case .streamUnwanted(let stream):
            return .streamUnwanted(stream)
        case .nameWanted(let name):
            return .nameWanted(name)
        case .roleChanged:
            return nil
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
