import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// The media description of data channels (RFC 8841, RFC 8829 §5.2.1) and when it is negotiated (W3C §4.7.3).
@Suite struct DataChannelNegotiationTests {
    private let now = Fixture.now

    // MARK: Offers

    @Test func `the first channel asks for a negotiation, and the second does not`() throws {
        var page = Fixture.peer(isDoor: false)
        #expect(page.drainNames().isEmpty)
        _ = try page.createDataChannel("", at: now)
        #expect(page.drainNames() == ["negotiationneeded"])
        _ = try page.createDataChannel("", at: now)
        var door = Fixture.peer(seed: 2, isDoor: false)
        try exchange(from: &page, to: &door)
        #expect(!page.drainNames().contains("negotiationneeded"))
        _ = try page.createDataChannel("", at: now)
        #expect(page.drainNames().isEmpty)
        // the other side's first needs none either, for there is a media description for data
        _ = door.drainNames()
        _ = try door.createDataChannel("", at: now)
        #expect(door.drainNames().isEmpty)
    }

    @Test func `an offer has data behind the media, within the bundle`() throws {
        var door = Fixture.peer()
        _ = try door.createDataChannel("", at: now)
        let offer = try SessionDescription(parsing: door.offer().sdp)
        #expect(offer.media.map(\.kind) == [.video, .audio, .application])
        let data = offer.media[2]
        #expect(data.transportProtocol == "UDP/DTLS/SCTP" && data.formats == ["webrtc-datachannel"])
        #expect(data.sctpPort == 5000 && data.maxMessageSize == 262_144 && data.setup == .actpass)
        #expect(data.iceUfrag == offer.media[0].iceUfrag && !data.isRTCPMultiplexed)
        #expect(offer.bundles == [offer.media.compactMap(\.mid)])
        #expect(Set(offer.media.compactMap(\.mid)).count == 3)
    }

    @Test func `without a channel there is no data in an offer`() throws {
        var door = Fixture.peer()
        #expect(try SessionDescription(parsing: door.offer().sdp).media.map(\.kind) == [.video, .audio])
        #expect(door.sctp == nil)
    }

    // RFC 8829 §4.1.1
    @Test(arguments: [RTCBundlePolicy.balanced, .maxCompat])
    func `outside a bundle data has a transport of its own, where it works`(policy: RTCBundlePolicy) throws {
        let simulation = Simulation(seed: 1, policy: policy, sockets: 2)
        for side in Simulation.Side.allCases { simulation[side].negotiatesByItself = false }
        let channel = try simulation.act(.polite) { page, now in
            _ = page.peer.addTrack(.audio, streamID: "page")
            return try page.peer.createDataChannel("", at: now)
        }
        let offer = try simulation.act(.polite) { page, now in
            try page.peer.setLocalDescription(at: now)
            var session = try page.peer.local
            #expect(session.media[0].iceUfrag != session.media[1].iceUfrag)
            session.groups = []
            return RTCSessionDescription(type: .offer, sdp: session.description)
        }
        let answer = try simulation.act(.impolite) { door, now in
            try door.peer.setRemoteDescription(offer, at: now)
            try door.peer.setLocalDescription(at: now)
            return try #require(door.peer.localDescription)
        }
        try simulation.act(.polite) { page, now in try page.peer.setRemoteDescription(answer, at: now) }
        #expect(simulation.run(for: .seconds(10)) { !$0[.impolite].remoteChannels.isEmpty })
        #expect(simulation[.polite].channelStates[channel] == [.open])
        #expect(simulation[.polite].peer.transports.count == 2)
        let theirs = try #require(simulation[.impolite].remoteChannels.first)
        try simulation.act(.impolite) { door, now in try door.peer.send(.string("hello"), on: theirs, at: now) }
        #expect(simulation.run(for: .seconds(2)) { $0[.polite].messages[channel] == [.string("hello")] })
    }

    // MARK: Answers

    @Test func `an offer of data is accepted by who has made no channel`() throws {
        let call = DataCall()
        _ = try call.pair()
        #expect(try call.door.local.media.map(\.kind) == [.application])
        #expect(call.door.connectionState == .connected && call.page.connectionState == .connected)
    }

    @Test func `an answer that rejects data closes the channels, and a new one is offered anew`() throws {
        var page = Fixture.peer(isDoor: true)
        var door = Fixture.peer(seed: 2)
        let channel = try page.createDataChannel("", at: now)
        _ = page.drainNames()
        var session = try SessionDescription(parsing: page.offer().sdp)
        session.media[2].port = 0
        let answer = try door.answer(.init(type: .offer, sdp: session.description))
        try page.setRemoteDescription(.init(type: .answer, sdp: answer.description), at: now)
        let events = page.drainNames()
        #expect(events.contains("channel error data-channel-failure") && events.contains("channel closed"))
        #expect(!events.contains("negotiationneeded"))
        #expect(page.dataChannel(channel)?.readyState == .closed && page.sctp == nil)
        _ = try page.createDataChannel("", at: now)
        #expect(page.drainNames() == ["negotiationneeded"])
        let again = try SessionDescription(parsing: page.offer().sdp)
        // RFC 8829 §5.2.2: the place of what was rejected is taken again, under another tag
        #expect(again.media.map(\.isRejected) == [false, false, false])
        #expect(again.media[2].isForDataChannels && again.media[2].mid != session.media[2].mid)
    }

    @Test func `an answer for other data than was offered is refused`() throws {
        var page = Fixture.peer(isDoor: false)
        _ = try page.createDataChannel("", at: now)
        var session = try SessionDescription(parsing: page.offer().sdp)
        session.media[0].setup = .active
        session.media[0].otherFormats = ["bfcp"]
        let answer = RTCSessionDescription(type: .answer, sdp: session.description)
        #expect(failure { try page.setRemoteDescription(answer, at: now) } == "InvalidAccessError")
    }

    @Test func `of two media descriptions for data the first is taken`() throws {
        var door = Fixture.peer()
        let answer = try door.answer(
            Fixture.chromium { offer in
                offer.media.append(offer.media[2])
                offer.media[3].mid = "3"
                offer.groups = [.init("BUNDLE", ["0", "1", "2", "3"])]
            })
        #expect(answer.media.map(\.isRejected) == [false, false, false, true])
    }

    // MARK: Later

    @Test func `a channel made before a rollback stays, and is offered again`() throws {
        var page = Fixture.peer(isDoor: false)
        let channel = try page.createDataChannel("", at: now)
        _ = try page.offer()
        _ = page.drainNames()
        try page.setLocalDescription(.rollback, at: now)
        #expect(page.dataChannel(channel)?.readyState == .connecting)
        #expect(page.drainNames().contains("negotiationneeded"))
        #expect(try SessionDescription(parsing: page.offer().sdp).media.map(\.kind) == [.application])
    }

    @Test func `a rollback of the other side's offer takes its media description back`() throws {
        var door = Fixture.peer()
        try door.setRemoteDescription(Fixture.chromium(), at: now)
        try door.setRemoteDescription(.init(type: .rollback, sdp: ""), at: now)
        #expect(try SessionDescription(parsing: door.offer().sdp).media.map(\.kind) == [.video, .audio])
    }

    @Test func `offers of data that cross end in one association`() throws {
        let call = DataCall(policy: .balanced)
        let ours = try call.create("page")
        let theirs = try call.create("door", on: .impolite)
        try call.connect()
        call.simulation.run(for: .seconds(1))
        #expect(call.state(ours) == .open && call.state(theirs, of: .impolite) == .open)
        #expect(call.page.dataChannels.map(\.label).sorted() == ["door", "page"])
        #expect(try call.page.local.media.count == 1)
    }

    @Test func `a channel may be the first of a call that has media, and media be added to a channel`() throws {
        let call = DataCall()
        let channel = try call.pair()
        call.simulation.act(.polite) { page, _ in _ = page.peer.addTrack(.audio, streamID: "page") }
        #expect(call.simulation.run(for: .seconds(5)) { $0[.impolite].tracks[.audio] == true && $0.areStable })
        try call.send(.string("still here"), on: channel.page)
        #expect(call.messages(1, on: channel.door, of: .impolite) == [.string("still here")])
        #expect(call.simulation[.polite].channelStates[channel.page] == [.open])

        let media = DataCall(seed: 2)
        media.simulation.act(.impolite) { door, _ in _ = door.peer.addTrack(.video, streamID: "door") }
        #expect(media.simulation.run(for: .seconds(10)) { $0.areConnected && $0.areStable })
        #expect(media.page.sctp == nil && media.door.channels.association == nil)
        _ = try media.pair()
    }

    @Test func `an ICE restart and a renegotiation leave the association alone, while messages are under way`() throws {
        let call = DataCall(seed: 4, PathConditions(loss: 0.1, delay: .milliseconds(10)...(.milliseconds(30))))
        let channel = try call.pair()
        for number in 0..<300 {
            try call.send(.string("\(number)"), on: channel.page)
            if number == 100 { call.simulation.act(.polite) { page, _ in page.peer.restartIce() } }
            if number == 200 {
                call.simulation.act(.impolite) { door, _ in _ = door.peer.addTrack(.audio, streamID: "door") }
            }
            call.simulation.run(for: .milliseconds(10))
        }
        let sent = (0..<300).map { DataChannelMessage.string("\($0)") }
        #expect(call.messages(300, on: channel.door, of: .impolite) == sent)
        #expect(call.simulation.run(for: .seconds(5), until: \.areStable))
        #expect(call.simulation[.polite].channelStates[channel.page] == [.open])
        #expect(call.simulation[.impolite].tracks.isEmpty && call.simulation[.polite].tracks[.audio] == true)
    }

    @Test func `an exchange while the association is being made does not begin it anew`() throws {
        for seed in 0..<8 as Range<UInt64> {
            let call = DataCall(seed: seed, PathConditions(delay: .milliseconds(20)...(.milliseconds(20))))
            let channel = try call.create("", .init(negotiated: true, id: 0))
            try call.create("", .init(negotiated: true, id: 0), on: .impolite)
            try #require(call.simulation.run(for: .seconds(10)) { $0[.polite].peer.connectionState == .connected })
            // INIT, INIT ACK and COOKIE ECHO are under way, one after the other
            call.simulation.run(for: .milliseconds(Int64(seed) * 8))
            for side in Simulation.Side.allCases {
                call.simulation.act(side) { endpoint, _ in _ = endpoint.peer.addTrack(.audio, streamID: "late") }
            }
            try call.connect()
            #expect(call.state(channel) == .open)
            try call.send(.string("hello"), on: channel)
            let theirs = try #require(call.door.dataChannels.first?.id)
            #expect(call.messages(1, on: theirs, of: .impolite) == [.string("hello")])
        }
    }

    @Test func `data that the other side gives up ends the association, and only that`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium())
        let channel = try door.createDataChannel("", at: now)
        _ = door.drain()
        let answer = try door.answer(Fixture.chromium { $0.media[2].port = 0 })
        #expect(answer.media.map(\.isRejected) == [false, false, true])
        #expect(door.sctp == nil && door.dataChannel(channel)?.readyState == .closed)
        #expect(door.drainNames().contains("channel closed"))
    }

    @Test func `a change of max-message-size counts from the next exchange`() throws {
        var door = Fixture.peer()
        _ = try door.answer(Fixture.chromium { $0.media[2].maxMessageSize = 1000 })
        _ = try door.answer(Fixture.chromium { $0.media[2].maxMessageSize = 2000 })
        #expect(door.sctp?.maxMessageSize == 2000)
    }

    @Test(arguments: [(UInt16?.none, false), (5001, false), (0, true)] as [(UInt16?, Bool)])
    func `an absent port is 5000, any other is taken, and 0 is none`(port: UInt16?, isRejected: Bool) throws {
        var door = Fixture.peer()
        let answer = try door.answer(Fixture.chromium { $0.media[2].sctpPort = port })
        #expect(answer.media[2].isRejected == isRejected)
        #expect(door.channels.association?.sctp.configuration.remotePort == (isRejected ? nil : port ?? 5000))
    }
}
