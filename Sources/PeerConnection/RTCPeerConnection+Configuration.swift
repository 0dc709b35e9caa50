public import Congestion
public import DTLS
public import ICE
public import SDP
public import Wire

extension RTCPeerConnection {
    /// What a connection is made with (W3C §4.2.1, RTCConfiguration, and what an endpoint of one's own decides beside).
    public struct Configuration {
        /// `certificates`: who this endpoint is. Descriptions tell the fingerprints of all; the handshake shows the first.
        public var certificates: [DTLSCertificate]
        /// STUN servers to learn reflexive addresses from.
        public var stunServers: [SocketAddress]
        /// `iceServers`: servers by their URLs; names among them are asked for by `nameWanted`.
        public var iceServers: [RTCIceServer]
        /// `iceTransportPolicy`
        public var iceTransportPolicy: RTCIceTransportPolicy
        /// `iceCandidatePoolSize`: how many transports gather candidates before the first description, which then uses them.
        /// They begin when every local address was given.
        public var iceCandidatePoolSize: UInt8
        /// The instant at which the Unix epoch was, for certificates and for the credentials of TURN servers that tell when
        /// they expire; nil where nobody knows.
        public var unixEpoch: Instant?
        /// How many transports to offer to a side that may not bundle.
        public var bundlePolicy: RTCBundlePolicy
        /// `rtcpMuxPolicy`: `require` is all that there is.
        public var rtcpMuxPolicy: RTCRtcpMuxPolicy
        /// Whether to be the DTLS server where the offer leaves the choice. The server chooses the SRTP profile among
        /// the client's, and takes AES-GCM, which costs a quarter of AES-CM with HMAC-SHA1, where a browser as the
        /// server would not.
        public var prefersDTLSServer: Bool
        /// The canonical name that binds the streams of this endpoint together (RFC 3550 §6.5.1).
        public var canonicalName: String
        /// The longest message on a data channel that this side takes, in bytes; more than 0. The other side is told of
        /// it (`a=max-message-size`, RFC 8841 §6).
        public var maximumMessageSize: Int
        /// The H.264 profile of what is sent, to be taken where it is offered; else what every endpoint decodes is. Offers
        /// of our own are of that, too.
        public var h264Profile: H264Profile
        /// Times and limits of ICE.
        public var ice: ICEConfiguration
        /// The bounds of what is sent, and what to begin with. Counts when the connection is made.
        public var bandwidth: BandwidthEstimator.Configuration
        /// What the application can make use of at most, in bit/s: more of the path is not looked for, but for some
        /// headroom. Counts when the connection is made; `setUsefulBitrate` changes it later.
        public var usefulBitrate: Double

        /// A configuration with the defaults.
        public init(certificate: DTLSCertificate, canonicalName: String = "doorward") {
            certificates = [certificate]
            self.canonicalName = canonicalName
            stunServers = []
            iceServers = []
            iceTransportPolicy = .all
            iceCandidatePoolSize = 0
            bundlePolicy = .balanced
            rtcpMuxPolicy = .require
            prefersDTLSServer = true
            maximumMessageSize = 262_144
            h264Profile = .constrainedBaseline
            ice = ICEConfiguration()
            bandwidth = BandwidthEstimator.Configuration()
            bandwidth.startBitrate = 1_000_000
            bandwidth.firstProbeBitrate = 20_000_000
            bandwidth.initialWindow = 96_000
            usefulBitrate = 5_000_000
        }

        /// W3C §4.4.1.1 and §4.4.3: throws InvalidAccessError where a certificate has expired at `now`, there is none, or a
        /// TURN server lacks credentials; NotSupportedError where RTCP were to have transports of its own.
        func check(at now: Instant) throws(RTCError) {
            guard !certificates.isEmpty else { throw .invalidAccess("an endpoint needs a certificate") }
            if let unixEpoch {
                let unixTime = (now - unixEpoch).components.seconds
                guard !certificates.contains(where: { $0.expires(of: unixTime) }) else {
                    throw .invalidAccess("a certificate has expired")
                }
            }
            guard rtcpMuxPolicy == .require else { throw .notSupported("RTCP has no transports of its own") }
            for server in iceServers {
                let relays = server.urls.contains { $0.scheme == .turn || $0.scheme == .turns }
                guard !relays || !server.username.isEmpty && !server.credential.isEmpty else {
                    throw .invalidAccess("a TURN server needs a username and a credential")
                }
            }
        }
    }

    /// A connection in the state `new` (W3C §4.4.1.1, the constructor), after `configuration` was looked at: throws
    /// InvalidAccessError where a certificate has expired or a TURN server lacks credentials, NotSupportedError for an
    /// `rtcpMuxPolicy` other than `require`.
    public init(
        validating configuration: Configuration, random: any RandomSource, at now: Instant
    ) throws(RTCError) {
        try configuration.check(at: now)
        self.init(configuration: configuration, random: random)
    }

    /// `getConfiguration`: what the connection was made with, or `setConfiguration` has changed.
    public func getConfiguration() -> Configuration { configuration }

    /// `setConfiguration` (W3C §4.4.3). Servers and `iceTransportPolicy` count for what is gathered from now on: after the
    /// next ICE restart; only new credentials of servers that stay are used at once. Throws InvalidStateError on a closed
    /// connection, InvalidModificationError where certificates, policies of bundles and RTCP, or the canonical name would
    /// change, or the pool's size after the first `setLocalDescription`, and what the constructor throws.
    public mutating func setConfiguration(_ new: Configuration, at now: Instant) throws(RTCError) {
        try checkOpen()
        let old = configuration
        guard new.certificates.elementsEqual(old.certificates, by: { $0 === $1 }) else {
            throw .invalidModification("the certificates cannot change")
        }
        guard new.bundlePolicy == old.bundlePolicy else {
            throw .invalidModification("the bundle policy cannot change")
        }
        guard new.rtcpMuxPolicy == old.rtcpMuxPolicy else {
            throw .invalidModification("the RTCP multiplexing policy cannot change")
        }
        guard new.canonicalName == old.canonicalName else {
            throw .invalidModification("the canonical name cannot change")
        }
        guard new.iceCandidatePoolSize == old.iceCandidatePoolSize || !hasDescribed else {
            throw .invalidModification("the pool of candidates is no longer used")
        }
        try new.check(at: now)
        configuration = new
        if new.iceServers != old.iceServers || new.stunServers != old.stunServers
            || new.iceTransportPolicy != old.iceTransportPolicy
        {
            renewCredentials(new.iceServers, at: now)
            servers = servers.replaced(by: new.iceServers)
            gatheringGeneration += 1
            emptyPool(to: 0, at: now)
        }
        emptyPool(to: Int(new.iceCandidatePoolSize), at: now)
        fillPool(at: now)
        drainTransports(at: now)
    }

    /// Whether `setLocalDescription` has ever made a description.
    var hasDescribed: Bool { sessionVersion > 1 }

    /// Lets what the transport at `index` gathers after its restart be by the configuration that is now.
    mutating func restart(_ index: Int, with credentials: ICECredentials, at now: Instant) {
        guard transports[index].gatheringGeneration != gatheringGeneration else {
            return transports[index].restart(credentials, at: now)
        }
        transports[index].gatheringGeneration = gatheringGeneration
        transports[index].reopenGathering(
            policy: configuration.iceTransportPolicy, servers: Set(servers.entries.map(\.url)), at: now)
        transports[index].restart(credentials, at: now)
        let addresses = transports[index].addresses
        for entry in localAddresses.entries where addresses.contains(entry.address) {
            transports[index].offerAddress(entry.address, preference: entry.preference, at: now)
        }
        for entry in localAddresses.listeners {
            transports[index].addTCPListener(entry.address, preference: entry.preference, at: now)
        }
        addServers(toTransport: index, at: now)
    }
}
