import DTLS
import Glibc
import ICE
import Media
import PeerConnection
import RTP
import SDP
import Wire

/// A viewer without a browser: a peer connection on sockets of its own that takes one picture and one sound in.
///
/// It knows no signalling: `offer` is what to send, `accept` takes the answer, `run` takes part, and `takeCandidates`
/// gives what was found after the offer.
package final class Viewer {
    /// What has come so far.
    package struct Received: Sendable {
        /// Whole pictures.
        package var pictures = 0
        /// Pictures a decoder can start at.
        package var keyFrames = 0
        /// Bytes of pictures.
        package var pictureBytes = 0
        /// Packets of sound.
        package var soundPackets = 0
        /// Bytes of sound.
        package var soundBytes = 0
    }

    /// The servers that a viewer uses.
    package struct Relays: Sendable {
        /// STUN and TURN servers.
        package var servers: [RTCIceServer] = []
        /// Whether everything is to go by a TURN server.
        package var policy = RTCIceTransportPolicy.all
        /// The PEM file of whom connections to them under TLS trust; nil for the system's authorities.
        package var authorities: String?
        /// Whether the signalling may name more: gathering ends with `setIceServers`.
        package var mayHaveMoreServers = false

        /// No servers.
        package init() {}
    }

    /// How long each step took, from the beginning on; nil for one that was not reached.
    package struct Timeline: Sendable {
        /// The answer came.
        package var answered: Duration?
        /// ICE and DTLS were done.
        package var connected: Duration?
        /// The first key frame was whole.
        package var firstKeyFrame: Duration?
    }

    /// What has come so far.
    package private(set) var received = Received()
    /// How long the steps took.
    package private(set) var timeline = Timeline()
    /// Is given every whole picture, in order.
    package var onPicture: ((H264Depacketizer.Frame) -> Void)?
    /// Is given every packet of sound, in order.
    package var onSound: ((RTPPacket) -> Void)?
    /// Is told of every event but packets.
    package var onEvent: ((RTCPeerConnection.Event) -> Void)?
    /// A descriptor to wait for, besides the sockets.
    package var alarm: Int32 = -1

    private let sockets: [SocketAddress: UDPSocket]
    private let usesUDP: Bool
    private let streams: ViewerStreams
    private var serverNames: Set<String>
    private var candidates: [RTCIceCandidate] = []
    private var peer: RTCPeerConnection
    private let video: TransceiverID
    private let audio: TransceiverID
    private var sounds = PacketReorderer(patience: .milliseconds(100))
    private let began: Instant

    /// Opens a socket on each of `addresses` that can be used, the one to prefer first, and makes the offer. Without `usesUDP` everything
    /// goes over TCP, as behind a firewall that lets nothing else through.
    package init(
        on addresses: [IPAddress], certificate: DTLSCertificate, usesUDP: Bool = true, relays: Relays = Relays()
    ) throws {
        self.usesUDP = usesUDP
        streams = ViewerStreams(authorities: relays.authorities)
        serverNames = Set(relays.servers.flatMap(\.urls).map(\.host))
        var sockets: [SocketAddress: UDPSocket] = [:]
        began = MonotonicClock.now
        var configuration = RTCPeerConnection.Configuration(certificate: certificate)
        configuration.bundlePolicy = .maxBundle
        configuration.ice.usesActiveTCP = true
        configuration.iceServers = relays.servers
        configuration.iceTransportPolicy = relays.policy
        configuration.unixEpoch = WallClock.unixEpoch(at: began)
        peer = RTCPeerConnection(configuration: configuration, random: SystemRandomSource())
        video = peer.addTransceiver(.video, direction: .recvonly)
        audio = peer.addTransceiver(.audio, direction: .recvonly)
        var failure: SocketError?
        for (index, address) in addresses.enumerated() {
            do throws(SocketError) {
                let socket = try UDPSocket(bindingTo: SocketAddress(address, port: 0))
                sockets[socket.local] = socket
                let preference = UInt16(max(0, 65535 - 256 * index))
                peer.handle(.localAddressAdded(socket.local, preference: preference), at: began)
            } catch {
                // an address may be on its way: IPv6 checks a new one for a duplicate first (RFC 4862 §5.4)
                failure = error
            }
        }
        if let failure, sockets.isEmpty { throw failure }
        self.sockets = sockets
        if !relays.mayHaveMoreServers { peer.handle(.localAddressesEnded, at: began) }
        try peer.setLocalDescription(at: began)
    }

    /// The offer to send.
    package var offer: String {
        candidates = []
        return peer.localDescription?.sdp ?? ""
    }

    /// Takes the answer to the offer.
    package func accept(_ answer: String) throws(RTCError) {
        timeline.answered = MonotonicClock.now - began
        try peer.setRemoteDescription(.init(type: .answer, sdp: answer), at: MonotonicClock.now)
    }

    /// Takes the servers that are known only now, or new credentials for those that are known; no more will come.
    package func setIceServers(_ servers: [RTCIceServer]) {
        serverNames.formUnion(servers.flatMap(\.urls).map(\.host))
        peer.setIceServers(servers, at: MonotonicClock.now)
        peer.handle(.localAddressesEnded, at: MonotonicClock.now)
    }

    /// The candidates that the offer does not have, since the last call; an empty one is their end.
    package func takeCandidates() -> [RTCIceCandidate] {
        defer { candidates = [] }
        return candidates
    }

    /// The password of the offer's ICE session.
    package var icePassword: String? {
        (try? SessionDescription(parsing: peer.localDescription?.sdp ?? ""))?.media.first?.icePwd
    }

    /// `iceGatheringState`.
    package var iceGatheringState: ICEGatheringState { peer.iceGatheringState }
    /// `connectionState`.
    package var connectionState: RTCPeerConnectionState { peer.connectionState }
    /// Why the connection failed; nil where it did not.
    package var failureReason: RTCPeerConnection.FailureReason? { peer.failureReason }
    /// What was sent and received.
    package var statistics: RTCStatistics { peer.statistics }
    /// The pair that media comes by.
    package var selectedPair: ICECandidatePair? { peer.selectedPair }
    /// What protects media and messages.
    package var protection: RTCPeerConnection.Protection? { peer.protection }

    /// The codec that was agreed on for `kind`; nil where the other side sends none.
    package func codec(of kind: MediaKind) -> RTPCodec? {
        guard let answer = peer.remoteDescription,
            let section = try? SessionDescription(parsing: answer.sdp).media.first(where: { $0.kind == kind }),
            !section.isRejected, section.direction.sends
        else { return nil }
        return section.codecs.first
    }

    /// How long ago `frame` was captured, for a door whose clock is this machine's own, as ours tells it in its reports;
    /// nil before the first of them.
    package func age(of frame: H264Depacketizer.Frame) -> Duration? {
        guard let captured = peer.captureTime(of: frame.timestamp, on: video) else { return nil }
        let fractions = Int64(bitPattern: NTPTime(MonotonicClock.now).rawValue &- captured.rawValue)
        return .nanoseconds(Int64((Double(fractions) * 1e9 / 4_294_967_296).rounded()))
    }

    /// Takes part until `condition` holds; false where it does not within `limit`, or the connection is closed before.
    @discardableResult
    package func run(for limit: Duration, until condition: (Viewer) -> Bool = { _ in false }) -> Bool {
        let end = MonotonicClock.now + limit
        while !condition(self) {
            let now = MonotonicClock.now
            guard now < end, peer.connectionState != .closed else { return condition(self) }
            wait(until: earliest(peer.deadline, sounds.deadline, end) ?? end, at: now)
            step(at: MonotonicClock.now)
        }
        return true
    }

    /// Says good-bye.
    package func close() {
        peer.close(at: MonotonicClock.now)
        flush()
    }

    private func wait(until instant: Instant, at now: Instant) {
        let descriptors = sockets.values.map(\.descriptor) + (alarm >= 0 ? [alarm] : [])
        var waiting = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) } + streams.waiting
        poll(&waiting, nfds_t(waiting.count), Int32(max(0, min((instant - now).milliseconds.rounded(.up), 1000))))
    }

    private func step(at now: Instant) {
        for (local, socket) in sockets {
            while socket.receive({ bytes, remote in
                if usesUDP { peer.handle(.datagram(bytes, local: local, remote: remote), at: now) }
            }) {}
        }
        streams.read(for: &peer, at: now)
        if let deadline = peer.deadline, deadline <= now { peer.handle(.timePassed, at: now) }
        while let event = peer.nextOutput() { take(event, at: now) }
        while let (_, packet, _) = sounds.nextPacket(at: now) {
            received.soundPackets += 1
            received.soundBytes += packet.payload.count
            onSound?(packet)
        }
        flush()
    }

    private func take(_ event: RTCPeerConnection.Event, at now: Instant) {
        switch event {
        case .accessUnit(video, let frame): count(frame, at: now)
        case .packet(audio, let packet, let sequence): sounds.handle(packet, sequence: sequence, at: now)
        case .packet, .accessUnit: break
        case .streamWanted(let stream, let local, let remote, let name):
            if let reason = streams.open(stream, from: local, to: remote, tls: name) {
                peer.handle(.streamClosed(stream, reason: reason), at: now)
            }
        case .relaySocketWanted(let stream, let local, let server):
            if let reason = streams.openRelaySocket(stream, from: local, to: server) {
                peer.handle(.streamClosed(stream, reason: reason), at: now)
            }
        case .streamUnwanted(let stream):
            flush()
            streams.close(stream)
        // of a candidate the door's own checks show what is behind its name
        case .nameWanted(let name):
            let addresses = serverNames.contains(name) ? resolve(name, port: 0).map(\.ip) : []
            peer.handle(.nameResolved(name, addresses), at: now)
        case .iceCandidate(let candidate): candidates.append(candidate)
        default:
            if case .connectionStateChanged(.connected) = event, timeline.connected == nil {
                timeline.connected = now - began
            }
            onEvent?(event)
        }
    }

    private func count(_ frame: H264Depacketizer.Frame, at now: Instant) {
        received.pictures += 1
        received.pictureBytes += frame.bytes.count
        if frame.isKeyFrame {
            received.keyFrames += 1
            if timeline.firstKeyFrame == nil { timeline.firstKeyFrame = now - began }
        }
        onPicture?(frame)
    }

    private func flush() {
        var rest = peer.outbox.entries[...]
        while let first = rest.first {
            let run = rest.prefix { $0.local == first.local && $0.stream == first.stream }
            if let stream = first.stream {
                streams.send(peer.outbox.storage, run, on: stream)
            } else if usesUDP, let socket = sockets[first.local] {
                _ = socket.send(peer.outbox.storage, run)
            }
            rest = rest.dropFirst(run.count)
        }
        streams.flush()
        peer.outbox.removeAll()
    }
}
