import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Stream identifiers (RFC 8832 §6) and what `createDataChannel` refuses (W3C §6.1).
@Suite struct DataChannelIdentifierTests {
    private func identifiers(_ peer: RTCPeerConnection) -> [UInt16?] { peer.dataChannels.map(\.streamIdentifier) }

    @Test func `the DTLS client has the even ones and the server the odd ones, as soon as the roles are known`() throws
    {
        let call = DataCall()
        for _ in 0..<3 { try call.create() }
        for _ in 0..<2 { try call.create(on: .impolite) }
        #expect(identifiers(call.page) == [nil, nil, nil])
        try call.connect()
        let expected: [UInt16?] = call.page.dtls?.role == .client ? [0, 2, 4] : [1, 3, 5]
        #expect(Array(identifiers(call.page).prefix(3)) == expected)
        let other: [UInt16?] = call.page.dtls?.role == .client ? [1, 3] : [0, 2]
        #expect(Array(identifiers(call.door).prefix(2)) == other)
        let next = try call.create()
        #expect(call.page.dataChannel(next)?.streamIdentifier == expected[2].map { $0 + 2 })
        call.simulation.run(for: .seconds(1))
        #expect(call.page.dataChannels.count == 6 && call.door.dataChannels.count == 6)
        #expect(Set(identifiers(call.page)) == Set(identifiers(call.door)))
    }

    @Test(arguments: [SetupRole.active, .passive])
    func `an answer that is set gives identifiers, connected or not`(role: SetupRole) throws {
        var page = Fixture.peer(isDoor: false)
        let channel = try page.createDataChannel("", at: Fixture.now)
        var session = try SessionDescription(parsing: page.offer().sdp)
        session.media[0].setup = role
        try page.setRemoteDescription(.init(type: .answer, sdp: session.description), at: Fixture.now)
        #expect(page.dataChannel(channel)?.streamIdentifier == (role == .active ? 1 : 0))
        #expect(page.dataChannel(channel)?.readyState == .connecting)
    }

    @Test func `a negotiated channel has its own, which others go around`() throws {
        let call = DataCall()
        let negotiated = try call.create("", .init(negotiated: true, id: 1))
        try call.create("", .init(negotiated: true, id: 1), on: .impolite)
        try call.create("", .init(negotiated: true, id: 2))
        try call.create("", .init(negotiated: true, id: 2), on: .impolite)
        #expect(call.page.dataChannel(negotiated)?.streamIdentifier == 1)
        let ours = try call.create()
        let theirs = try call.create(on: .impolite)
        try call.connect()
        call.simulation.run(for: .seconds(1))
        let taken = Set(
            [call.page.dataChannel(ours), call.door.dataChannel(theirs)].compactMap { $0?.streamIdentifier })
        #expect(taken == [0, 3])
        #expect(call.page.dataChannels.allSatisfy { $0.readyState == .open })
    }

    @Test(
        arguments: [
            (RTCDataChannelInit(maxPacketLifeTime: 0, maxRetransmits: 0), "TypeError"),
            (.init(negotiated: true), "TypeError"), (.init(negotiated: true, id: 65535), "TypeError"),
            (.init(protocol: String(repeating: "p", count: 65536)), "TypeError"),
            (.init(negotiated: true, id: 7), "OperationError"), (.init(id: 65535), nil), (.init(id: 7), nil),
            (.init(negotiated: true, id: 65534), nil), (.init(protocol: String(repeating: "é", count: 32767)), nil),
        ] as [(RTCDataChannelInit, String?)])
    func `contradictions and identifiers in use are refused`(options: RTCDataChannelInit, error: String?) throws {
        var peer = Fixture.peer(isDoor: false)
        _ = try peer.createDataChannel("", .init(negotiated: true, id: 7), at: Fixture.now)
        #expect(failure { _ = try peer.createDataChannel("", options, at: Fixture.now) } == error)
        #expect(peer.dataChannels.count == (error == nil ? 2 : 1))
    }

    @Test func `a label has at most 65535 bytes, and the longest arrives`() throws {
        let call = DataCall()
        let label = String(repeating: "🔔", count: 16383) + "abc"
        let channel = try call.pair(label, .init(protocol: String(label.reversed())))
        #expect(call.door.dataChannel(channel.door)?.label == label)
        #expect(call.door.dataChannel(channel.door)?.protocol == String(label.reversed()))
        #expect(failure { try call.create(label + "d") } == "TypeError")
        // what tells of the channel is none of its messages
        let another = try call.create(label)
        #expect(call.page.dataChannel(another)?.bufferedAmount == 0)
    }

    @Test func `nothing is created on a closed connection`() {
        var peer = Fixture.peer(isDoor: false)
        peer.close(at: Fixture.now)
        #expect(failure { _ = try peer.createDataChannel("", at: Fixture.now) } == "InvalidStateError")
    }
}
