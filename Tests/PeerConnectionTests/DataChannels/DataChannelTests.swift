import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

@Suite("Data channels (W3C §6, RFC 8831)")
struct DataChannelTests {
    @Test("A connection with only a data channel connects, and messages of both kinds go both ways, empty ones too")
    func messages() throws {
        let call = DataCall()
        let channel = try call.pair("chat", .init(protocol: "lines"))
        #expect(call.page.dataChannel(channel.page)?.readyState == .open)
        let seen = try #require(call.door.dataChannel(channel.door))
        #expect(seen.label == "chat" && seen.protocol == "lines" && seen.isOrdered && !seen.isNegotiated)
        #expect(seen.streamIdentifier == call.page.dataChannel(channel.page)?.streamIdentifier)

        let sent: [DataChannelMessage] = [
            .string("hello"), .binary([0, 1, 255]), .string(""), .binary([]), .string("ünïcödé 🔔"),
            .binary([UInt8](repeating: 7, count: 100_000)),
        ]
        for message in sent { try call.send(message, on: channel.page) }
        #expect(call.messages(sent.count, on: channel.door, of: .impolite) == sent)
        for message in sent { try call.send(message, on: channel.door, by: .impolite) }
        #expect(call.messages(sent.count, on: channel.page, of: .polite) == sent)
    }
}
