public import RTP
public import SDP
public import Wire

/// Connections with any number of peers, each known by an identifier of the application's: a mesh.
///
/// Local tracks are set once for all. A peer is added on both sides, on one of them as the initiator, and what `signal` events
/// say is carried between the two by the application (`received`); offers that cross are solved by perfect negotiation, in which
/// the initiator is the impolite side. A path that is lost is waited for, then looked for anew by the initiator's ICE restart; a
/// peer that cannot be reached any more is removed, with `peerRemoved` to tell so.
///
/// Like one connection, it is told what happened and then drained. All peers share the local sockets: a datagram is told to the
/// set, which knows whose it is.
public struct RTCPeerConnectionSet<ID: Hashable & Sendable> {
    /// What one side of a pair has to tell the other's.
    public enum Signal: Hashable, Sendable {
        /// An offer or an answer.
        case description(RTCSessionDescription)
        /// A candidate; an empty one ends them.
        case candidate(RTCIceCandidate)
    }

    /// What happened in the application's world.
    public enum Input: Sendable {
        /// A datagram came from `remote` to the socket bound to `local`.
        case datagram([UInt8], local: SocketAddress, remote: SocketAddress)
        /// A UDP socket was bound there, for the peers that there are and those to come.
        case localAddressAdded(SocketAddress, preference: UInt16)
        /// The socket there is gone.
        case localAddressRemoved(SocketAddress)
        /// Every local address was given.
        case localAddressesEnded
        /// The peer `ID` sent this by the application's signalling.
        case signal(Signal, from: ID)
        /// The deadline may have passed.
        case timePassed
    }

    /// What the set tells.
    public enum Event: Sendable {
        /// Carry this to the peer's side.
        case signal(Signal, to: ID)
        /// `connectionstatechange` of the connection with a peer.
        case connectionStateChanged(RTCPeerConnectionState, ID)
        /// A peer sends a track.
        case trackAdded(TransceiverID, MediaKind, from: ID)
        /// A peer sends it no longer, or is gone.
        case trackRemoved(TransceiverID, MediaKind, from: ID)
        /// A packet of a peer's track came.
        case packet(TransceiverID, RTPPacket, sequence: Int64, from: ID)
        /// A peer cannot decode a local track on without a key frame.
        case keyFrameRequested(LocalTrackID, by: ID)
        /// Messages can be sent to the peer (`open`), or can no longer.
        case channelStateChanged(RTCDataChannelState, ID)
        /// A message of a peer's, for this side or for all.
        case message(DataChannelMessage, from: ID)
        /// What a peer signalled could not be used; the connection goes on as it was.
        case signalRefused(RTCError, from: ID)
        /// The peer is no longer of the set, for this reason.
        case peerRemoved(ID, RemovalReason)
    }

    /// Why a peer is no longer of the set.
    public enum RemovalReason: String, Hashable, Sendable {
        /// The application removed it.
        case removed
        /// The other side closed the connection.
        case closed
        /// The connection did not come about, or was lost and could not be recovered.
        case failed
    }

    /// Names a local track of the set.
    public struct LocalTrackID: Hashable, Sendable {
        let rawValue: Int
    }

    /// A peer cannot be added.
    public enum Failure: Error, Hashable, Sendable {
        /// There is one of this identifier.
        case alreadyThere
        /// The set has as many as it may.
        case full
    }

    struct LocalTrack {
        let id: LocalTrackID
        let kind: MediaKind
        let streamID: String
    }

    /// One peer.
    struct Member {
        let id: ID
        let isInitiator: Bool
        var connection: RTCPeerConnection
        var negotiation: PerfectNegotiation
        var recovery: ConnectionRecovery
        var transceivers: [LocalTrackID: TransceiverID] = [:]
        var remoteTracks: [TransceiverID: MediaKind] = [:]
        /// The channel that messages go by.
        var channel: DataChannelID?
        /// Whether offers of its own may be made: one that waits to be called first takes the caller's.
        var mayOffer: Bool
        /// When it is given up unless it was connected once.
        var connectsUntil: Instant?
    }

    /// The most peers at once.
    public let maximumPeers: Int
    /// How long a peer may take to connect: the other side may not have been told of it yet.
    public let connectTimeout: Duration
    /// The datagrams to send; the application sends and empties it (`removeAll`) after every call.
    public var outbox = DatagramBatch()
    /// Datagrams that were for no peer.
    public private(set) var strangers = 0

    let configuration: RTCPeerConnection.Configuration
    let random: any RandomSource
    var members: [ID: Member] = [:]
    var localTracks: [LocalTrack] = []
    private var nextTrackNumber = 0
    private var localAddresses: [(address: SocketAddress, preference: UInt16)] = []
    private var areAddressesEnded = false
    private var router = DatagramRouter<ID>()
    var events: [Event] = []
    private var nextEvent = 0

    /// A set without peers, whose connections are all made with `configuration`.
    public init(
        configuration: RTCPeerConnection.Configuration, random: any RandomSource, maximumPeers: Int = 32,
        connectTimeout: Duration = .seconds(30)
    ) {
        precondition(maximumPeers > 0, "a set holds somebody")
        self.configuration = configuration
        self.random = random
        self.maximumPeers = maximumPeers
        self.connectTimeout = connectTimeout
    }

    /// The identifiers of the peers.
    public var peers: Set<ID> { Set(members.keys) }

    /// `connectionState` of the connection with `id`; nil where there is none.
    public func connectionState(of id: ID) -> RTCPeerConnectionState? { members[id]?.connection.connectionState }

    /// The connection with `id`, to look at; nil where there is none.
    public func connection(with id: ID) -> RTCPeerConnection? { members[id]?.connection }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? {
        members.values.compactMap { earliest($0.connection.deadline, $0.recovery.deadline, $0.connectsUntil) }.min()
    }

    // MARK: Peers

    /// Adds the peer `id`. The initiator offers; the other side adds this one as no initiator, at the latest when the offer
    /// comes.
    public mutating func addPeer(_ id: ID, isInitiator: Bool, at now: Instant) throws(Failure) {
        guard members[id] == nil else { throw .alreadyThere }
        guard members.count < maximumPeers else { throw .full }
        var patience = ConnectionRecovery.Patience()
        patience.canReconnect = false
        patience.restart = .seconds(30)
        patience.limit = .seconds(30)
        // the side that was called leaves the first restart to the caller
        if !isInitiator { patience.disconnected = .seconds(10) }
        var member = Member(
            id: id, isInitiator: isInitiator,
            connection: RTCPeerConnection(configuration: configuration, random: random),
            negotiation: PerfectNegotiation(isPolite: !isInitiator),
            recovery: ConnectionRecovery(patience: patience), mayOffer: isInitiator,
            connectsUntil: now + connectTimeout)
        for (address, preference) in localAddresses {
            member.connection.handle(.localAddressAdded(address, preference: preference), at: now)
        }
        if areAddressesEnded { member.connection.handle(.localAddressesEnded, at: now) }
        for track in localTracks { add(track, to: &member) }
        addChannel(to: &member, at: now)
        members[id] = member
        settle(id, at: now)
    }

    /// Closes the connection with `id` and forgets it; its tracks go first.
    public mutating func removePeer(_ id: ID, at now: Instant) {
        remove(id, because: .removed, at: now)
    }

    /// Closes every connection.
    public mutating func closeAll(at now: Instant) {
        for id in Array(members.keys) { remove(id, because: .removed, at: now) }
    }

    mutating func remove(_ id: ID, because reason: RemovalReason, at now: Instant) {
        guard var member = members.removeValue(forKey: id) else { return }
        member.connection.close(at: now)
        post(&member.connection.outbox, of: id)
        router.forget(id)
        for (transceiver, kind) in member.remoteTracks.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            events.append(.trackRemoved(transceiver, kind, from: id))
        }
        if reason != .failed { events.append(.connectionStateChanged(.closed, id)) }
        events.append(.peerRemoved(id, reason))
    }

    // MARK: Local tracks

    /// Adds an outgoing track, to every peer that there is and to those to come.
    public mutating func addTrack(_ kind: MediaKind, streamID: String, at now: Instant) -> LocalTrackID {
        let track = LocalTrack(id: LocalTrackID(rawValue: nextTrackNumber), kind: kind, streamID: streamID)
        nextTrackNumber += 1
        localTracks.append(track)
        for id in Array(members.keys) {
            if var member = members.removeValue(forKey: id) {
                add(track, to: &member)
                members[id] = member
            }
            settle(id, at: now)
        }
        return track.id
    }

    /// Sends the track to nobody any more.
    public mutating func removeTrack(_ track: LocalTrackID, at now: Instant) {
        localTracks.removeAll { $0.id == track }
        for id in Array(members.keys) {
            if let transceiver = members[id]?.transceivers.removeValue(forKey: track) {
                members[id]?.connection.setDirection(.recvonly, of: transceiver)
            }
            settle(id, at: now)
        }
    }

    private func add(_ track: LocalTrack, to member: inout Member) {
        member.transceivers[track.id] = member.connection.addTrack(track.kind, streamID: track.streamID)
    }

    /// Sends one frame of video or one packet of sound to every peer that is connected.
    public mutating func send(_ frame: PacketizedFrame, on track: LocalTrackID, at now: Instant) {
        for id in Array(members.keys) {
            guard let transceiver = members[id]?.transceivers[track] else { continue }
            members[id]?.connection.send(frame, on: transceiver, at: now)
            settle(id, at: now)
        }
    }

    /// Asks a peer for a key frame of its track.
    public mutating func requestKeyFrame(on transceiver: TransceiverID, of id: ID, at now: Instant) {
        members[id]?.connection.requestKeyFrame(on: transceiver, at: now)
        settle(id, at: now)
    }

    // MARK: Told and drained

    /// Takes note of `input`, which happened at `now`. What is for a peer that is not of the set is left out.
    public mutating func handle(_ input: Input, at now: Instant) {
        switch input {
        case .datagram(let bytes, let local, let remote):
            guard let id = router.route(bytes, from: remote), members[id] != nil else {
                strangers += 1
                return
            }
            members[id]?.connection.handle(.datagram(bytes, local: local, remote: remote), at: now)
            settle(id, at: now)
        case .localAddressAdded(let address, let preference):
            localAddresses.append((address, preference))
            tellAll(.localAddressAdded(address, preference: preference), at: now)
        case .localAddressRemoved(let address):
            localAddresses.removeAll { $0.address == address }
            tellAll(.localAddressRemoved(address), at: now)
        case .localAddressesEnded:
            areAddressesEnded = true
            tellAll(.localAddressesEnded, at: now)
        case .signal(let signal, let id):
            receive(signal, from: id, at: now)
        case .timePassed:
            for id in Array(members.keys) { passTime(of: id, at: now) }
        }
    }

    /// The next event, in order; nil when there is none.
    public mutating func nextOutput() -> Event? {
        guard nextEvent < events.count else {
            events.removeAll(keepingCapacity: true)
            nextEvent = 0
            return nil
        }
        defer { nextEvent += 1 }
        return events[nextEvent]
    }

    private mutating func tellAll(_ input: RTCPeerConnection.Input, at now: Instant) {
        for id in Array(members.keys) {
            members[id]?.connection.handle(input, at: now)
            settle(id, at: now)
        }
    }

    private mutating func passTime(of id: ID, at now: Instant) {
        guard let member = members[id] else { return }
        if let limit = member.connectsUntil, limit <= now { return remove(id, because: .failed, at: now) }
        if let deadline = member.connection.deadline, deadline <= now {
            members[id]?.connection.handle(.timePassed, at: now)
        }
        if let deadline = member.recovery.deadline, deadline <= now {
            members[id]?.recovery.handle(.timePassed, at: now)
        }
        settle(id, at: now)
    }

    /// Moves what a connection wants sent to the set's outbox, and learns whose the answers are.
    mutating func post(_ batch: inout DatagramBatch, of id: ID) {
        for entry in batch.entries where entry.stream == nil {
            outbox.append(batch.storage[entry.range], from: entry.local, to: entry.remote)
            router.learn(entry.remote, of: id)
        }
        batch.removeAll()
    }

    mutating func register(_ id: ID) {
        if let member = members[id] { router.register(member.connection.localUsernameFragments, for: id) }
    }
}
