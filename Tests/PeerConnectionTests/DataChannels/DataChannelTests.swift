import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Messages (W3C §6.2 `send`, RFC 8831 §6.6) and how they are delivered (§6.4).
@Suite struct DataChannelTests {
    private static let lossy = PathConditions(
        loss: 0.2, duplication: 0.05, delay: .milliseconds(10)...(.milliseconds(40)))

    @Test func `a connection of nothing but a data channel carries messages of both kinds both ways, empty ones too`()
        throws
    {
        let call = DataCall()
        let channel = try call.pair("chat", .init(protocol: "lines"))
        #expect(call.simulation[.polite].channelStates[channel.page] == [.open])
        #expect(call.simulation[.impolite].channelStates[channel.door] == [.open])
        let seen = try #require(call.door.dataChannel(channel.door))
        #expect(seen.label == "chat" && seen.protocol == "lines" && seen.isOrdered && !seen.isNegotiated)
        #expect(seen.streamIdentifier == call.page.dataChannel(channel.page)?.streamIdentifier)

        let sent: [DataChannelMessage] = [
            .string("hello"), .binary([0, 1, 255]), .string(""), .binary([]), .string("ünïcödé 🔔"),
            .binary([UInt8](repeating: 7, count: 100_000)), .string("last"),
        ]
        for message in sent { try call.send(message, on: channel.page) }
        #expect(call.messages(sent.count, on: channel.door, of: .impolite) == sent)
        for message in sent { try call.send(message, on: channel.door, by: .impolite) }
        #expect(call.messages(sent.count, on: channel.page, of: .polite) == sent)
        #expect(call.page.discards.isEmpty && call.door.discards.isEmpty)
    }

    @Test(arguments: [0.1, 0.3])
    func `messages of every length arrive whole and in order although datagrams are lost`(loss: Double) throws {
        let call = DataCall(
            seed: 3,
            PathConditions(loss: loss, duplication: 0.1, delay: .milliseconds(5)...(.milliseconds(30))))
        let channel = try call.pair()
        let sent = (0..<200).map { number -> DataChannelMessage in
            let count = call.simulation.random.below(4000)
            return number % 2 == 0
                ? .binary([UInt8](repeating: UInt8(number), count: count))
                : .string(String(repeating: "\(number % 10)", count: count))
        }
        for message in sent { try call.send(message, on: channel.page) }
        #expect(call.messages(sent.count, on: channel.door, of: .impolite, within: .seconds(300)) == sent)
    }

    // RFC 8832 §6: in order until the ACK; RFC 8831 §6.4
    @Test func `an unordered channel delivers everything, and what is sent before its ACK behind its OPEN`() throws {
        let call = DataCall(seed: 5, Self.lossy)
        _ = try call.pair()
        // OPEN is not acknowledged yet, and may be overtaken by what is unordered
        let known = call.simulation[.impolite].remoteChannels.count
        let ours = try call.create("unordered", .init(ordered: false))
        for number in 0..<100 { try call.send(.string("\(number)"), on: ours) }
        try #require(call.simulation.run(for: .seconds(20)) { $0[.impolite].remoteChannels.count > known })
        let theirs = call.simulation[.impolite].remoteChannels[known]
        #expect(call.door.dataChannel(theirs)?.isOrdered == false)
        let first = call.messages(100, on: theirs, of: .impolite)
        #expect(first == (0..<100).map { .string("\($0)") })
        for number in 100..<300 {
            try call.send(.string("\(number)"), on: ours)
            call.simulation.run(for: .milliseconds(5))
        }
        let all = call.messages(300, on: theirs, of: .impolite)
        #expect(Set(all).count == 300 && all.count == 300)
        #expect(Array(all[100...]) != (100..<300).map { .string("\($0)") }, "some have overtaken others")
        #expect(call.door.discards.isEmpty)
    }

    @Test(arguments: [RTCDataChannelInit(ordered: false, maxRetransmits: 0), .init(maxPacketLifeTime: 50)])
    func `what may be lost is given up, and what comes after it goes on`(options: RTCDataChannelInit) throws {
        let call = DataCall(seed: 7)
        let channel = try call.pair("", options)
        #expect(call.door.dataChannel(channel.door)?.maxRetransmits == options.maxRetransmits)
        #expect(call.door.dataChannel(channel.door)?.maxPacketLifeTime == options.maxPacketLifeTime)
        call.simulation.network.conditions = PathConditions(loss: 0.3, delay: .milliseconds(20)...(.milliseconds(20)))
        for number in 0..<200 {
            try call.send(.string("\(number)"), on: channel.page)
            call.simulation.run(for: .milliseconds(20))
        }
        call.simulation.network.conditions = .perfect
        call.simulation.run(for: .seconds(5))
        try call.send(.string("the end"), on: channel.page)
        call.simulation.run(for: .seconds(2))
        let came = try #require(call.simulation[.impolite].messages[channel.door])
        #expect((50..<195).contains(came.count))
        #expect(Set(came).count == came.count && came.last == .string("the end"))
    }

    @Test func `the most that the other side takes can be sent, and no byte more`() throws {
        let call = DataCall { configuration, side in
            configuration.maximumMessageSize = side == .impolite ? 5000 : 100_000
        }
        let channel = try call.pair()
        #expect(call.page.sctp?.maxMessageSize == 5000 && call.door.sctp?.maxMessageSize == 100_000)
        #expect(call.page.sctp?.maxChannels == 65535)
        let longest = DataChannelMessage.string(String(repeating: "é", count: 2500))
        try call.send(longest, on: channel.page)
        #expect(failure { try call.send(.binary([UInt8](repeating: 0, count: 5001)), on: channel.page) } == "TypeError")
        #expect(call.messages(1, on: channel.door, of: .impolite) == [longest])
        let long = DataChannelMessage.binary([UInt8](repeating: 1, count: 100_000))
        try call.send(long, on: channel.door, by: .impolite)
        #expect(call.messages(1, on: channel.page, of: .polite) == [long])
    }

    // W3C §6.1.1.2, RFC 8841 §6.1
    @Test(arguments: [(nil, 65536), (0, 16_777_216), (1 << 40, 16_777_216), (1000, 1000)] as [(UInt64?, Int)])
    func `max-message-size absent is 65536, and 0 is any`(announced: UInt64?, maximum: Int) throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium { $0.media[2].maxMessageSize = announced })
        #expect(door.sctp?.state == .connecting && door.sctp?.maxMessageSize == maximum)
        #expect(door.sctp?.maxChannels == nil)
    }

    @Test func `nothing is sent before a channel is open`() throws {
        let call = DataCall()
        let channel = try call.create()
        #expect(call.state(channel) == .connecting)
        #expect(failure { try call.send(.string("too early"), on: channel) } == "InvalidStateError")
    }

    // W3C §8, and Identifiers for WebRTC's Statistics API
    @Test func `statistics count channels, messages and bytes`() throws {
        let call = DataCall()
        let channel = try call.pair("counted", .init(protocol: "p"))
        try call.send(.string("äöü"), on: channel.page)
        try call.send(.binary([]), on: channel.page)
        _ = call.messages(2, on: channel.door, of: .impolite)
        _ = try call.pair("another")
        call.close(channel.door, by: .impolite)
        call.simulation.run(for: .seconds(2))
        for (peer, id, sent, received) in [(call.page, channel.page, 2, 0), (call.door, channel.door, 0, 2)] {
            let report = peer.getStats(at: call.simulation.now)
            let connection = try #require(report.all(RTCPeerConnectionStats.self).first)
            #expect(connection.dataChannelsOpened == 2 && connection.dataChannelsClosed == 1)
            let stats = try #require(
                report["data-channel-\(id.rawValue)"]?.dictionary as? RTCDataChannelStats)
            #expect(stats.label == "counted" && stats.protocol == "p" && stats.state == .closed)
            #expect(stats.messagesSent == UInt32(sent) && stats.messagesReceived == UInt32(received))
            #expect(stats.bytesSent == (sent > 0 ? 6 : 0) && stats.bytesReceived == (received > 0 ? 6 : 0))
            #expect(stats.dataChannelIdentifier == 0)
        }
    }
}
