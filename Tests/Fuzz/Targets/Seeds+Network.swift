import ICE
import Wire

/// Well-formed inputs of servers and of the local network.
extension FuzzTarget {
    /// A name that is answered for in the target `mdns`, and one that is looked up.
    static let publishedName = "8a6f1d0e-1b2c-4d3e-8f90-a1b2c3d4e5f6.local"
    static let wantedName = "4fc5ab4f-4c2d-4a1c-8b3e-000000000000.local"

    static var turnSeeds: [[UInt8]] {
        let relayed = SocketAddress(.v4(0xC633_6405), port: 50_000)
        let challenge: [STUNAttribute] = [.errorCode(401, reason: "Unauthorized"), .realm("relay"), .nonce("n")]
        let modern: [STUNAttribute] = [
            .errorCode(401, reason: ""), .realm("relay"), .nonce("obMatJos2gAAAn"),
            .passwordAlgorithms([.sha256, .md5]),
        ]
        let success: [STUNAttribute] = [.xorRelayedAddress(relayed), .xorMappedAddress(relayed), .lifetime(600)]
        let peer = SocketAddress(.v4(0xC633_644D), port: 6000)
        let allocation = [step(.error, [0], challenge), step(.success, [0], success)]
        let life = [
            step(.permission, [5]), step(.success, [0]), step(.channel, [5]), step(.success, [0]), step(.send, [5, 1]),
            step(.indication, [], [.xorPeerAddress(peer), .data([1, 2, 3])]), step(.channelData, [1, 2, 3]),
            step(.time, [200]), step(.success, [0], [.lifetime(30)]), step(.error, [0], [.errorCode(437, reason: "")]),
        ]
        let elsewhere = [
            step(.error, [0], challenge),
            step(.error, [0], [.errorCode(300, reason: ""), .alternateServer(relayed), .alternateDomain("other")]),
            step(.transport, [1]),
        ]
        let renewal = [
            step(.credentials, [1, 2, 3]), step(.error, [0], challenge),
            step(.error, [0], [.errorCode(441, reason: "Wrong Credentials")]),
            step(.indication, [], [.xorPeerAddress(peer), .icmp(type: 3, code: 1)]),
            step(.error, [0], [.errorCode(438, reason: "Stale Nonce"), .realm("relay"), .nonce("m")]),
        ]
        var seeds: [[UInt8]] = []
        for mode in 0..<2 as Range<UInt8> {
            seeds.append([mode] + joined(allocation + life))
            seeds.append([mode] + joined([step(.error, [0], modern), step(.success, [0], success)]))
            seeds.append([mode] + joined(elsewhere))
            seeds.append([mode | 2] + joined(life))
            seeds.append([mode | 2] + joined(renewal))
        }
        return seeds
    }

    /// What makes the first allocation of a connection come about: for each answer whether it is an error, the number of
    /// the stream, then its attributes.
    static var turnAnswers: [[UInt8]] {
        let relayed = SocketAddress(.v4(0xC633_6405), port: 50_000)
        let challenge: [STUNAttribute] = [.errorCode(401, reason: "Unauthorized"), .realm("relay"), .nonce("n")]
        let success: [STUNAttribute] = [.xorRelayedAddress(relayed), .xorMappedAddress(relayed), .lifetime(600)]
        return [[1, 1] + bytes(of: challenge), [0, 1] + bytes(of: success), [0, 1], [0, 1]]
    }

    private static func bytes(of attributes: [STUNAttribute]) -> [UInt8] {
        let message = STUNMessage(.indication, transactionID: .init(high: 1, low: 1), attributes: attributes)
        return Array(message.serialized(fingerprint: false).dropFirst(20))
    }

    private static func step(_ kind: TURNStep, _ bytes: [UInt8], _ attributes: [STUNAttribute] = []) -> [UInt8] {
        [kind.rawValue] + bytes + Self.bytes(of: attributes)
    }

    static var mdnsSeeds: [[UInt8]] {
        let question = MDNSMessage.Question(name: publishedName, type: .any)
        let messages = [
            MDNSMessage(isResponse: false, questions: [question]),
            MDNSMessage(isResponse: false, questions: [.init(name: publishedName, type: .a, wantsUnicast: true)]),
            MDNSMessage(id: 7, isResponse: false, questions: [question, .init(name: "printer.local", type: .aaaa)]),
            MDNSMessage(
                isResponse: true,
                records: [.init(name: wantedName, address: .v4(0xC000_0203), timeToLive: 120, flushesCache: true)]),
            MDNSMessage(
                isResponse: true,
                records: [
                    .init(name: wantedName, address: .v6(high: 0, low: 1), timeToLive: 0, flushesCache: false),
                    .init(name: "a.b.local", address: .v4(1), timeToLive: 10, flushesCache: true),
                ]),
        ]
        // a name, and the same one told by a pointer to it
        let pointed: [UInt8] =
            [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 120, 5, 108, 111, 99, 97, 108, 0]
            + [0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 192, 0, 2, 1, 0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0, 0]
        let datagrams = messages.map { $0.serialized() } + [pointed]
        return datagrams.flatMap { [joined([[0] + $0]), joined([[0x80] + $0])] } + [joined(datagrams.map { [60] + $0 })]
    }

    static var urlSeeds: [String] {
        [
            "stun:stun.example.org", "stuns:192.0.2.1:5349", "turn:relay_1.example.org:3478?transport=udp",
            "turns:[2001:db8::1]:443?transport=tcp", "TURN:[::ffff:192.0.2.1]", "stun.example.org:19302", "fe80::1",
            "192.0.2.1",
        ]
    }

    static var streamSeeds: [[UInt8]] {
        func step(_ kind: StreamStep, _ stream: UInt8, _ bytes: [UInt8] = []) -> [UInt8] {
            [kind.rawValue, stream] + bytes
        }
        let messages = stunSeeds
        let plain = messages.flatMap { $0 }
        let channelData: [UInt8] = [0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]
        let call = [
            step(.opened, 1), step(.check, 0, [0x17]), step(.response, 0), step(.response, 1), step(.time, 0, [20]),
            step(.frame, 0, [0x80, 1, 2, 3]), step(.frame, 1, [20, 1, 2, 3]), step(.closed, 1), step(.time, 0, [255]),
        ]
        let strangers =
            (0..<20).map { step(.accept, $0) } + messages.map { step(.frame, 0, $0) } + [step(.time, 0, [255])]
        return [
            [255] + plain + channelData, [6] + plain + channelData, [0] + joined(call), [200] + joined(call),
            [100] + joined(strangers), [3] + joined([step(.bytes, 0, [0, 0, 0, 1, 0x80, 0xFF, 0xFF])]),
        ]
    }
}
