import DTLS
import ICE
import RecordedOffers
import SDP
import Testing
import Wire

@testable import PeerConnection

/// What the tests of descriptions share: peers that never send anything, and real offers with changes.
enum Fixture {
    /// Certificates take time to make; no description depends on whose it is.
    static let certificate = try! DTLSCertificate(generatedAt: 0)

    static let now = Instant.zero + .seconds(1)

    /// A peer with one host candidate, which bundles unless `configure` says otherwise. `isDoor` adds the tracks that the
    /// door sends.
    static func peer(
        seed: UInt64 = 1, isDoor: Bool = true, _ configure: (inout RTCPeerConnection.Configuration) -> Void = { _ in }
    ) -> RTCPeerConnection {
        var configuration = RTCPeerConnection.Configuration(certificate: certificate)
        configuration.bundlePolicy = .maxBundle
        configure(&configuration)
        var peer = RTCPeerConnection(configuration: configuration, random: SeededRandomSource(seed: seed))
        let address = SocketAddress(.v4(0xC000_0200 + UInt32(seed)), port: 5000)
        peer.handle(.localAddressAdded(address, preference: 65535), at: now)
        peer.handle(.localAddressesEnded, at: now)
        if isDoor {
            let video = peer.addTrack(.video, streamID: "door")
            _ = peer.addTrack(.audio, streamID: "door")
            peer.setDirection(.sendonly, of: video)
        }
        _ = peer.drain()
        return peer
    }

    /// Chromium's offer (video recvonly, audio sendrecv, data channel; one bundle), changed.
    static func chromium(_ change: (inout SessionDescription) -> Void = { _ in }) throws -> RTCSessionDescription {
        try offer(BrowserOffers.chromium, change)
    }

    /// Firefox's offer of the same.
    static func firefox(_ change: (inout SessionDescription) -> Void = { _ in }) throws -> RTCSessionDescription {
        try offer(BrowserOffers.firefox, change)
    }

    private static func offer(
        _ text: String, _ change: (inout SessionDescription) -> Void
    ) throws -> RTCSessionDescription {
        var session = try SessionDescription(parsing: text)
        change(&session)
        return RTCSessionDescription(type: .offer, sdp: session.description)
    }
}

extension RTCPeerConnection {
    /// Every event that waits.
    mutating func drain() -> [Event] {
        var events: [Event] = []
        while let event = nextOutput() { events.append(event) }
        outbox.removeAll()
        return events
    }

    /// The names of every event that waits, as the W3C calls them.
    mutating func drainNames() -> [String] { drain().map(\.name) }

    /// Takes an offer and answers it.
    mutating func answer(_ offer: RTCSessionDescription) throws -> SessionDescription {
        try setRemoteDescription(offer, at: Fixture.now)
        try setLocalDescription(at: Fixture.now)
        return try local
    }

    /// Makes an offer.
    mutating func offer() throws -> RTCSessionDescription {
        try setLocalDescription(.offer, at: Fixture.now)
        return try #require(localDescription)
    }

    /// The one transport of a bundle.
    var transport: PeerTransport? { transports.first }
    var ice: ICEAgent? { transport?.ice }
    var dtls: DTLSTransport? { transport?.dtls }
    var localUsernameFragment: String? { ice?.credentials.usernameFragment }

    /// `localDescription`, read.
    var local: SessionDescription {
        get throws { try SessionDescription(parsing: #require(localDescription).sdp) }
    }

    func transceiver(_ kind: MediaKind) throws -> RTCRtpTransceiver {
        try #require(allTransceivers.first { $0.kind == kind })
    }
}

/// Lets `offerer` and `answerer` agree once; `change` is applied to the offer under way.
func exchange(
    from offerer: inout RTCPeerConnection, to answerer: inout RTCPeerConnection,
    _ change: (inout SessionDescription) -> Void = { _ in }
) throws {
    var session = try SessionDescription(parsing: offerer.offer().sdp)
    change(&session)
    let answer = try answerer.answer(.init(type: .offer, sdp: session.description))
    try offerer.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: Fixture.now)
}

/// The name of the DOMException that `body` fails with; nil where it does not.
func failure(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as RTCError {
        return String(error.description.prefix { $0 != ":" })
    } catch {
        return "\(error)"
    }
}

extension RTCPeerConnection.Event {
    var name: String {
        switch self {
        case .negotiationNeeded: "negotiationneeded"
        case .iceCandidate(let candidate): candidate.candidate.isEmpty ? "end of candidates" : "icecandidate"
        case .signalingStateChanged(let state): "signaling \(state.rawValue)"
        case .iceGatheringStateChanged(let state): "gathering \(state.rawValue)"
        case .iceConnectionStateChanged(let state): "ice \(state.rawValue)"
        case .connectionStateChanged(let state): "connection \(state.rawValue)"
        case .track(_, let kind, let isActive): "track \(kind) \(isActive ? "active" : "inactive")"
        case .packet: "packet"
        case .keyFrameRequested: "key frame"
        case .streamWanted(_, _, let remote, _): "stream to \(remote) wanted"
        case .relaySocketWanted(_, _, let server): "socket for \(server) wanted"
        case .iceCandidateError(let error): "icecandidateerror \(error.errorCode)"
        case .iceCredentialsWanted: "credentials wanted"
        case .streamUnwanted: "stream unwanted"
        case .nameWanted(let name): "name \(name) wanted"
        case .accessUnit: "access unit"
        case .transportFeedback: "transport feedback"
        case .receiverEstimatedMaximumBitrate: "estimate"
        case .dataChannel: "datachannel"
        case .dataChannelStateChanged(_, let state): "channel \(state.rawValue)"
        case .dataChannelError(_, let error): "channel error \(error.errorDetail)"
        case .message: "message"
        case .bufferedAmountLow: "bufferedamountlow"
        }
    }
}
