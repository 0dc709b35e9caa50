import DTLS
import Gateway
import Glibc
import ICE
import Media
import PeerConnection
import RTP
import SDP
import Wire

/// A viewer without a browser: our own peer connection on real sockets, watching a WHEP address.
public final class NativePeer {
    /// What has come so far.
    public struct Received: Sendable {
        /// Whole pictures.
        public var pictures = 0
        /// Pictures a decoder can start at.
        public var keyFrames = 0
        /// Packets of sound.
        public var soundPackets = 0
        /// Bytes of pictures.
        public var pictureBytes = 0
    }

    /// How long each step took, from the request on; nil for one that was not reached.
    public struct Timeline: Sendable {
        /// The answer came.
        public var answered: Duration?
        /// ICE and DTLS were done.
        public var connected: Duration?
        /// The first key frame was whole.
        public var firstKeyFrame: Duration?
    }

    /// What has come so far.
    public private(set) var received = Received()
    /// How long the steps took.
    public private(set) var timeline = Timeline()
    /// The last whole picture, as NAL units.
    public private(set) var lastKeyFrame: H264Depacketizer.Frame?

    private let client: HTTPClient
    private let socket: UDPSocket
    private var peer: RTCPeerConnection
    private let video: TransceiverID
    private var resource: String?
    private var reorderer = PacketReorderer()
    private var depacketizer = H264Depacketizer()
    private let began: Instant

    /// Connecting takes a certificate, which takes longer to make than the call; one serves all peers of a program.
    nonisolated(unsafe) private static var certificate: DTLSCertificate?

    /// Calls the door whose WHEP address is `/whep` at `server`, over the local address `local`.
    public init(calling server: SocketAddress, from local: IPAddress) throws {
        let certificate = try Self.certificate ?? DTLSCertificate(generatedAt: Int64(time(nil)))
        Self.certificate = certificate
        client = HTTPClient(server)
        socket = try UDPSocket(bindingTo: SocketAddress(local, port: 0))
        began = MonotonicClock.now
        peer = RTCPeerConnection(configuration: .init(certificate: certificate), random: SystemRandomSource())
        video = peer.addTransceiver(.video, direction: .recvonly)
        _ = peer.addTransceiver(.audio, direction: .recvonly)
        peer.handle(.localAddressAdded(socket.local, preference: 65535), at: began)
        peer.handle(.localAddressesEnded, at: began)
        try peer.setLocalDescription(at: began)
        let offer = peer.localDescription?.sdp ?? ""
        let response = try client.send("POST", "/whep", type: "application/sdp", body: offer)
        guard response.status == 201 else {
            throw HTTPClient.Failure(description: "the door answers \(response.status): \(response.body)")
        }
        resource = response.headers["location"]
        timeline.answered = MonotonicClock.now - began
        try peer.setRemoteDescription(.init(type: .answer, sdp: response.body), at: MonotonicClock.now)
    }

    /// The connection's state.
    public var connectionState: RTCPeerConnectionState { peer.connectionState }

    /// Takes part until `condition` holds; false where it does not within `limit`.
    @discardableResult
    public func run(for limit: Duration, until condition: (NativePeer) -> Bool = { _ in false }) -> Bool {
        let end = MonotonicClock.now + limit
        while !condition(self) {
            let now = MonotonicClock.now
            guard now < end, peer.connectionState != .closed else { return condition(self) }
            let next = [peer.deadline, reorderer.deadline, end].compactMap(\.self).min() ?? end
            var descriptor = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, Int32(max(0, min((next - now).milliseconds.rounded(.up), 1000))))
            step(at: MonotonicClock.now)
        }
        return true
    }

    /// Says good-bye and ends the session.
    public func hangUp() throws {
        peer.close(at: MonotonicClock.now)
        flush()
        if let resource { _ = try client.send("DELETE", resource) }
    }

    private func step(at now: Instant) {
        while socket.receive({ bytes, remote in
            peer.handle(.datagram(bytes, local: socket.local, remote: remote), at: now)
        }) {}
        if let deadline = peer.deadline, deadline <= now { peer.handle(.timePassed, at: now) }
        while let event = peer.nextOutput() { take(event, at: now) }
        drainPictures(at: now)
        flush()
    }

    private func take(_ event: RTCPeerConnection.Event, at now: Instant) {
        switch event {
        case .connectionStateChanged(.connected):
            if timeline.connected == nil { timeline.connected = now - began }
        case .packet(video, let packet, let sequence):
            reorderer.handle(packet, sequence: sequence, at: now)
        case .packet:
            received.soundPackets += 1
        default:
            break
        }
    }

    private func drainPictures(at now: Instant) {
        while let (sequence, packet) = reorderer.nextPacket(at: now) {
            depacketizer.handle(packet, sequence: sequence)
            while let output = depacketizer.nextOutput() {
                switch output {
                case .frame(let frame): count(frame, at: now)
                case .frameLost: peer.requestKeyFrame(on: video)
                case .frameSkipped, .discarded: break
                }
            }
        }
    }

    private func count(_ frame: H264Depacketizer.Frame, at now: Instant) {
        received.pictures += 1
        received.pictureBytes += frame.bytes.count
        guard frame.isKeyFrame else { return }
        received.keyFrames += 1
        lastKeyFrame = frame
        if timeline.firstKeyFrame == nil { timeline.firstKeyFrame = now - began }
    }

    private func flush() {
        _ = socket.send(peer.outbox.storage, peer.outbox.entries[...])
        peer.outbox.removeAll()
    }
}
