import Congestion
import DTLS
import ICE
import RTP
import SDP
import SRTP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// A call between a door (impolite) and a page (polite) under a virtual clock: picture one way or both, sound both.
final class Call {
    let simulation: Simulation
    /// The transceivers that the door sends on, and those the page sends on.
    let door: (video: TransceiverID, audio: TransceiverID)
    let page: (video: TransceiverID, audio: TransceiverID)
    private var ticks: UInt32 = 0
    private var lastPicture = RTPTimestamp(0)

    /// A path of which nothing is to be found out: nothing leaves but what is sent.
    private static let knownPath: BandwidthEstimator.Configuration = {
        var bandwidth = BandwidthEstimator.Configuration()
        (bandwidth.startBitrate, bandwidth.maximumBitrate) = (50e6, 50e6)
        return bandwidth
    }()

    /// Connects; the page's offer and the door's answer are changed under way.
    init(
        seed: UInt64 = 1, _ conditions: PathConditions = .perfect, pageSendsVideo: Bool = false,
        policy: RTCBundlePolicy = .maxBundle, probes: Bool = false,
        offer changeOffer: (inout SessionDescription) -> Void = { _ in },
        answer changeAnswer: (inout SessionDescription) -> Void = { _ in }
    ) throws {
        simulation = Simulation(
            seed: seed, conditions: conditions, policy: policy, sockets: policy == .maxBundle ? 1 : 2
        ) { configuration, _ in
            if !probes { configuration.bandwidth = Self.knownPath }
        }
        for side in Simulation.Side.allCases { simulation[side].negotiatesByItself = false }
        page = simulation.act(.polite) { page, _ in
            (
                page.peer.addTransceiver(.video, direction: pageSendsVideo ? .sendrecv : .recvonly),
                page.peer.addTransceiver(.audio, direction: .sendrecv)
            )
        }
        door = simulation.act(.impolite) { door, _ in
            (door.peer.addTrack(.video, streamID: "door"), door.peer.addTrack(.audio, streamID: "door"))
        }
        try negotiate(offer: changeOffer, answer: changeAnswer)
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        // the last flight has come, and the ends of candidates
        simulation.run(for: .milliseconds(50))
    }

    /// The page offers, the door answers.
    func negotiate(
        offer changeOffer: (inout SessionDescription) -> Void = { _ in },
        answer changeAnswer: (inout SessionDescription) -> Void = { _ in }
    ) throws {
        let offer = try simulation.act(.polite) { page, now in
            try page.peer.setLocalDescription(.offer, at: now)
            return try Self.changed(page.peer.localDescription, changeOffer)
        }
        let answer = try simulation.act(.impolite) { door, now in
            try door.peer.setRemoteDescription(offer, at: now)
            try door.peer.setLocalDescription(at: now)
            return try Self.changed(door.peer.localDescription, changeAnswer)
        }
        try simulation.act(.polite) { page, now in try page.peer.setRemoteDescription(answer, at: now) }
    }

    private static func changed(
        _ description: RTCSessionDescription?, _ change: (inout SessionDescription) -> Void
    ) throws -> RTCSessionDescription {
        let description = try #require(description)
        var session = try SessionDescription(parsing: description.sdp)
        change(&session)
        return RTCSessionDescription(type: description.type, sdp: session.description)
    }

    /// A picture of three packets, another one each time: as H.264, parameters and two slices of a key frame, or
    /// three slices of a picture that refers to the one before. It is taken now; of two of one moment the second is a
    /// tick later.
    func picture(isKeyFrame: Bool = true) -> PacketizedFrame {
        ticks += 1
        let taken = RTPTimestamp(simulation.now, clockRate: 90_000)
        lastPicture = lastPicture.distance(to: taken) > 0 ? taken : lastPicture + 1
        var storage: [UInt8] = []
        for part in 0..<3 {
            storage.append(isKeyFrame ? (part == 0 ? 0x67 : 0x65) : 0x41)
            storage += [UInt8](repeating: UInt8(truncatingIfNeeded: ticks), count: 99 + part)
        }
        return PacketizedFrame(
            storage: storage, payloads: [0..<100, 100..<201, 201..<303], markedPayload: 2,
            timestamp: lastPicture, captured: simulation.now, isKeyFrame: isKeyFrame)
    }

    /// 20 ms of sound.
    func sound(level: AudioLevel? = nil) -> PacketizedFrame {
        ticks += 1
        return PacketizedFrame(
            sound: [0xFC, UInt8(truncatingIfNeeded: ticks)],
            timestamp: RTPTimestamp(simulation.now, clockRate: 48_000), captured: simulation.now, audioLevel: level)
    }

    /// Sends from the door; `isLost` for what the network is to lose.
    func sendFromDoor(_ frame: PacketizedFrame, on transceiver: TransceiverID, isLost: Bool = false) {
        simulation.act(.impolite) { door, now in
            door.peer.send(frame, on: transceiver, at: now)
            if isLost { door.peer.outbox.removeAll() }
        }
    }

    /// What `side` sends when `body` is done to it, in the clear; it reaches nobody.
    func intercept(
        _ side: Simulation.Side, _ body: (inout RTCPeerConnection, Instant) -> Void
    ) throws -> (rtcp: [[RTCPPacket]], protected: [[UInt8]]) {
        let datagrams = simulation.act(side) { endpoint, now in
            #expect(endpoint.peer.outbox.isEmpty)
            body(&endpoint.peer, now)
            defer { endpoint.peer.outbox.removeAll() }
            let batch = endpoint.peer.outbox
            return batch.entries.map { Array(batch.storage[$0.range]) }
        }
        let receiver = try #require(simulation[side.other].peer.transport?.srtpReceiver)
        let reports = try datagrams.filter { RTCPPacket.isRTCP($0) }.map { datagram in
            var bytes = datagram
            try receiver.unprotectRTCP(&bytes)
            return try RTCPPacket.parse(bytes[...])
        }
        return (reports, datagrams)
    }

    /// Sends an RTP packet from the page that its peer would not send, with the page's keys.
    func inject(
        ssrc: SSRC, payloadType: PayloadType, sequence: UInt16 = 1, mid: String? = nil, payload: [UInt8] = [1, 2, 3]
    ) throws {
        try simulation.act(.polite) { page, _ in
            let sender = try #require(page.peer.transport?.srtpSender)
            let pair = try #require(page.peer.selectedPair)
            var extensions = HeaderExtensionValues()
            extensions.mid = Array((mid ?? "").utf8)
            var map = HeaderExtensionMap()
            map[.mid] = 1
            var bytes: [UInt8] = []
            RTPHeader(
                marker: false, payloadType: payloadType, sequenceNumber: SequenceNumber(sequence), timestamp: 0,
                ssrc: ssrc
            ).write(to: &bytes, extensions: extensions, map: map)
            bytes += payload
            try sender.protectRTP(&bytes)
            page.peer.outbox.append(bytes, from: pair.localAddress, to: pair.remoteAddress)
        }
        simulation.run(for: .milliseconds(10))
    }

    /// Sends a report from the page.
    func report(_ packet: RTCPPacket) {
        simulation.act(.polite) { page, _ in
            page.peer.writeRTCP(by: page.peer.transports[0].id) { packet.write(to: &$0) }
        }
        simulation.run(for: .milliseconds(10))
    }

    var doorPeer: RTCPeerConnection { simulation[.impolite].peer }
    var pagePeer: RTCPeerConnection { simulation[.polite].peer }

    /// The source that the door sends on `transceiver` with.
    func source(_ transceiver: TransceiverID) throws -> SSRC {
        try #require(doorPeer.allTransceivers.first { $0.id == transceiver }).ssrc
    }

    /// What the page has received on `transceiver`: numbers in order of arrival.
    func received(by side: Simulation.Side, on transceiver: TransceiverID) -> [Int64] {
        simulation[side].packets.filter { $0.0 == transceiver }.map(\.sequence)
    }
}
