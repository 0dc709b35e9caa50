public import DTLS
public import ICE
public import RTP
import SDP
import SRTP
public import Wire

/// One side of a WebRTC session (W3C RTCPeerConnection, JSEP RFC 8829) without sockets, clocks or threads.
///
/// Tell it what happened (`handle`, or one of the W3C's methods), then drain it: take every event from `nextOutput()`
/// and send every datagram of `outbox`; call `handle(.timePassed, at:)` when `deadline` comes. Everything a call
/// changes is changed when it returns: what the W3C does in a queue of asynchronous operations happens here in the
/// order of the calls.
///
/// The media descriptions of a bundle share one transport: one ICE agent, one DTLS association; `bundlePolicy` says how
/// many there are before the other side has agreed to a bundle (RFC 8829 §4.1.1). RTP and RTCP share one always.
public struct RTCPeerConnection {
    /// What a connection is told.
    public enum Input: Sendable {
        /// A datagram came from `remote` to the socket bound to `local`.
        case datagram([UInt8], local: SocketAddress, remote: SocketAddress)
        /// The shell has bound a UDP socket there; `preference` orders the addresses, the highest first (RFC 8445
        /// §5.1.2.1).
        case localAddressAdded(SocketAddress, preference: UInt16)
        /// From now on candidates show this `.local` name, which the shell answers for (RFC 8828 §5.2), instead of the
        /// address.
        case localAddressNamed(IPAddress, String)
        /// The shell listens for TCP connections there (RFC 6544); `acceptStream` takes them.
        case tcpListenerAdded(SocketAddress, preference: UInt16)
        /// The sockets there are gone.
        case localAddressRemoved(SocketAddress)
        /// Every local address was given.
        case localAddressesEnded
        /// The connection that `streamWanted` asked for is open, from `local` to `remote`.
        case streamOpened(StreamID, local: SocketAddress, remote: SocketAddress)
        /// Bytes came on a connection, cut as the network happened to bring them.
        case streamBytes(StreamID, [UInt8])
        /// The other side has closed a connection, or it broke, or it could not be opened; `reason` says why, where that
        /// is known, for the report of a TURN server.
        case streamClosed(StreamID, reason: String? = nil)
        /// What `nameWanted` asked for; no address where there is no such name.
        case nameResolved(String, [IPAddress])
        /// The deadline may have passed.
        case timePassed
    }

    /// What a connection tells.
    public enum Event: Sendable {
        /// `negotiationneeded`: the next offer will differ from what was agreed on (W3C §4.7.3).
        case negotiationNeeded
        /// `icecandidate`: a candidate to send to the other side; an empty one ends them.
        case iceCandidate(RTCIceCandidate)
        /// `icecandidateerror`: a server has not told a candidate.
        case iceCandidateError(RTCIceCandidateError)
        /// `signalingstatechange`.
        case signalingStateChanged(RTCSignalingState)
        /// `icegatheringstatechange`.
        case iceGatheringStateChanged(ICEGatheringState)
        /// `iceconnectionstatechange`.
        case iceConnectionStateChanged(ICEConnectionState)
        /// `connectionstatechange`.
        case connectionStateChanged(RTCPeerConnectionState)
        /// `track`: the other side will send, or (`isActive` false, W3C `mute`) will no longer.
        case track(TransceiverID, MediaKind, isActive: Bool)
        /// A packet of media came on this transceiver; `sequence` is its number, unwrapped. Packets come as the network
        /// brings them: out of order, with gaps that a retransmission may close.
        case packet(TransceiverID, RTPPacket, sequence: Int64)
        /// The receiver cannot decode on: it asks for a key frame (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1).
        case keyFrameRequested(TransceiverID)
        /// Open a TCP connection to `to`, from any port of the address `from` where that is given, and with TLS to the
        /// server of that name where `tls` has one. `streamOpened` or `streamClosed` tells what became of it.
        case streamWanted(StreamID, from: IPAddress?, to: SocketAddress, tls: String?)
        /// Bind a UDP socket at any port of the address `from`, from which nothing but what names this stream goes, and
        /// only to the TURN server `to`: an allocation belongs to the two addresses (RFC 8656 §2.2), so that a socket
        /// that peers share would give them one between them. `streamOpened` or `streamClosed` tells what became of it,
        /// and `streamBytes` each datagram from the server.
        case relaySocketWanted(StreamID, from: IPAddress, to: SocketAddress)
        /// The credentials at the TURN server of this URL will soon expire, or have: `setIceServers` takes new ones.
        case iceCredentialsWanted(RTCIceServerURL)
        /// Close a connection or such a socket, or open it no more; nothing is to be told of it afterwards.
        case streamUnwanted(StreamID)
        /// Find out the addresses of a name: by mDNS where it ends in `.local` (RFC 8828), else by DNS. `nameResolved`
        /// tells them.
        case nameWanted(String)
        /// A whole picture of H.264 came on this transceiver, in order; the first, and the first after a loss that
        /// could not be repaired, is a key frame.
        case accessUnit(TransceiverID, H264Depacketizer.Frame)
        /// The other side tells when the packets of a transport came, by the numbers that they left with.
        case transportFeedback(TransportFeedback)
        /// The other side estimates that so many bits a second arrive (REMB), of the sources that it names.
        case receiverEstimatedMaximumBitrate(ReceiverEstimatedMaximumBitrate)
        /// `datachannel`: the other side has made this channel; it is open.
        case dataChannel(DataChannelID)
        /// `open`, `closing` and `close`: the channel's `readyState`.
        case dataChannelStateChanged(DataChannelID, RTCDataChannelState)
        /// `error`: the channel closes because of this.
        case dataChannelError(DataChannelID, RTCDataChannelError)
        /// `message`: one has come on this channel.
        case message(DataChannelID, DataChannelMessage)
        /// `bufferedamountlow`: no more than the channel's `bufferedAmountLowThreshold` waits.
        case bufferedAmountLow(DataChannelID)
    }

    /// Why the connection failed, for the log and for the page.
    public enum FailureReason: Hashable, Sendable, CustomStringConvertible {
        /// No pair of candidates works, or consent has expired.
        case ice
        /// The DTLS association failed.
        case dtls(DTLSError)

        /// A sentence for people.
        public var description: String {
            switch self {
            case .ice: "no network path works between the viewer and the door"
            case .dtls(let error): "the encrypted connection failed (\(error))"
            }
        }
    }

    var configuration: Configuration
    let random: any RandomSource
    let streamIDs = StreamIDSource()

    // Negotiation.
    /// `signalingState`.
    public internal(set) var signalingState = RTCSignalingState.stable
    var transceivers: [RTCRtpTransceiver] = []
    var negotiated = NegotiatedDescriptions()
    /// What a rollback returns to: the transceivers as they were in `stable`.
    var stableTransceivers: [RTCRtpTransceiver]?
    /// The media description for data channels of this exchange or the last; nil where there is none.
    var dataSection: DataSection?
    /// What a rollback returns to.
    var stableDataSection: DataSection?
    /// The negotiation-needed flag (W3C §4.7.3), and whether the event is still to be told.
    var isNegotiationNeeded = false
    var announcesNegotiationNeeded = false
    var isRestartNeeded = false
    /// Whether the pending offer of ours restarts ICE.
    var isRestarting = false
    /// The numbers that were agreed on for header extensions, by URI.
    var headerExtensionIDs: [String: UInt16] = [:]
    let sessionIdentifier: UInt64
    var sessionVersion: UInt64 = 1
    var nextTransceiverNumber = 0
    var nextMID = 0

    // Transports.
    var localAddresses = LocalAddresses()
    /// In the order in which they were made.
    var transports: [PeerTransport] = []
    var nextTransportNumber = 0
    var servers: ServerAddresses
    /// Counts the changes of what is gathered from; a restart brings a transport up to it.
    var gatheringGeneration = 0
    /// Which transport each media description of the last exchange goes by.
    var transportPlan = TransportPlan()
    /// The same for the local description that waits for its answer.
    var pendingTransportPlan: TransportPlan?
    /// The role that the first exchange gave this side (RFC 8445 §6.1.1); nil before it.
    var iceRole: ICERole?
    /// Why the connection failed; nil while it has not.
    public internal(set) var failureReason: FailureReason?
    /// `connectionState`.
    public internal(set) var connectionState = RTCPeerConnectionState.new
    /// `iceConnectionState`.
    public internal(set) var iceConnectionState = ICEConnectionState.new
    /// `iceGatheringState`.
    public internal(set) var iceGatheringState = ICEGatheringState.new

    // Media.
    var media: MediaStreams
    /// What the application asks receivers for, of streams that may not be there yet.
    var playoutDelays: [TransceiverID: PlayoutDelay] = [:]
    /// What the application says of its pictures.
    var mediaSources: [TransceiverID: MediaSourceSettings] = [:]

    /// The data channels.
    var channels: DataChannels

    /// The datagrams to send; the shell sends and empties it (`removeAll`) after every call.
    public var outbox = DatagramBatch()
    /// Where in it the packets of the burst under way are, which are protected when it is whole.
    var unprotected: [Range<Int>] = []
    var events: [Event] = []
    var nextEvent = 0
    /// When the steps to the first packet of media were done.
    public internal(set) var milestones = Milestones()
    /// What was discarded, by reason.
    public internal(set) var discards: [DiscardReason: Int] = [:]

    /// Why an incoming datagram was of no use. None is an error: anybody can send to a UDP port.
    public enum DiscardReason: String, Hashable, Sendable {
        /// Its first byte is none of RFC 7983's.
        case unknownProtocol = "unknown-protocol"
        /// Media before there are keys.
        case noKeys = "no-keys"
        /// SRTP or SRTCP that does not authenticate, or was received before.
        case srtp
        /// A packet of a stream that was not negotiated.
        case unknownStream = "unknown-stream"
        /// RTP or RTCP that breaks its own format.
        case malformed
        /// Packets of ours that come back (RFC 3550 §8.2).
        case loop
        /// DTLS from an address that is no candidate of the peer's, or a check before there is a transport.
        case unknownSource = "unknown-source"
        /// DTLS before the transport's role is known, beyond what is kept.
        case earlyDTLS = "early-dtls"
        /// Something about a connection, or a name, that nobody asked for or needs any more.
        case unwanted
        /// A message on a stream that is no data channel's, or that opens one which cannot be.
        case unknownChannel = "unknown-channel"
        /// Anything after `close`.
        case closed
    }

    /// A connection in the state `new`. The configuration has a certificate and `rtcpMuxPolicy` `require`; one from
    /// outside is for `init(validating:random:at:)`.
    public init(configuration: Configuration, random: any RandomSource) {
        precondition(!configuration.certificates.isEmpty, "an endpoint has a certificate")
        precondition(configuration.rtcpMuxPolicy == .require, "RTCP has no transports of its own")
        self.configuration = configuration
        self.random = random
        // RFC 8829 §5.2.1: a number below 2⁶³ so that every parser takes it
        sessionIdentifier = random.next() >> 1
        servers = ServerAddresses(configuration.iceServers)
        media = MediaStreams(bandwidth: configuration.bandwidth, demand: configuration.usefulBitrate)
        channels = DataChannels(maximumMessageSize: configuration.maximumMessageSize)
    }

    /// The username fragments that incoming checks for this peer carry: one for each transport, and while an ICE restart
    /// is under way the one from before it. Every call may change them.
    public var localUsernameFragments: [String] { transports.flatMap(\.ice.localUsernameFragments) }
    /// The pair that media goes by, of the first transport that has one; nil before.
    public var selectedPair: ICECandidatePair? { transports.lazy.compactMap(\.ice.selectedPair).first }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? {
        var copy = self
        return copy.nextDeadline()
    }

    /// The same, asked of the connection in its place. Who asks after every packet should ask so: to read a property of a
    /// value as large as this copies it.
    public mutating func nextDeadline() -> Instant? {
        guard connectionState != .closed else { return nil }
        var first = earliest(media.nextDeadline(), servers.deadline, channels.nextDeadline())
        for index in transports.indices { first = earliest(first, transports[index].nextDeadline()) }
        return first
    }

    /// Takes note of `input`, which happened at `now`.
    public mutating func handle(_ input: Input, at now: Instant) {
        guard connectionState != .closed else {
            if case .datagram = input { discard(.closed) }
            return
        }
        switch input {
        case .datagram(let bytes, let local, let remote):
            receive(bytes, local: local, remote: remote, at: now)
        case .localAddressAdded(let address, let preference):
            addLocalAddress(address, preference: preference, at: now)
        case .localAddressRemoved(let address):
            removeLocalAddress(address, at: now)
        case .localAddressesEnded:
            endLocalAddresses(at: now)
        case .localAddressNamed(let address, let name):
            nameLocalAddress(address, name, at: now)
        case .tcpListenerAdded(let address, let preference):
            addTCPListener(address, preference: preference, at: now)
        case .streamOpened(let stream, let local, let remote):
            handle(.opened(local: local, remote: remote), of: stream, at: now)
        case .streamBytes(let stream, let bytes):
            handle(.bytes(bytes), of: stream, at: now)
        case .streamClosed(let stream, let reason):
            handle(.closed(reason), of: stream, at: now)
        case .nameResolved(let name, let addresses):
            serverNameResolved(name, to: addresses, at: now)
            for index in transports.indices {
                transports[index].ice.handle(.nameResolved(name, addresses), at: now)
            }
        case .timePassed:
            for index in transports.indices { transports[index].handleTimePassed(at: now) }
            giveUpServerNames(at: now)
            channels.handleTimePassed(at: now)
            drainDataChannels(at: now)
            if let deadline = media.nextReports, deadline <= now { sendReports(at: now) }
            followStreams(at: now)
        }
        drainTransports(at: now)
    }

    /// The next event, in order; nil when there is none.
    public mutating func nextOutput() -> Event? {
        if nextEvent < events.count {
            defer { nextEvent += 1 }
            return events[nextEvent]
        }
        events.removeAll(keepingCapacity: true)
        nextEvent = 0
        // W3C §4.7.3: fired only in `stable`, behind what was told before
        if announcesNegotiationNeeded, signalingState == .stable {
            announcesNegotiationNeeded = false
            return .negotiationNeeded
        }
        return nil
    }

    /// Ends the session (W3C §4.4.2, `close`): the other side is told, and nothing happens any more.
    public mutating func close(at now: Instant) {
        guard connectionState != .closed else { return }
        sendGoodbye(at: now)
        // closed before the transports are, whose end would close it once more
        signalingState = .closed
        connectionState = .closed
        events.append(.signalingStateChanged(.closed))
        channels.close(at: now)
        drainDataChannels(at: now)
        for index in transports.indices {
            // the alert goes by the pair that ICE's end forgets
            transports[index].dtls?.handle(.close, at: now)
            finish(index, at: now)
            transports[index].close(at: now)
            finish(index, at: now)
        }
        updateICEConnectionState()
        events.append(.connectionStateChanged(.closed))
    }

    mutating func discard(_ reason: DiscardReason) {
        discards[reason, default: 0] += 1
    }
}
