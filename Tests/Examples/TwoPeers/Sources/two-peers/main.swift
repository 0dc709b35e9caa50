// two-peers: two peers in one process find each other, agree on keys, and one of them sends sound to the other, and a message.
//
// A peer connection opens no socket and reads no clock. It is told what happened (`handle`), and then drained: its events,
// and the datagrams in its outbox. Here the other peer takes the network's place, and a function call the signalling's.
import PeerConnection

/// Random numbers that are good enough for keys.
final class SystemRandom: RandomSource {
    private var generator = SystemRandomNumberGenerator()
    func next() -> UInt64 { generator.next() }
}

let clock = ContinuousClock()
let start = clock.now

/// The time, as the peers want it: nanoseconds on a clock that never jumps.
func now() -> Instant { .zero + (clock.now - start) }

/// One side of the call.
struct Party {
    let name: String
    var peer: RTCPeerConnection
    var negotiation: PerfectNegotiation
    var packetsHeard = 0
    var messagesRead: [String] = []

    init(_ name: String, at address: SocketAddress, isPolite: Bool) throws {
        self.name = name
        // who this party is: the other side checks the certificate's fingerprint, which the description carries
        let certificate = try DTLSCertificate(generatedAt: 1_800_000_000)
        peer = RTCPeerConnection(configuration: .init(certificate: certificate), random: SystemRandom())
        negotiation = PerfectNegotiation(isPolite: isPolite)
        // a program with sockets names their addresses here, with the one it prefers highest
        peer.handle(.localAddressAdded(address, preference: 65535), at: now())
        peer.handle(.localAddressesEnded, at: now())
    }

    mutating func offer() throws -> RTCSessionDescription? {
        try negotiation.negotiationNeeded(on: &peer, at: now())
    }

    /// Takes an offer or an answer; an offer is answered.
    mutating func receive(_ description: RTCSessionDescription) throws -> RTCSessionDescription? {
        try negotiation.received(description, on: &peer, at: now())
    }

    mutating func receive(_ candidate: RTCIceCandidate) throws {
        try negotiation.received(candidate, on: &peer, at: now())
    }
}

var parties = [
    try Party("Alice", at: SocketAddress(IPAddress("192.0.2.1")!, port: 5000), isPolite: false),
    try Party("Bob", at: SocketAddress(IPAddress("192.0.2.2")!, port: 5000), isPolite: true),
]
let voice = parties[0].peer.addTrack(.audio, streamID: "alice")
var packetsSent = 0
let chat = try parties[0].peer.createDataChannel("chat", at: now())

/// Does what came of the last thing that `party` was told.
@MainActor func drain(_ party: Int) throws {
    let other = 1 - party
    while let event = parties[party].peer.nextOutput() {
        switch event {
        case .negotiationNeeded:
            guard let offer = try parties[party].offer() else { continue }
            guard let answer = try parties[other].receive(offer) else { continue }
            _ = try parties[party].receive(answer)
        case .iceCandidate(let candidate):
            try parties[other].receive(candidate)
        case .connectionStateChanged(let state):
            print("\(parties[party].name): \(state.rawValue)")
        case .track(_, let kind, let isActive):
            print("\(parties[party].name): \(kind) \(isActive ? "comes" : "has stopped")")
        case .packet:
            parties[party].packetsHeard += 1
        case .dataChannelStateChanged(chat, .open) where party == 0:
            try parties[party].peer.send(.string("Do you hear me?"), on: chat, at: now())
        case .message(let channel, .string(let text)):
            parties[party].messagesRead.append(text)
            if party == 1 { try parties[party].peer.send(.string("I do!"), on: channel, at: now()) }
        default:
            break
        }
    }
    let outbox = parties[party].peer.outbox
    parties[party].peer.outbox.removeAll()
    for entry in outbox.entries {
        // a program with sockets sends from `entry.local` to `entry.remote`
        let bytes = Array(outbox.storage[entry.range])
        parties[other].peer.handle(.datagram(bytes, local: entry.remote, remote: entry.local), at: now())
    }
}

while parties[1].packetsHeard < 50 || parties.contains(where: \.messagesRead.isEmpty) {
    guard now() < .zero + .seconds(10) else { fatalError("no call came about in ten seconds") }
    if parties[0].peer.canSend(on: voice) {
        // 20 ms of silence, as Opus codes it; a program gives what its encoder made
        let timestamp = RTPTimestamp(UInt32(packetsSent) * 960)
        let packet = PacketizedFrame(sound: [0xF8, 0xFF, 0xFE], timestamp: timestamp, captured: now())
        parties[0].peer.send(packet, on: voice, at: now())
        packetsSent += 1
    }
    for party in parties.indices {
        if let deadline = parties[party].peer.deadline, deadline <= now() {
            parties[party].peer.handle(.timePassed, at: now())
        }
        try drain(party)
    }
}
for party in parties { print("\(party.name) read: \(party.messagesRead.joined())") }
print("Bob heard \(parties[1].packetsHeard) packets of Alice's sound")
parties[0].peer.close(at: now())
for party in parties.indices { try drain(party) }
for party in parties { print("\(party.name): \(party.peer.connectionState.rawValue) at the end") }
