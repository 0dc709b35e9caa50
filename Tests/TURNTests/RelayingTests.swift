import ICE
import SimulatedPeers
import Testing
import Wire

@Suite struct `What a TURN server relays` {
    static let other = SocketAddress(IPAddress("198.51.100.78")!, port: 6000)
    static let distant = SocketAddress(IPAddress("2001:db8:9::1")!, port: 6000)

    /// What the client would send of media: framed in place by its route.
    static func media(_ relay: inout Relay, _ bytes: [UInt8], to peer: SocketAddress = Relay.peer) -> [UInt8]? {
        guard let route = relay.client.route(to: peer) else { return nil }
        var batch = DatagramBatch()
        batch.append(by: route) { $0 += bytes }
        #expect(batch.entries.map(\.remote) == [Relay.serverAddress])
        #expect(batch.entries[0].stream == relay.transport?.stream)
        relay.transmit(batch.storage)
        return batch.storage
    }

    @Test(arguments: [false, true])
    func `Before there is leave to send, checks wait for it; then they go as indications`(isStream: Bool) {
        var relay = Relay(stream: isStream)
        relay.open()
        relay.isServerReachable = false
        relay.tell(.dataReady([1, 2, 3], to: Relay.peer))
        #expect(relay.relayed.isEmpty)
        #expect(relay.client.route(to: Relay.peer) == nil)
        relay.isServerReachable = true
        relay.transmit(relay.sent.removeLast())
        relay.tell(.timePassed)
        #expect(relay.relayed.map(\.bytes) == [[1, 2, 3]])
        #expect(relay.relayed[0].to == Relay.peer)
        #expect(relay.relayed[0].from == relay.client.relayedAddresses[0])
        #expect(relay.server.relayedByIndication == 1)
    }

    @Test(arguments: [(false, 1), (false, 4), (true, 1), (true, 4), (true, 1199)])
    func `Over a channel data has four bytes before it, and padding behind it on a stream`(
        isStream: Bool, count: Int
    ) throws {
        var relay = Relay(stream: isStream)
        relay.open()
        relay.tell(.channelWanted(Relay.peer))
        let bytes = [UInt8](repeating: 0x80, count: count)
        let framed = try #require(Self.media(&relay, bytes))
        #expect(Array(framed[..<4]) == [0x40, 0, UInt8(count >> 8), UInt8(count & 0xFF)])
        #expect(framed.count == (isStream ? 4 + (count + 3) / 4 * 4 : 4 + count))
        #expect(relay.relayed.map(\.bytes) == [bytes])
        #expect(relay.server.relayedByChannel == 1)
    }

    @Test(arguments: [false, true])
    func `What the peer sends comes with its address, by an indication or by the channel`(isStream: Bool) {
        var relay = Relay(stream: isStream)
        relay.open()
        relay.peerSends([9])
        #expect(relay.received.isEmpty)
        relay.tell(.permissionWanted(Relay.peer.ip))
        relay.peerSends([1, 2, 3])
        relay.tell(.channelWanted(Relay.peer))
        relay.peerSends([4, 5, 6, 7, 8])
        #expect(relay.received.map(\.bytes) == [[1, 2, 3], [4, 5, 6, 7, 8]])
        #expect(relay.received.allSatisfy { $0.from == Relay.peer && $0.to == relay.client.relayedAddresses[0] })
    }

    @Test func `A stream is taken apart however the network has cut it`() {
        var relay = Relay(stream: true)
        relay.open()
        relay.tell(.permissionWanted(Relay.peer.ip))
        relay.tell(.channelWanted(Relay.peer))
        var bytes: [UInt8] = []
        for count in 0..<40 {
            bytes += [0x40, 0, 0, UInt8(count)] + [UInt8](repeating: UInt8(count), count: count)
            bytes += [UInt8](repeating: 0, count: -count & 3)
        }
        for size in 1...7 {
            relay.received = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                relay.tell(.received(Array(bytes[start..<min(start + size, bytes.count)])))
            }
            #expect(relay.received.map(\.bytes.count) == Array(0..<40))
        }
    }

    @Test(arguments: [[0x80, 0, 0, 0], [0x50, 0, 0, 4], [0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]])
    func `A stream that carries something else is given up`(bytes: [UInt8]) {
        var relay = Relay(stream: true)
        relay.open()
        relay.tell(.received(bytes))
        #expect(relay.client.state == .ended)
        #expect(relay.client.discards == [.malformed: 1])
    }

    @Test func `IPv6 peers are reached from the IPv6 address, and not at all where there is none`() {
        var both = Relay()
        both.open()
        both.tell(.dataReady([6], to: Self.distant))
        #expect(both.relayed.map(\.from) == [both.client.relayedAddresses[1]])
        both.peerSends([7], from: Self.distant)
        #expect(both.received.map(\.to) == [both.client.relayedAddresses[1]])
        var four = Relay { $0.hasIPv6 = false }
        four.open()
        four.tell(.dataReady([6], to: Self.distant))
        #expect(four.relayed.isEmpty)
        #expect(four.client.discards == [.noAddress: 1])
    }

    @Test func `Permissions and channels that are used are renewed for hours, those that are not lapse`() {
        var relay = Relay()
        relay.open()
        relay.tell(.channelWanted(Relay.peer))
        relay.tell(.permissionWanted(Self.other.ip))
        let begin = relay.now
        var lost = 0
        while relay.now < begin + .seconds(7200) {
            relay.pass(.seconds(10))
            if Self.media(&relay, [0x80]) == nil { lost += 1 }
        }
        #expect(lost == 0)
        #expect(relay.server.relayedByChannel == 720)
        let allocation = relay.server.allocations.values.first
        #expect(allocation?.permissions[Relay.peer.ip].map { $0 > relay.now } == true)
        #expect(allocation?.permissions[Self.other.ip].map { $0 > relay.now } == false)
    }

    @Test func `A channel that is not used any more lapses, and data to its peer goes by indications again`() {
        var relay = Relay()
        relay.open()
        relay.tell(.channelWanted(Relay.peer))
        _ = Self.media(&relay, [0x80])
        relay.pass(.seconds(1300))
        #expect(relay.server.requests[.channelBind] == 2)
        relay.tell(.dataReady([1], to: Relay.peer))
        #expect(relay.server.relayedByIndication == 1)
        // five minutes later the number may be bound anew
        relay.pass(.seconds(600))
        relay.tell(.channelWanted(Relay.peer))
        #expect(Self.media(&relay, [0x80])?.first == 0x40)
    }

    @Test func `A peer that the server forbids (403) is not asked for with every check`() {
        var relay = Relay { $0.forbidden = [Relay.peer.ip] }
        relay.open()
        for _ in 0..<20 { relay.tell(.dataReady([1], to: Relay.peer)) }
        #expect(relay.server.requests[.createPermission] == 1)
        #expect(relay.client.discards == [.notPermitted: 20])
        #expect(relay.client.state == .allocated)
    }

    @Test func `A server that binds no channels relays by indications`() {
        var relay = Relay { $0.refusals[.channelBind] = TURNError(code: 508, reason: "Insufficient Capacity") }
        relay.open()
        relay.tell(.channelWanted(Relay.peer))
        _ = Self.media(&relay, [0x80, 1])
        #expect(relay.relayed.map(\.bytes) == [[0x80, 1]])
        #expect(relay.server.relayedByIndication == 1)
    }

    @Test func `A thousand peers fill no memory`() {
        var relay = Relay()
        relay.open()
        for number in 0..<1000 {
            let peer = SocketAddress(.v4(0x0A00_0000 + UInt32(number)), port: 1000)
            relay.tell(.dataReady([1], to: peer))
            relay.tell(.channelWanted(peer))
        }
        #expect(relay.server.requests[.createPermission] == 64)
        #expect(relay.server.requests[.channelBind] == 16)
    }

    @Test func `While the server is silent little is kept for it`() {
        var relay = Relay()
        relay.open()
        relay.isServerReachable = false
        for _ in 0..<100 { relay.tell(.dataReady([1], to: Relay.peer)) }
        #expect(relay.client.discards == [.tooMany: 96])
    }

    @Test func `Data of an unknown channel, an error told by ICMP and what breaks the format are counted`() throws {
        var relay = Relay()
        relay.open()
        let id = STUNMessage.TransactionID(random: relay.random)
        func indication(_ attributes: [STUNAttribute]) -> [UInt8] {
            STUNMessage(.indication, method: .data, transactionID: id, attributes: attributes).serialized()
        }
        for bytes: [UInt8] in [
            [0x41, 0, 0, 0], [0x40, 0], [0x40, 0, 0, 9, 1], [0x16, 3], [],
            indication([.xorPeerAddress(Relay.peer)]), indication([.data([1])]),
            indication([.xorPeerAddress(Relay.peer), .icmp(type: 3, code: 3)]),
            STUNMessage(.request, transactionID: id).serialized(),
            STUNMessage(.successResponse, method: .refresh, transactionID: id).serialized(),
        ] {
            relay.tell(.received(bytes))
        }
        #expect(
            relay.client.discards == [
                .unknownChannel: 1, .malformed: 6, .icmp: 1, .unexpectedMessage: 1, .unknownTransaction: 1,
            ])
        #expect(relay.received.isEmpty)
    }

    @Test func `Random bytes never trap, whoever they say to be from`() {
        let random = SeededRandomSource(seed: 8656)
        for isStream in [false, true] {
            var relay = Relay(stream: isStream)
            relay.open()
            relay.tell(.channelWanted(Relay.peer))
            for _ in 0..<5000 {
                var bytes = random.bytes(random.below(80))
                if !bytes.isEmpty { bytes[0] = [0, 1, 0x40, 0x41, 0x16][random.below(5)] }
                relay.tell(.received(bytes))
            }
        }
    }
}
