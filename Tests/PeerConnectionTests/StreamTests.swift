import ICE
import RTP
import SDP
import Testing
import Wire

@testable import PeerConnection

/// Two peers between which only TCP goes: the page opens a connection to the door's listening socket.
private final class Link {
    var page: RTCPeerConnection
    var door: RTCPeerConnection
    var now = Fixture.now
    /// What the page has been told of media.
    var packets: [RTPPacket] = []
    private var connection: (page: StreamID, door: StreamID?)?
    /// Whether the firewall cuts every connection.
    var isCut = false

    private let pageAddress = SocketAddress(.v4(0xC000_0201), port: 5000)
    private let doorAddress = SocketAddress(.v4(0xC000_0202), port: 6000)

    init() {
        var configuration = RTCPeerConnection.Configuration(certificate: Fixture.certificate)
        configuration.ice.usesActiveTCP = true
        page = RTCPeerConnection(configuration: configuration, random: SeededRandomSource(seed: 1))
        door = RTCPeerConnection(
            configuration: .init(certificate: Fixture.certificate), random: SeededRandomSource(seed: 2))
        page.handle(.localAddressAdded(pageAddress, preference: 65535), at: now)
        door.handle(.localAddressAdded(doorAddress, preference: 65535), at: now)
        door.handle(.tcpListenerAdded(doorAddress, preference: 65535), at: now)
        page.handle(.localAddressesEnded, at: now)
        door.handle(.localAddressesEnded, at: now)
    }

    func negotiate() throws {
        try page.setLocalDescription(.offer, at: now)
        try door.setRemoteDescription(try #require(page.localDescription), at: now)
        try door.setLocalDescription(at: now)
        try page.setRemoteDescription(try #require(door.localDescription), at: now)
    }

    /// Runs until `condition` holds; false where it does not within `limit`.
    func run(for limit: Duration, until condition: (Link) -> Bool) -> Bool {
        let end = now + limit
        while now < end {
            for _ in 0..<20 { exchange() }
            if condition(self) { return true }
            now += .milliseconds(5)
            page.handle(.timePassed, at: now)
            door.handle(.timePassed, at: now)
        }
        return false
    }

    private func exchange() {
        while let event = page.nextOutput() { take(event) }
        while door.nextOutput() != nil {}
        for entry in page.outbox.entries where entry.stream != nil && entry.stream == connection?.page {
            deliverToDoor(Array(page.outbox.storage[entry.range]))
        }
        page.outbox.removeAll()
        for entry in door.outbox.entries {
            guard let stream = entry.stream, stream == connection?.door, let end = connection?.page else { continue }
            // TCP tells nothing of where what was written ended
            for byte in door.outbox.storage[entry.range] { page.handle(.streamBytes(end, [byte]), at: now) }
        }
        door.outbox.removeAll()
    }

    private func take(_ event: RTCPeerConnection.Event) {
        switch event {
        case .streamWanted(let stream, from: pageAddress.ip, to: doorAddress, tls: nil) where !isCut:
            connection = (stream, nil)
            let local = SocketAddress(pageAddress.ip, port: 40000)
            page.handle(.streamOpened(stream, local: local, remote: doorAddress), at: now)
        case .streamWanted(let stream, _, _, _):
            page.handle(.streamClosed(stream), at: now)
        case .packet(_, let packet, _):
            packets.append(packet)
        default:
            break
        }
    }

    private func deliverToDoor(_ bytes: [UInt8]) {
        if connection?.door == nil {
            let remote = SocketAddress(pageAddress.ip, port: 40000)
            #expect(door.acceptStream(for: "somebody", local: doorAddress, remote: remote, at: now) == nil)
            connection?.door = door.acceptStream(
                for: door.localUsernameFragments.first ?? "", local: doorAddress, remote: remote, at: now)
        }
        guard let stream = connection?.door else { return }
        door.handle(.streamBytes(stream, bytes), at: now)
    }

    func cut() {
        isCut = true
        guard let (pageEnd, doorEnd) = connection else { return }
        connection = nil
        page.handle(.streamClosed(pageEnd), at: now)
        if let doorEnd { door.handle(.streamClosed(doorEnd), at: now) }
    }
}

/// Calls by TCP candidates (RFC 6544).
@Suite struct StreamTests {
    private func connect() throws -> (link: Link, video: TransceiverID) {
        let link = Link()
        _ = link.page.addTransceiver(.video, direction: .recvonly)
        let video = link.door.addTrack(.video, streamID: "door")
        try link.negotiate()
        let isConnected = link.run(for: .seconds(10)) {
            $0.page.connectionState == .connected && $0.door.connectionState == .connected
        }
        try #require(isConnected)
        return (link, video)
    }

    @Test func `keys are agreed on and pictures sent along one connection, each packet behind its length`() throws {
        let (link, video) = try connect()
        #expect(link.page.selectedPair?.stream != nil)
        #expect(link.door.selectedPair?.remote.transport == .tcp(type: "active"))
        let payloads = [0..<100, 100..<1200]
        let frame = PacketizedFrame(
            storage: [UInt8](repeating: 7, count: 1200), payloads: payloads, markedPayload: 1, timestamp: 90,
            captured: link.now, isKeyFrame: true)
        link.door.send(frame, on: video, at: link.now)
        #expect(link.door.outbox.entries.count == 2)
        for entry in link.door.outbox.entries {
            let bytes = link.door.outbox.storage[entry.range]
            #expect(Int(bytes[bytes.startIndex]) << 8 | Int(bytes[bytes.startIndex + 1]) == bytes.count - 2)
        }
        #expect(link.run(for: .seconds(1)) { $0.packets.count == 2 })
        #expect(link.packets.map(\.payload.count) == [100, 1100])
        #expect(link.page.discards.isEmpty)
    }

    @Test func `a connection that breaks and cannot be opened again fails the peer, for it to be restarted`() throws {
        let (link, _) = try connect()
        link.cut()
        #expect(link.run(for: .seconds(1)) { $0.page.connectionState == .failed })
    }

    @Test func `what is told of a connection or a name that is not the peer's is counted`() {
        var peer = Fixture.peer()
        let stream = StreamID(rawValue: 77)
        peer.handle(.streamBytes(stream, [1]), at: Fixture.now)
        peer.handle(.streamClosed(stream), at: Fixture.now)
        #expect(peer.discards == [.unwanted: 2])
    }

    @Test func `a candidate with a name asks the shell for it`() throws {
        var peer = Fixture.peer()
        try peer.setRemoteDescription(try Fixture.chromium(), at: Fixture.now)
        try peer.setLocalDescription(at: Fixture.now)
        let section = try SessionDescription(parsing: try #require(peer.remoteDescription).sdp).media[0]
        try peer.addIceCandidate(
            RTCIceCandidate(
                candidate: "candidate:1 1 udp 5 abc.local 9 typ host", sdpMid: section.mid, sdpMLineIndex: 0),
            at: Fixture.now)
        #expect(peer.drainNames().contains("name abc.local wanted"))
    }
}
