import DTLS
import Gateway
import Glibc
import Media
import PeerConnection
import RTP
import Wire

/// One call between two fresh peers on UDP sockets of this machine.
package final class SocketCall {
    /// No packet came in time.
    package struct Failure: Error {}

    private let sockets: [UDPSocket]
    private var peers: [RTCPeerConnection]
    private let sound: TransceiverID
    private var packetsReceived = 0
    private var packetsSent = 0

    /// The offerer's and the answerer's, made once for all calls.
    private static let certificates = (0..<2).map { _ in
        do {
            return try DTLSCertificate(generatedAt: 1_800_000_000)
        } catch {
            fatalError("no certificate: \(error)")
        }
    }

    /// Two peers, and the offer.
    package init() throws {
        let now = MonotonicClock.now
        let random = SystemRandomSource()
        sockets = try (0..<2).map { _ in try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0)) }
        peers = Self.certificates.map { certificate in
            var configuration = RTCPeerConnection.Configuration(certificate: certificate)
            configuration.bundlePolicy = .maxBundle
            return RTCPeerConnection(configuration: configuration, random: random)
        }
        for side in peers.indices {
            peers[side].handle(.localAddressAdded(sockets[side].local, preference: 65535), at: now)
            peers[side].handle(.localAddressesEnded, at: now)
        }
        // as a page does: it wants the door's picture and sound; the door sends both
        _ = peers[0].addTransceiver(.video, direction: .recvonly)
        _ = peers[0].addTransceiver(.audio, direction: .recvonly)
        _ = peers[1].addTrack(.video, streamID: "door")
        sound = peers[1].addTrack(.audio, streamID: "door")
        try peers[0].setLocalDescription(at: now)
    }

    /// Answers the offer and takes part until the offerer has the first packet of sound; returns how long that took from
    /// the offer's arrival on.
    @discardableResult
    package func connect(within limit: Duration) throws -> Duration {
        guard let offer = peers[0].localDescription else { throw Failure() }
        let start = MonotonicClock.now
        try peers[1].setRemoteDescription(offer, at: start)
        try peers[1].setLocalDescription(at: start)
        guard let answer = peers[1].localDescription else { throw Failure() }
        try peers[0].setRemoteDescription(answer, at: MonotonicClock.now)
        flush()
        while packetsReceived == 0 {
            let now = MonotonicClock.now
            guard now - start < limit else { throw Failure() }
            wait(at: now)
            step(at: MonotonicClock.now)
        }
        return MonotonicClock.now - start
    }

    private func wait(at now: Instant) {
        let next = peers.compactMap(\.deadline).min() ?? now + .seconds(1)
        var descriptors = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        // a deadline within the next millisecond is waited for by coming back at once
        poll(&descriptors, nfds_t(descriptors.count), Int32(max(0, min((next - now).milliseconds, 1000))))
    }

    private func step(at now: Instant) {
        for side in peers.indices {
            let local = sockets[side].local
            while sockets[side].receive({ bytes, remote in
                peers[side].handle(.datagram(bytes, local: local, remote: remote), at: now)
            }) {}
            if let deadline = peers[side].deadline, deadline <= now { peers[side].handle(.timePassed, at: now) }
            while let event = peers[side].nextOutput() {
                if case .packet = event { packetsReceived += 1 }
            }
        }
        // sound every 20 ms in earnest; here the first packet goes as soon as there are keys
        if packetsSent == 0, peers[1].canSend(on: sound), peers[0].connectionState == .connected {
            let packet = PacketizedFrame(sound: [0xF8, 0xFF, 0xFE], timestamp: 0, captured: now)
            peers[1].send(packet, on: sound, at: now)
            packetsSent += 1
        }
        flush()
    }

    private func flush() {
        for side in peers.indices {
            _ = sockets[side].send(peers[side].outbox.storage, peers[side].outbox.entries[...])
            peers[side].outbox.removeAll()
        }
    }
}
