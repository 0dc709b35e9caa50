import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// `bufferedAmount` and its low threshold (W3C §6.2).
@Suite struct DataChannelBufferTests {
    private static let path = PathConditions(delay: .milliseconds(20)...(.milliseconds(20)))

    @Test func `the buffered amount is what waits, and falls to nothing`() throws {
        let call = DataCall(Self.path)
        let channel = try call.pair()
        #expect(call.page.dataChannel(channel.page)?.bufferedAmount == 0)
        for _ in 0..<10 { try call.send(.binary([UInt8](repeating: 0, count: 60_000)), on: channel.page) }
        let amount = try #require(call.page.dataChannel(channel.page)?.bufferedAmount)
        #expect((500_000...600_000).contains(amount))
        try call.send(.string("é"), on: channel.page)
        #expect(call.page.dataChannel(channel.page)?.bufferedAmount == amount + 2)
        // RFC 8831 §6.6: the byte that stands for an empty message is none of the application's
        try call.send(.string(""), on: channel.page)
        #expect(call.page.dataChannel(channel.page)?.bufferedAmount == amount + 2)
        #expect(call.messages(12, on: channel.door, of: .impolite).count == 12)
        #expect(call.page.dataChannel(channel.page)?.bufferedAmount == 0)
    }

    @Test func `the event comes once each time that the amount falls to the threshold, and not above`() throws {
        let call = DataCall(Self.path)
        let channel = try call.pair()
        #expect(call.page.dataChannel(channel.page)?.bufferedAmountLowThreshold == 0)
        call.simulation.act(.polite) { page, _ in
            page.peer.setBufferedAmountLowThreshold(100_000, of: channel.page)
        }
        #expect(call.page.dataChannel(channel.page)?.bufferedAmountLowThreshold == 100_000)
        for turn in 1...3 {
            for _ in 0..<5 { try call.send(.binary([UInt8](repeating: 0, count: 50_000)), on: channel.page) }
            #expect(call.simulation[.polite].lowBuffers[channel.page, default: 0] == turn - 1)
            let isLow = call.simulation.run(for: .seconds(20)) { $0[.polite].lowBuffers[channel.page] == turn }
            let amount = try #require(call.page.dataChannel(channel.page)?.bufferedAmount)
            #expect(isLow && (90_000...100_000).contains(amount))
            call.simulation.run(for: .seconds(5))
            #expect(call.simulation[.polite].lowBuffers[channel.page] == turn)
        }
        // never above it, never below
        try call.send(.binary([UInt8](repeating: 0, count: 100_000)), on: channel.page)
        call.simulation.run(for: .seconds(5))
        #expect(call.simulation[.polite].lowBuffers[channel.page] == 3)
    }

    @Test func `a buffer that is full refuses more, and takes it once there is room`() throws {
        let call = DataCall(Self.path)
        let channel = try call.pair()
        call.simulation.network.conditions = PathConditions(loss: 1)
        let message = DataChannelMessage.binary([UInt8](repeating: 0, count: 262_144))
        var taken = 0
        while failure({ try call.send(message, on: channel.page) }) == nil, taken < 100 { taken += 1 }
        #expect((63...65).contains(taken), "16 MiB, and what is under way")
        #expect(failure { try call.send(message, on: channel.page) } == "OperationError")
        #expect(call.page.dataChannel(channel.page)?.readyState == .open)
        call.simulation.network.conditions = .perfect
        #expect(call.messages(taken, on: channel.door, of: .impolite).count == taken)
        try call.send(message, on: channel.page)
        #expect(call.messages(taken + 1, on: channel.door, of: .impolite).count == taken + 1)
    }
}
