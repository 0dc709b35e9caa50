import SCTP
import Wire

func fuzzDCEP(_ bytes: [UInt8]) {
    guard let message = try? DataChannelEstablishmentMessage(parsing: bytes) else { return }
    precondition(
        (try? DataChannelEstablishmentMessage(parsing: message.bytes)) == message, "a message has changed on the way")
}

/// Every part is a packet to the one side: its chunks with a header that is right, or (first bit of its first byte) all
/// of it as it is.
func fuzzSCTP(_ bytes: [UInt8]) {
    var pair = SCTPPair()
    for part in parts(of: bytes).prefix(64) {
        guard let first = part.first else { continue }
        let rest = Array(part.dropFirst())
        pair.inject(first & 0x80 != 0 ? rest : pair.packet(rest))
        pair.now += .milliseconds(Int(first & 0x7F) * 50)
        pair.carry()
    }
    pair.left.handle(.abort, at: pair.now)
    pair.carry()
    precondition(pair.left.deadline == nil, "an association that has ended waits for something")
}

/// Two associations that are established, and what lies between them.
private struct SCTPPair {
    var left: SCTPAssociation
    var right: SCTPAssociation
    var now = Instant.zero + .seconds(10)
    /// The ports and the tag of packets to the left side.
    private var header: [UInt8] = []

    init() {
        let random = SeededRandomSource(seed: 1)
        left = SCTPAssociation(random: random)
        right = SCTPAssociation(random: random)
        left.handle(.start, at: now)
        right.handle(.start, at: now)
        carry()
        let message = SCTPMessage(
            stream: SCTPStreamIdentifier(0), payloadProtocol: PayloadProtocolIdentifier(51), payload: [1, 2, 3])
        guard (try? left.send(message, at: now)) != nil, (try? right.send(message, at: now)) != nil else {
            preconditionFailure("the association is established")
        }
        carry()
    }

    mutating func inject(_ packet: [UInt8]) { left.handle(.packet(packet), at: now) }

    /// A packet to the left side with these chunks.
    func packet(_ chunks: [UInt8]) -> [UInt8] {
        var packet = header + [0, 0, 0, 0] + chunks
        // RFC 9260 §6.8: computed with zeros in its place, least significant byte first
        let checksum = Self.checksum(packet)
        for index in 0..<4 { packet[8 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index))) }
        return packet
    }

    /// Lets time pass and carries packets over, for as long as there are any: what was injected may keep both talking.
    mutating func carry() {
        if let deadline = left.deadline, deadline <= now { left.handle(.timePassed, at: now) }
        if let deadline = right.deadline, deadline <= now { right.handle(.timePassed, at: now) }
        for _ in 0..<100 {
            var isQuiet = true
            while let output = left.nextOutput() {
                guard case .transmit(let packet) = output else { continue }
                isQuiet = false
                right.handle(.packet(packet), at: now)
            }
            while let output = right.nextOutput() {
                guard case .transmit(let packet) = output else { continue }
                isQuiet = false
                // an INIT has no tag yet
                if packet.prefix(8).suffix(4) != [0, 0, 0, 0] { header = Array(packet.prefix(8)) }
                left.handle(.packet(packet), at: now)
            }
            if isQuiet { return }
        }
    }

    /// CRC32c (RFC 9260 appendix A), bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var register = UInt32.max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 0 ? register >> 1 : register >> 1 ^ 0x82F6_3B78 }
        }
        return ~register
    }
}
