import SCTP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// How channels end (RFC 8831 §6.7, W3C §6.2 and §4.4.2 `close`).
@Suite struct DataChannelClosingTests {
    private static let lossy = PathConditions(loss: 0.25, delay: .milliseconds(10)...(.milliseconds(50)))

    private func areClosed(_ call: DataCall, _ channel: (page: DataChannelID, door: DataChannelID)) -> Bool {
        call.simulation.run(for: .seconds(120)) { simulation in
            simulation[.polite].channelStates[channel.page]?.last == .closed
                && simulation[.impolite].channelStates[channel.door]?.last == .closed
        }
    }

    @Test(arguments: [Simulation.Side.polite, .impolite])
    func `closing one side closes the other, when all that was sent has come`(side: Simulation.Side) throws {
        let call = DataCall(seed: 11, Self.lossy)
        let channel = try call.pair()
        let ours = side == .polite ? channel.page : channel.door
        let theirs = side == .polite ? channel.door : channel.page
        for number in 0..<50 {
            let filler = String(repeating: "x", count: 2000)
            try call.send(.string("\(number)" + filler), on: ours, by: side)
        }
        call.close(ours, by: side)
        #expect(call.state(ours, of: side) == .closing)
        #expect(failure { try call.send(.string("too late"), on: ours, by: side) } == "InvalidStateError")
        call.close(ours, by: side)
        #expect(areClosed(call, channel))
        #expect(call.simulation[side.other].messages[theirs]?.count == 50)
        for (side, id) in [(side, ours), (side.other, theirs)] {
            #expect(call.simulation[side].channelStates[id] == [.open, .closing, .closed])
            #expect(call.simulation[side].channelErrors[id] == nil)
            #expect(call.state(id, of: side) == .closed)
            #expect(call.simulation[side].peer.dataChannels.isEmpty)
        }
    }

    @Test func `both may close at once`() throws {
        let call = DataCall(seed: 13, Self.lossy)
        let channel = try call.pair()
        call.close(channel.page)
        call.close(channel.door, by: .impolite)
        #expect(areClosed(call, channel))
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a stream that was closed is used again, whoever closed it and whatever was lost`(seed: UInt64) throws {
        let call = DataCall(
            seed: seed, PathConditions(loss: 0.3, duplication: 0.1, delay: .milliseconds(5)...(.milliseconds(60))))
        var streams: [UInt16?] = []
        for round in 0..<12 {
            let channel = try call.pair("\(round)", .init(ordered: round % 3 > 0))
            streams.append(call.page.dataChannel(channel.page)?.streamIdentifier)
            try call.send(.string("ping \(round)"), on: channel.page)
            #expect(call.messages(1, on: channel.door, of: .impolite) == [.string("ping \(round)")])
            try call.send(.string("pong \(round)"), on: channel.door, by: .impolite)
            call.close(round % 2 == 0 ? channel.page : channel.door, by: round % 2 == 0 ? .polite : .impolite)
            // the next begins as soon as one side is done: its OPEN meets a side that waits for the last answer
            try #require(
                call.simulation.run(for: .seconds(30)) {
                    $0[.polite].channelStates[channel.page]?.last == .closed
                })
            if round % 2 == 1 {
                #expect(call.simulation[.polite].messages[channel.page] == [.string("pong \(round)")])
            }
        }
        #expect(Set(streams).count == 1)
        call.simulation.run(for: .seconds(10))
        #expect(call.page.dataChannels.isEmpty && call.door.dataChannels.isEmpty)
        #expect(call.door.discards[.unknownChannel] == nil && call.simulation[.impolite].channelErrors.isEmpty)
    }

    @Test func `a channel that was never open closes at once, and the other side does not hear of it`() throws {
        let call = DataCall()
        let channel = try call.create()
        call.close(channel)
        #expect(call.simulation[.polite].channelStates[channel] == [.closing, .closed])
        let other = try call.pair("other")
        #expect(call.door.dataChannels.map(\.label) == ["other"])
        #expect(call.page.dataChannel(other.page)?.streamIdentifier == 0)
    }

    // W3C §4.4.2: "the channels will be closed abruptly"; the other side's error is RFC 9260's User-Initiated Abort
    @Test func `closing the connection closes its channels, and the other side's with an error`() throws {
        let call = DataCall()
        let (first, second) = (try call.pair(), try call.pair())
        call.simulation.act(.polite) { page, now in page.peer.close(at: now) }
        #expect(call.page.sctp?.state == .closed)
        #expect(call.simulation[.polite].channelStates[first.page] == [.open, .closed])
        #expect(failure { try call.send(.string(""), on: first.page) } == "InvalidStateError")
        call.simulation.run(for: .seconds(1))
        for channel in [first, second] {
            #expect(call.simulation[.impolite].channelStates[channel.door] == [.open, .closed])
            let error = try #require(call.simulation[.impolite].channelErrors[channel.door])
            #expect(error.errorDetail == "sctp-failure" && error.sctpCauseCode == 12)
            #expect(call.simulation[.polite].channelErrors[channel.page] == nil)
        }
        #expect(call.door.sctp?.state == .closed && call.door.connectionState == .closed)
        #expect(call.page.deadline == nil && call.door.deadline == nil)
    }

    @Test func `an association that fails takes all channels with it, and leaves the connection`() throws {
        let call = DataCall()
        let (first, second) = (try call.pair(), try call.pair())
        call.simulation.act(.polite) { page, now in
            page.peer.channels.association?.sctp.handle(.abort, at: now)
            page.peer.channels.drain(at: now)
            page.peer.drainDataChannels(at: now)
            page.peer.drainTransports(at: now)
        }
        call.simulation.run(for: .seconds(1))
        #expect(call.door.sctp?.state == .closed && call.door.connectionState == .connected)
        for channel in [first, second] {
            #expect(call.simulation[.impolite].channelStates[channel.door] == [.open, .closed])
            #expect(call.simulation[.impolite].channelErrors[channel.door]?.errorDetail == "sctp-failure")
        }
        #expect(failure { try call.create(on: .impolite) } == "InvalidStateError")
    }

    @Test func `only the latest of closed channels are known`() throws {
        let call = DataCall()
        let first = try call.pair()
        call.close(first.page)
        for _ in 0..<40 { call.close(try call.pair().page) }
        call.simulation.run(for: .seconds(2))
        #expect(call.page.dataChannel(first.page) == nil && call.door.dataChannel(first.door) == nil)
        #expect(call.page.channels.closed.count == 32 && call.door.channels.closed.count == 32)
    }
}
