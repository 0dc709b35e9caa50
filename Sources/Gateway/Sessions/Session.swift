import Calls
import ICE
import Identity
import Media
import PeerConnection
import RTP
import SDP
import Wire

/// Names a peer of this daemon, whoever it serves.
struct SessionID: Hashable, CustomStringConvertible {
    let rawValue: Int
    var description: String { "#\(rawValue)" }
}

/// One viewer's peer connection and what it is for. Owned by the loop.
final class Session {
    /// Whom the peer serves.
    enum Viewer: Hashable {
        /// A page, in a call.
        case call(CallID)
        /// A player, by WHEP; the text is the last part of its resource's path.
        case player(String)
        /// A media server that passes picture and sound on, by WHIP.
        case publication
    }

    let id: SessionID
    let viewer: Viewer
    /// Who watches.
    var caller = Caller.anybody
    let began: Instant
    /// Whatever is done with it, the loop serves it at the end of the turn.
    var peer: RTCPeerConnection {
        didSet { (isUndrained, isUnserved, mayHaveChanged) = (true, true, true) }
    }
    var negotiation = PerfectNegotiation(isPolite: false)
    /// How a path that is lost is found again.
    var recovery: ConnectionRecovery {
        didSet { isUnserved = true }
    }
    /// Whether the peer may have something to tell.
    private(set) var isUndrained = true
    /// Whether the peer may have something to send, or another deadline.
    private(set) var isUnserved = true
    /// Whether anything was done with the peer that may change what was agreed on, or whether it can be sent.
    private var mayHaveChanged = true
    /// Whether it was agreed on that pictures are sent, and they can be.
    private var sendsPictures = false
    /// When the peer or its recovery next wants to be called, as of the last time it was served; nil for never.
    private(set) var deadline: Instant?
    /// What this peer's outgoing media is bound to, once it was added.
    private(set) var tracks: (video: TransceiverID, audio: TransceiverID)?
    /// Which encode's pictures are sent.
    private(set) var encodings = EncodingSwitch()
    /// The data channel that chat and the door's controls go over.
    var channel: DataChannelID?
    private(set) var connectedAt: Instant?
    private(set) var firstFrameAt: Instant?
    /// How long the viewer was asked to hold pictures back.
    private var repairDelay: Duration?

    init(
        id: SessionID, viewer: Viewer, configuration: RTCPeerConnection.Configuration, random: any RandomSource,
        at now: Instant
    ) {
        self.id = id
        self.viewer = viewer
        began = now
        recovery = ConnectionRecovery(patience: .door)
        peer = RTCPeerConnection(configuration: configuration, random: random)
    }

    /// Adds the door's picture and sound. In a call that is done when the page's offer has come, so that the offer's
    /// media descriptions take them and no offer of ours collides with it.
    ///
    /// The door takes in nobody's picture, and a voice only in a call: whoever but watches, from any page at all, must
    /// not be heard at the door.
    func addTracks() {
        guard tracks == nil else { return }
        let (video, audio) = (peer.addTrack(.video, streamID: "door"), peer.addTrack(.audio, streamID: "door"))
        peer.setDirection(.sendonly, of: video)
        switch viewer {
        case .call: break
        case .player, .publication: peer.setDirection(.sendonly, of: audio)
        }
        tracks = (video, audio)
    }

    /// Whether what comes on `transceiver` is a voice for the door's speaker.
    func isVoice(_ transceiver: TransceiverID) -> Bool {
        if case .call = viewer { transceiver == tracks?.audio } else { false }
    }

    /// Whether media can leave.
    var isConnected: Bool { peer.connectionState == .connected }

    func becameConnected(at now: Instant) {
        if connectedAt == nil { connectedAt = now }
        mayHaveChanged = true
        encodings.awaitKeyFrame()
    }

    /// Why the connection is of no use, in words.
    var failure: String { peer.failureReason?.description ?? "the viewer's side fell silent" }

    /// The steps on the way to the first picture, in order.
    func milestones(at now: Instant) -> [(name: String, at: Instant)] {
        let steps: [(String, Instant?)] = [
            ("descriptions exchanged", peer.milestones.negotiated), ("path found", peer.milestones.paired),
            ("keys agreed", peer.milestones.keyed), ("picture encoded and sent", firstFrameAt),
        ]
        return steps.compactMap { name, at in at.map { (name, $0) } }
    }

    /// Sends one picture of `encoding`, where it is for this viewer. Returns whether a key frame is needed first.
    func send(picture frame: PacketizedFrame, of encoding: Encoding, at now: Instant) -> Bool {
        guard isConnected, let tracks, sendsPictures else { return false }
        switch encodings.take(frame, of: encoding) {
        case .send(let frame):
            if firstFrameAt == nil { firstFrameAt = now }
            send(frame, on: tracks.video, at: now)
            return false
        case .sendAll(let frames):
            for frame in frames { peer.send(frame, on: tracks.video, at: now) }
            return false
        case .skip: return false
        case .needsKeyFrame: return true
        }
    }

    /// Moves to `encoding`, at its next key frame. Returns whether that is a change.
    func want(_ encoding: Encoding) -> Bool {
        defer { encodings.wanted = encoding }
        return encodings.wanted != encoding
    }

    /// Whether pictures of `encoding` are for this viewer, or will be.
    func takes(_ encoding: Encoding) -> Bool {
        encodings.current == encoding || encodings.wanted == encoding
    }

    // MARK: Bandwidth

    /// Has pictures held back for as long as repairs take, where the viewer's path loses more than a little.
    func allowForRepairs(at now: Instant) {
        guard let tracks, peer.repairDelay != repairDelay else { return }
        repairDelay = peer.repairDelay
        let least = UInt16((repairDelay ?? .zero) / .milliseconds(10))
        peer.setPlayoutDelay(PlayoutDelay(minimum: least, maximum: Self.longestPlayoutDelay), of: tracks.video, at: now)
    }

    /// In units of 10 ms: libwebrtc's own bound.
    private static let longestPlayoutDelay: UInt16 = 1000

    /// The bits a second that the viewer's network bears for pictures; nil while that is unknown.
    var availableVideoBitrate: Int? {
        peer.availableOutgoingBitrate.map(Self.pictureShare)
    }

    /// What a connection is to carry for pictures of `bitrate` bits a second, in bits a second.
    static func usefulBitrate(pictures bitrate: Int) -> Double { Double(bitrate) / pictureShare + soundBitrate }

    /// What is left of a connection's `bitrate` for pictures: sound comes first, and of each packet of a kilobyte some
    /// fifty bytes are header, extensions and tag.
    private static func pictureShare(of bitrate: Double) -> Int {
        Int(min(max((bitrate - soundBitrate) * pictureShare, 0), 1e9))
    }
    private static let pictureShare = 0.95
    /// Sound with its headers.
    private static let soundBitrate = 50_000.0

    /// Sends 20 ms of sound.
    func send(sound packet: PacketizedFrame, at now: Instant) {
        guard isConnected, let tracks else { return }
        send(packet, on: tracks.audio, at: now)
    }

    // What comes often changes nothing of what was agreed on.

    private func send(_ frame: PacketizedFrame, on transceiver: TransceiverID, at now: Instant) {
        let mayHaveChanged = self.mayHaveChanged
        peer.send(frame, on: transceiver, at: now)
        self.mayHaveChanged = mayHaveChanged
    }

    /// Takes a datagram for the peer.
    func receive(_ bytes: [UInt8], local: SocketAddress, from remote: SocketAddress, at now: Instant) {
        let mayHaveChanged = self.mayHaveChanged
        peer.handle(.datagram(bytes, local: local, remote: remote), at: now)
        self.mayHaveChanged = mayHaveChanged
    }

    /// Tells the peer that its deadline has come.
    func passTime(at now: Instant) {
        let mayHaveChanged = self.mayHaveChanged
        peer.handle(.timePassed, at: now)
        self.mayHaveChanged = mayHaveChanged
    }

    // MARK: The loop's turn

    /// What the peer has to tell; nil once that is all.
    func nextOutput() -> RTCPeerConnection.Event? {
        let mayHaveChanged = self.mayHaveChanged
        let event = peer.nextOutput()
        (isUndrained, self.mayHaveChanged) = (event != nil, mayHaveChanged)
        return event
    }

    /// Sends what the peer has to send, and remembers what it is called in what comes back.
    func serve(by sockets: MediaSockets) {
        let isUndrained = self.isUndrained
        if mayHaveChanged {
            sockets.register(peer.localUsernameFragments, for: id)
            sendsPictures = tracks.map { peer.canSend(on: $0.video) } ?? false
        }
        sockets.send(&peer.outbox, for: id)
        deadline = earliest(peer.nextDeadline(), recovery.deadline)
        (self.isUndrained, isUnserved, mayHaveChanged) = (isUndrained, false, false)
    }
}

extension ConnectionRecovery.Patience {
    /// The door's: it restarts ICE, and leaves a fresh call to the page, which has its wish and its button. Consent to
    /// send runs out after 30 s without an answer (RFC 7675 §5.1), so that to wait longer would be of no use.
    static let door: Self = {
        var patience = Self()
        patience.restart = .seconds(30)
        patience.limit = .seconds(30)
        patience.canReconnect = false
        return patience
    }()
}
