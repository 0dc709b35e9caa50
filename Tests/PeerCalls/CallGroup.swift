import DTLS
import PeerConnection
import RTP
import Wire

/// Two peers that exchange datagrams in memory.
struct MemoryCall {
    var peers: [RTCPeerConnection]

    /// A call whose offer was answered.
    init(certificate: DTLSCertificate, random: any RandomSource, at now: Instant) throws {
        peers = (0..<2).map { side in
            var configuration = RTCPeerConnection.Configuration(certificate: certificate)
            configuration.bundlePolicy = .maxBundle
            var peer = RTCPeerConnection(configuration: configuration, random: random)
            _ = peer.addTrack(.video, streamID: "-")
            _ = peer.addTrack(.audio, streamID: "-")
            let address = SocketAddress(.v4(0xC000_0201 + UInt32(side)), port: 5000)
            peer.handle(.localAddressAdded(address, preference: 65535), at: now)
            peer.handle(.localAddressesEnded, at: now)
            return peer
        }
        try peers[0].setLocalDescription(at: now)
        if let offer = peers[0].localDescription { try peers[1].setRemoteDescription(offer, at: now) }
        try peers[1].setLocalDescription(at: now)
        if let answer = peers[1].localDescription { try peers[0].setRemoteDescription(answer, at: now) }
    }

    var areConnected: Bool { peers.allSatisfy { $0.connectionState == .connected } }

    /// Delivers what waits and lets time pass; false where there was nothing to deliver.
    @discardableResult
    mutating func step(at now: Instant) -> Bool {
        var isBusy = false
        for side in peers.indices {
            if let deadline = peers[side].deadline, deadline <= now { peers[side].handle(.timePassed, at: now) }
            while peers[side].nextOutput() != nil {}
            let batch = peers[side].outbox
            peers[side].outbox.removeAll()
            for entry in batch.entries {
                isBusy = true
                let bytes = Array(batch.storage[entry.range])
                peers[1 - side].handle(.datagram(bytes, local: entry.remote, remote: entry.local), at: now)
            }
        }
        return isBusy
    }
}

/// Many calls in one process at once.
package final class CallGroup {
    /// The calls did not come about.
    package struct Failure: Error {}

    private var calls: [MemoryCall]
    private var now: Instant

    /// `count` calls, which are two peers each.
    package init(count: Int, at now: Instant) throws {
        self.now = now
        let certificate = try DTLSCertificate(generatedAt: 1_800_000_000)
        let random = SeededRandomSource(seed: 1)
        calls = []
        for _ in 0..<count { calls.append(try MemoryCall(certificate: certificate, random: random, at: now)) }
    }

    /// How many peers there are.
    package var peerCount: Int { 2 * calls.count }

    /// Lets time pass, by a clock of the group's own, until every call is connected.
    package func connect() throws {
        for _ in 0..<1000 where !calls.allSatisfy(\.areConnected) {
            for index in calls.indices { while calls[index].step(at: now) {} }
            now += .milliseconds(10)
        }
        guard calls.allSatisfy(\.areConnected) else { throw Failure() }
        // the checks and reports of a few quiet seconds
        for _ in 0..<50 {
            for index in calls.indices { while calls[index].step(at: now) {} }
            now += .milliseconds(100)
        }
    }

    /// Closes every call and forgets it.
    package func close() {
        for index in calls.indices {
            calls[index].peers[0].close(at: now)
            while calls[index].step(at: now) {}
        }
        calls = []
    }
}
