import SCTP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// A page that keeps none of the rules of RFC 8831 and 8832 costs itself a channel, and the door nothing.
@Suite struct HostileDataChannelTests {
    private func message(
        _ payload: [UInt8], _ kind: PayloadProtocolIdentifier, on stream: UInt16?
    ) throws -> SCTPMessage {
        SCTPMessage(
            stream: SCTPStreamIdentifier(try #require(stream)), payloadProtocol: kind, payload: payload)
    }

    private func open(_ label: String = "", on stream: UInt16) -> SCTPMessage {
        SCTPMessage(
            stream: SCTPStreamIdentifier(stream), payloadProtocol: .dataChannelEstablishment,
            payload: DataChannelEstablishmentMessage.open(DataChannelOpen(label: label)).bytes)
    }

    /// A connection with one channel of the page's, and the parity of its other streams.
    private func call() throws -> (DataCall, channel: (page: DataChannelID, door: DataChannelID), stream: UInt16) {
        let call = DataCall()
        let channel = try call.pair()
        return (call, channel, try #require(call.page.dataChannel(channel.page)?.streamIdentifier))
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE], 51), ([0xED, 0xA0, 0x80], 51), ([1], 52), ([1], 54), ([1], 99),
            // malformed, unknown, and OPEN a second time
            ([3, 0], 50), ([9], 50), ([3, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 50),
            ([3, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0], 50),
            ([3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xFF], 50), ([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 50),
        ] as [([UInt8], UInt32)])
    func `what breaks the rules of a channel closes it with an error, and no other`(
        payload: [UInt8], kind: UInt32
    ) throws {
        let (call, channel, stream) = try call()
        let other = try call.pair("other")
        try call.inject(message(payload, PayloadProtocolIdentifier(kind), on: stream))
        call.simulation.run(for: .seconds(2))
        #expect(call.simulation[.impolite].channelStates[channel.door] == [.open, .closing, .closed])
        #expect(call.simulation[.impolite].channelErrors[channel.door]?.errorDetail == "data-channel-failure")
        #expect(call.simulation[.polite].channelStates[channel.page]?.last == .closed)
        #expect(call.simulation[.impolite].messages[channel.door] == nil)
        try call.send(.string("fine"), on: other.page)
        #expect(call.messages(1, on: other.door, of: .impolite) == [.string("fine")])
    }

    @Test func `a message that is longer than was announced closes the channel`() throws {
        let call = DataCall { configuration, _ in configuration.maximumMessageSize = 1000 }
        let channel = try call.pair()
        let stream = call.page.dataChannel(channel.page)?.streamIdentifier
        try call.inject(message([UInt8](repeating: 65, count: 1001), .string, on: stream))
        call.simulation.run(for: .seconds(2))
        #expect(call.simulation[.impolite].channelErrors[channel.door] != nil)
        #expect(call.simulation[.impolite].messages.isEmpty && call.door.sctp?.state == .connected)
    }

    @Test func `messages on streams that are no channel's are counted and dropped`() throws {
        let (call, _, stream) = try call()
        for kind: PayloadProtocolIdentifier in [.string, .binary, .emptyString] {
            try call.inject(message([1], kind, on: stream + 20))
        }
        try call.inject(message([2], .dataChannelEstablishment, on: stream + 20))
        #expect(call.door.discards == [.unknownChannel: 4])
        #expect(call.door.dataChannels.count == 1 && call.simulation[.impolite].messages.isEmpty)
    }

    // RFC 8832 §6: "the odd/even rule is violated"
    @Test func `an OPEN on a stream of the wrong parity is refused, and its stream reset`() throws {
        let (call, _, stream) = try call()
        try call.inject(open(on: stream + 1))
        try call.inject(message([3, 0], .dataChannelEstablishment, on: stream + 4))
        call.simulation.run(for: .seconds(1))
        #expect(call.simulation[.impolite].remoteChannels.count == 1 && call.door.discards == [.unknownChannel: 2])
        // the door's own next channel has that stream
        let own = try call.create(on: .impolite)
        #expect(call.door.dataChannel(own)?.streamIdentifier == 1 - stream % 2)
    }

    @Test func `no more than 1024 channels can be opened, and closing some makes room`() throws {
        let (call, _, stream) = try call()
        for number in 1...1100 {
            try call.simulation.act(.polite) { page, now in
                try page.peer.channels.association?.sctp.send(open(on: stream + UInt16(number) * 2), at: now)
                page.peer.channels.drain(at: now)
                page.peer.drainDataChannels(at: now)
                page.peer.drainTransports(at: now)
            }
        }
        call.simulation.run(for: .seconds(5))
        #expect(call.door.dataChannels.count == 1024)
        #expect(call.door.discards == [.unknownChannel: 77])
        for channel in call.door.dataChannels.prefix(24) { call.close(channel.id, by: .impolite) }
        // the page knows nothing of them: its side of the handshake is done by hand
        call.simulation.act(.polite) { page, now in
            let streams = (0..<24).map { SCTPStreamIdentifier(stream + UInt16($0) * 2) }
            page.peer.channels.association?.sctp.handle(.resetStreams(streams), at: now)
            page.peer.channels.drain(at: now)
            page.peer.drainDataChannels(at: now)
            page.peer.drainTransports(at: now)
        }
        call.simulation.run(for: .seconds(5))
        #expect(call.door.dataChannels.count == 1000)
        try call.inject(open(on: stream + 4000))
        #expect(call.door.dataChannels.count == 1001)
    }

    @Test func `the texts of all channels are bounded`() throws {
        let (call, _, stream) = try call()
        let label = String(repeating: "x", count: 65535)
        for number in 1...30 { try call.inject(open(label, on: stream + UInt16(number) * 2)) }
        call.simulation.run(for: .seconds(5))
        #expect(call.door.dataChannels.count == 17, "1 MiB, and the one that is nameless")
    }

    @Test func `bytes over DTLS that are no packets of the association change nothing`() throws {
        let (call, channel, _) = try call()
        for length in [1, 11, 12, 16, 100, 1200] {
            call.simulation.act(.polite) { page, now in
                page.peer.transports[0].dtls?.handle(.send([UInt8](repeating: 0x13, count: length)), at: now)
                page.peer.drainTransports(at: now)
            }
        }
        call.simulation.run(for: .seconds(1))
        try call.send(.string("fine"), on: channel.page)
        #expect(call.messages(1, on: channel.door, of: .impolite) == [.string("fine")])
    }

    @Test func `packets without a negotiated association are counted`() throws {
        let call = try Call()
        call.simulation.act(.polite) { page, now in
            page.peer.transports[0].dtls?.handle(.send([UInt8](repeating: 1, count: 40)), at: now)
            page.peer.drainTransports(at: now)
        }
        call.simulation.run(for: .milliseconds(50))
        #expect(call.doorPeer.discards[.unknownChannel] == 1)
    }
}
