import PeerConnection
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

/// Sets of peers: meshes of them in a simulated network.
@Suite struct PeerConnectionSetTests {
    private typealias PeerSet = SimulatedMesh.PeerSet
    private let names = ["Anna", "Ben", "Cem", "Dora"]

    private func whole(_ names: [String], seed: UInt64, _ conditions: PathConditions = .perfect) throws -> SimulatedMesh
    {
        let mesh = SimulatedMesh(names, seed: seed, conditions: conditions)
        try mesh.connectAll()
        try #require(mesh.run(for: .seconds(60)) { $0.isWhole })
        return mesh
    }

    /// Who sends `name` tracks at the end, by the events that came.
    private func senders(to name: String, in mesh: SimulatedMesh) -> [String] {
        var tracks: [String: Int] = [:]
        for event in mesh[name].events {
            switch event {
            case .trackAdded(_, _, let id): tracks[id, default: 0] += 1
            case .trackRemoved(_, _, let id): tracks[id, default: 0] -= 1
            default: break
            }
        }
        return tracks.filter { $0.value > 0 }.keys.sorted()
    }

    private func packets(to name: String, from sender: String, in mesh: SimulatedMesh) -> Int {
        mesh[name].events.count { if case .packet(_, _, _, sender) = $0 { true } else { false } }
    }

    private func removals(of name: String, in mesh: SimulatedMesh) -> [String: PeerSet.RemovalReason] {
        var removals: [String: PeerSet.RemovalReason] = [:]
        for event in mesh[name].events { if case .peerRemoved(let id, let reason) = event { removals[id] = reason } }
        return removals
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `four peers find each other through loss and reordering, and each has the tracks of all others`(
        seed: UInt64
    ) throws {
        let mesh = try whole(names, seed: seed, .hostile)
        for name in names {
            #expect(senders(to: name, in: mesh) == names.filter { $0 != name })
            #expect(mesh[name].set.strangers == 0)
        }
    }

    @Test func `one packet sent is heard by every other peer, and by nobody twice`() throws {
        let mesh = SimulatedMesh(names, seed: 1, tracks: [])
        var tracks: [String: PeerSet.LocalTrackID] = [:]
        for name in names {
            tracks[name] = mesh.act(name) { set, now in set.addTrack(.audio, streamID: name, at: now) }
        }
        try mesh.connectAll()
        try #require(mesh.run(for: .seconds(10)) { $0.isWhole })
        for name in names {
            let track = try #require(tracks[name])
            mesh.act(name) { set, now in
                set.send(PacketizedFrame(sound: [0xFC, 1], timestamp: 0, captured: now), on: track, at: now)
            }
        }
        mesh.run(for: .seconds(1))
        for name in names {
            for other in names where other != name { #expect(packets(to: name, from: other, in: mesh) == 1) }
        }
    }

    @Test func `a peer that is added on one side only takes the place of an offer unanswered, and is given up`() throws
    {
        let mesh = SimulatedMesh(["Anna", "Ben"], seed: 1)
        try mesh.act("Anna") { set, now throws(PeerSet.Failure) in try set.addPeer("Ben", isInitiator: true, at: now) }
        mesh.run(for: .seconds(29))
        #expect(mesh["Anna"].set.peers == ["Ben"])
        mesh.run(for: .seconds(2))
        #expect(mesh["Anna"].set.peers.isEmpty)
        #expect(removals(of: "Anna", in: mesh) == ["Ben": .failed])
        #expect(mesh["Anna"].set.deadline == nil)
    }

    @Test func `two who each think to be the initiator still connect`() throws {
        let mesh = SimulatedMesh(["Anna", "Ben"], seed: 1)
        try mesh.act("Anna") { set, now throws(PeerSet.Failure) in try set.addPeer("Ben", isInitiator: false, at: now) }
        try mesh.act("Ben") { set, now throws(PeerSet.Failure) in try set.addPeer("Anna", isInitiator: true, at: now) }
        // the polite side has something to offer at the very moment the offer is under way
        _ = mesh.act("Anna") { set, now in set.addTrack(.video, streamID: "Anna", at: now) }
        #expect(mesh.run(for: .seconds(10)) { $0.isWhole })
        mesh.run(for: .seconds(1))
        let kinds = mesh["Ben"].events.compactMap { event -> MediaKind? in
            if case .trackAdded(_, let kind, _) = event { kind } else { nil }
        }
        #expect(Set(kinds) == [.audio, .video])
    }

    @Test func `a peer that is removed is told so, and the others stay`() throws {
        let mesh = try whole(names, seed: 2)
        mesh.act("Anna") { set, now in set.removePeer("Ben", at: now) }
        mesh.run(for: .seconds(1))
        #expect(removals(of: "Anna", in: mesh) == ["Ben": .removed])
        #expect(removals(of: "Ben", in: mesh) == ["Anna": .closed])
        #expect(senders(to: "Anna", in: mesh) == ["Cem", "Dora"])
        #expect(senders(to: "Ben", in: mesh) == ["Cem", "Dora"])
        #expect(mesh["Anna"].set.connectionState(of: "Cem") == .connected)
        // and may come again
        try mesh.connect("Anna", "Ben")
        #expect(mesh.run(for: .seconds(10)) { $0.isWhole })
    }

    @Test func `closing all leaves nobody, on either side`() throws {
        let mesh = try whole(names, seed: 3)
        mesh.act("Anna") { set, now in set.closeAll(at: now) }
        mesh.run(for: .seconds(1))
        #expect(mesh["Anna"].set.peers.isEmpty)
        #expect(mesh["Anna"].set.deadline == nil)
        for name in names.dropFirst() { #expect(removals(of: name, in: mesh) == ["Anna": .closed]) }
    }

    @Test func `a track that is added or removed later reaches every peer`() throws {
        let mesh = try whole(["Anna", "Ben", "Cem"], seed: 4)
        let track = mesh.act("Anna") { set, now in set.addTrack(.video, streamID: "screen", at: now) }
        mesh.run(for: .seconds(1))
        let has = { (name: String, kind: MediaKind) in
            mesh[name].events.reduce(0) { count, event in
                switch event {
                case .trackAdded(_, kind, "Anna"): count + 1
                case .trackRemoved(_, kind, "Anna"): count - 1
                default: count
                }
            }
        }
        for name in ["Ben", "Cem"] { #expect(has(name, .video) == 1) }
        mesh.act("Anna") { set, now in set.removeTrack(track, at: now) }
        mesh.run(for: .seconds(1))
        for name in ["Ben", "Cem"] {
            #expect(has(name, .video) == 0)
            #expect(has(name, .audio) == 1)
        }
    }

    @Test func `a set takes no more peers than it may, and none twice`() throws {
        let mesh = SimulatedMesh(["Anna"], seed: 1, maximumPeers: 2)
        mesh.act("Anna") { set, now in
            #expect(throws: Never.self) { try set.addPeer("Ben", isInitiator: false, at: now) }
            #expect(throws: PeerSet.Failure.alreadyThere) { try set.addPeer("Ben", isInitiator: true, at: now) }
            #expect(throws: Never.self) { try set.addPeer("Cem", isInitiator: false, at: now) }
            #expect(throws: PeerSet.Failure.full) { try set.addPeer("Dora", isInitiator: false, at: now) }
        }
    }

    @Test func `signals and datagrams of strangers change nothing`() throws {
        let mesh = try whole(["Anna", "Ben"], seed: 5)
        let before = mesh["Anna"].events.count
        let offer = RTCSessionDescription(type: .offer, sdp: "v=0\r\n")
        mesh.act("Anna") { set, now in
            set.handle(.signal(.description(offer), from: "Mallory"), at: now)
            set.handle(
                .datagram(
                    [128, 96, 0, 0],
                    local: set.connection(with: "Ben")?.selectedPair?.localAddress
                        ?? SocketAddress(.v4(0), port: 0), remote: SocketAddress(.v4(0x0102_0304), port: 9)), at: now)
            set.removePeer("Mallory", at: now)
        }
        #expect(mesh["Anna"].events.count == before)
        #expect(mesh["Anna"].set.strangers == 1)
    }

    @Test func `a signal that cannot be used is refused, and the connection goes on`() throws {
        let mesh = try whole(["Anna", "Ben"], seed: 6)
        mesh.act("Anna") { set, now in
            let nonsense = RTCSessionDescription(type: .offer, sdp: "nonsense")
            set.handle(.signal(.description(nonsense), from: "Ben"), at: now)
        }
        let refusals = mesh["Anna"].events.count { if case .signalRefused(_, from: "Ben") = $0 { true } else { false } }
        #expect(refusals == 1)
        mesh.run(for: .seconds(5))
        #expect(mesh.isWhole)
    }

    @Test func `a message goes to one peer, or to all, and comes with its sender's name`() throws {
        let mesh = SimulatedMesh(
            ["Anna", "Ben", "Cem"], seed: 5,
            conditions: PathConditions(loss: 0.1, delay: .milliseconds(5)...(.milliseconds(20))))
        try mesh.connectAll()
        let early = mesh.act("Anna") { set, now in set.broadcast(.string("too early"), at: now) }
        #expect(early.isEmpty)
        #expect(
            failure { try mesh.act("Anna") { set, now in try set.send(.string(""), to: "Ben", at: now) } }
                == "InvalidStateError")
        let areOpen = mesh.run(for: .seconds(30)) { mesh in
            mesh.participants.allSatisfy { channelStates(of: $0) == [.open, .open] }
        }
        #expect(areOpen)
        try mesh.act("Anna") { set, now in try set.send(.string("to Ben"), to: "Ben", at: now) }
        let told = mesh.act("Ben") { set, now in set.broadcast(.binary([1, 2]), at: now) }
        #expect(told == ["Anna", "Cem"])
        mesh.run(for: .seconds(5))
        #expect(messages(of: mesh["Anna"]) == ["Ben": [.binary([1, 2])]])
        #expect(messages(of: mesh["Ben"]) == ["Anna": [.string("to Ben")]])
        #expect(messages(of: mesh["Cem"]) == ["Ben": [.binary([1, 2])]])

        mesh.act("Cem") { set, now in set.removePeer("Ben", at: now) }
        mesh.run(for: .seconds(2))
        let left = mesh.act("Ben") { set, now in set.broadcast(.string("still here?"), at: now) }
        #expect(left == ["Anna"])
        let nobody = failure { try mesh.act("Ben") { set, now in try set.send(.string(""), to: "Cem", at: now) } }
        #expect(nobody == "InvalidStateError")
    }

    private func channelStates(of participant: SimulatedMesh.Participant) -> [RTCDataChannelState] {
        participant.events.compactMap { if case .channelStateChanged(let state, _) = $0 { state } else { nil } }
    }

    private func messages(of participant: SimulatedMesh.Participant) -> [String: [DataChannelMessage]] {
        var messages: [String: [DataChannelMessage]] = [:]
        for case .message(let message, let sender) in participant.events {
            messages[sender, default: []].append(message)
        }
        return messages
    }

    @Test func `a path that is cut is found again by a restart, and one that stays away costs that peer alone`() throws
    {
        let mesh = try whole(["Anna", "Ben", "Cem"], seed: 7)
        mesh.network.unplugged = [mesh["Ben"].address]
        mesh.run(for: .seconds(9))
        #expect(mesh["Anna"].set.connectionState(of: "Ben") != .connected)
        mesh.network.unplugged = []
        #expect(mesh.run(for: .seconds(10)) { $0.isWhole })
        mesh.network.unplugged = [mesh["Ben"].address]
        mesh.run(for: .seconds(60))
        #expect(mesh["Anna"].set.peers == ["Cem"])
        #expect(removals(of: "Anna", in: mesh) == ["Ben": .failed])
        #expect(removals(of: "Ben", in: mesh) == ["Anna": .failed, "Cem": .failed])
        #expect(mesh["Anna"].set.connectionState(of: "Cem") == .connected)
    }
}
