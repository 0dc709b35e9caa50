import DTLS
import ICE
import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Streams of media between two peers: which they are, and whether they flow.
@Suite struct MediaTests {
    @Test func `picture and sound go both ways, each to its transceiver`() throws {
        let call = try Call(pageSendsVideo: true)
        for _ in 0..<25 {
            call.sendFromDoor(call.picture(), on: call.door.video)
            call.sendFromDoor(call.sound(), on: call.door.audio)
            let (picture, sound) = (call.picture(), call.sound())
            call.simulation.act(.polite) { page, now in
                page.peer.send(picture, on: call.page.video, at: now)
                page.peer.send(sound, on: call.page.audio, at: now)
            }
            call.simulation.run(for: .milliseconds(20))
        }
        for (side, ids) in [(Simulation.Side.polite, call.page), (.impolite, call.door)] {
            let (video, audio) = (call.received(by: side, on: ids.video), call.received(by: side, on: ids.audio))
            #expect(video.count == 75 && audio.count == 25)
            #expect(zip(video, video.dropFirst()).allSatisfy { $0 + 1 == $1 })
        }
        #expect(call.doorPeer.statistics.packetsSent(.video) == 75)
        #expect(call.doorPeer.statistics.packetsReceived == 100)
        #expect(call.doorPeer.discards.isEmpty && call.pagePeer.discards.isEmpty)
        // what is shown is whole frames: the marker ends each
        let marked = call.simulation[.polite].packets.filter { $0.0 == call.page.video && $0.1.header.marker }
        #expect(marked.count == 25 && marked.allSatisfy { $0.1.payload.count == 102 })
    }

    @Test func `nothing leaves before the connection is up, nor on a transceiver that does not send`() throws {
        var peer = Fixture.peer()
        let video = try peer.transceiver(.video).id
        let frame = PacketizedFrame(sound: [1], timestamp: 0, captured: Fixture.now)
        #expect(!peer.canSend(on: video))
        peer.send(frame, on: video, at: Fixture.now)
        #expect(peer.outbox.isEmpty)
        let call = try Call()
        #expect(call.doorPeer.canSend(on: call.door.video) && !call.pagePeer.canSend(on: call.page.video))
        #expect(
            try call.intercept(.polite) { page, now in page.send(frame, on: call.page.video, at: now) }.protected
                .isEmpty)
    }

    // MARK: Sources

    @Test func `sources that were not signalled are found by their MID`() throws {
        let simulation = Simulation(seed: 9)
        for side in Simulation.Side.allCases { simulation[side].negotiatesByItself = false }
        // two pictures of one payload type, so that only the MID tells
        let wanted = simulation.act(.polite) { page, _ in
            (0..<2).map { _ in page.peer.addTransceiver(.video, direction: .recvonly) }
        }
        let sent = simulation.act(.impolite) { door, _ in
            (0..<2).map { _ in door.peer.addTrack(.video, streamID: "door") }
        }
        let offer = try simulation.act(.polite) { page, now in
            try page.peer.setLocalDescription(.offer, at: now)
            return try #require(page.peer.localDescription)
        }
        let answer = try simulation.act(.impolite) { door, now in
            try door.peer.setRemoteDescription(offer, at: now)
            try door.peer.setLocalDescription(at: now)
            var session = try door.peer.local
            for index in session.media.indices {
                (session.media[index].sources, session.media[index].sourceGroups) = ([], [])
            }
            return RTCSessionDescription(type: .answer, sdp: session.description)
        }
        try simulation.act(.polite) { page, now in try page.peer.setRemoteDescription(answer, at: now) }
        try #require(simulation.run(for: .seconds(10)) { $0.areConnected })
        for (index, transceiver) in sent.reversed().enumerated() {
            simulation.act(.impolite) { door, now in
                for _ in 0...index {
                    door.peer.send(
                        PacketizedFrame(sound: [7], timestamp: 0, captured: now), on: transceiver, at: now)
                }
            }
        }
        simulation.run(for: .milliseconds(20))
        let counts = wanted.map { id in simulation[.polite].packets.count { $0.0 == id } }
        #expect(counts == [2, 1])
        #expect(simulation[.polite].peer.media.streams.values.allSatisfy { !$0.isSignalled })
    }

    @Test func `without a MID the payload type tells where there is one media description with it`() throws {
        let call = try Call()
        try call.inject(ssrc: 77, payloadType: 111)
        #expect(call.received(by: .impolite, on: call.door.audio).count == 1)
    }

    @Test func `packets of a payload type that was not agreed on are discarded, counted, and take no room`() throws {
        let call = try Call()
        let before = call.doorPeer.media.streams.count
        let mid = try #require(call.pagePeer.allTransceivers.last?.mid)
        for number in 0..<10 as Range<UInt32> {
            try call.inject(ssrc: SSRC(1000 + number), payloadType: 50)
            try call.inject(ssrc: SSRC(2000 + number), payloadType: 50, mid: mid)
            try call.inject(ssrc: SSRC(3000 + number), payloadType: 111, mid: "unheard-of")
        }
        #expect(call.doorPeer.media.streams.count == before)
        #expect(call.doorPeer.discards == [.unknownStream: 30])
        #expect(call.simulation[.impolite].packets.isEmpty)
    }

    @Test func `one connection opens so many sources and no more`() throws {
        let call = try Call()
        for number in 0..<50 as Range<UInt32> { try call.inject(ssrc: SSRC(1000 + number), payloadType: 111) }
        #expect(call.doorPeer.media.streams.count == MediaStreams.streamLimit)
        let taken = call.simulation[.impolite].packets.count
        #expect(taken == MediaStreams.streamLimit - 1, "one source is signalled, and silent")
        #expect(call.doorPeer.discards[.unknownStream] == 50 - taken)
        // the reports on them fit
        let sent = try call.intercept(.impolite) { door, now in door.sendReports(at: now) }.rtcp
        #expect(sent.joined().count > 1)
        // a source that says good-bye makes room
        call.report(.goodbye(Goodbye(sources: [1000, 1001])))
        try call.inject(ssrc: 5000, payloadType: 111)
        #expect(call.simulation[.impolite].packets.count == taken + 1)
    }

    @Test func `a repair of a stream that said good-bye does not open one`() throws {
        let call = try Call(pageSendsVideo: true)
        let stream = try #require(call.pagePeer.allTransceivers.first)
        call.report(.goodbye(Goodbye(sources: [stream.ssrc])))
        let before = call.doorPeer.media.streams.count
        try call.inject(ssrc: stream.rtxSSRC, payloadType: 103, mid: stream.mid)
        #expect(call.doorPeer.media.streams.count == before)
        #expect(call.doorPeer.discards == [.unknownStream: 1])
    }

    @Test func `a repair that repeats nothing is passed over`() throws {
        let call = try Call(pageSendsVideo: true)
        let stream = try #require(call.pagePeer.allTransceivers.first)
        // padding that probes for bandwidth (RFC 4588 has no payload for it), and a wrong payload type
        try call.inject(ssrc: stream.rtxSSRC, payloadType: 103, sequence: 1, payload: [])
        try call.inject(ssrc: stream.rtxSSRC, payloadType: 103, sequence: 2, payload: [1])
        #expect(call.doorPeer.discards.isEmpty)
        try call.inject(ssrc: stream.rtxSSRC, payloadType: 102, sequence: 3)
        #expect(call.doorPeer.discards == [.unknownStream: 1])
        #expect(call.simulation[.impolite].packets.isEmpty)
    }

    // MARK: Pausing

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `a stream that is stopped and started goes on where it was`(seed: UInt64) throws {
        let call = try Call(seed: seed)
        for _ in 0..<4 {
            for direction in [MediaDirection.inactive, .recvonly] {
                call.simulation.act(.polite) { page, _ in page.peer.setDirection(direction, of: call.page.video) }
                try call.negotiate()
                for _ in 0..<3 {
                    call.sendFromDoor(call.picture(), on: call.door.video)
                    call.simulation.run(for: .milliseconds(20))
                }
            }
        }
        // SRTP's index goes on with the numbers: to begin anew would use one twice
        let numbers = call.received(by: .polite, on: call.page.video)
        #expect(numbers.count == 4 * 9)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
        #expect(call.pagePeer.discards.isEmpty)
    }

    @Test func `what was stopped is let in no more, and again when it is wanted`() throws {
        let call = try Call()
        let speak = {
            let sound = call.sound()
            call.simulation.act(.polite) { page, now in
                // as a sender does that has not heard of it yet
                page.peer.media.outgoing += page.peer.media.paused
                page.peer.media.paused = []
                page.peer.send(sound, on: call.page.audio, at: now)
            }
            call.simulation.run(for: .milliseconds(10))
        }
        speak()
        #expect(call.simulation[.impolite].tracks == [.audio: true])
        call.simulation.act(.polite) { page, _ in page.peer.setDirection(.recvonly, of: call.page.audio) }
        try call.negotiate()
        #expect(call.simulation[.impolite].tracks == [.audio: false])
        speak()
        #expect(call.received(by: .impolite, on: call.door.audio).count == 1)
        #expect(call.doorPeer.discards == [.unknownStream: 1])
        call.simulation.act(.polite) { page, _ in page.peer.setDirection(.sendrecv, of: call.page.audio) }
        try call.negotiate()
        speak()
        #expect(call.received(by: .impolite, on: call.door.audio).count == 2)
        #expect(call.simulation[.impolite].tracks == [.audio: true])
    }

    @Test func `a source found by MID keeps its stream when the payload type changes`() throws {
        let call = try Call()
        try call.inject(ssrc: 77, payloadType: 111, sequence: 1)
        try call.negotiate(offer: { offer in
            let index = offer.media.firstIndex { $0.kind == .audio } ?? 0
            offer.media[index].codecs[0].payloadType = 112
        })
        try call.inject(ssrc: 77, payloadType: 112, sequence: 2)
        #expect(call.received(by: .impolite, on: call.door.audio).count == 2)
        try call.inject(ssrc: 77, payloadType: 111, sequence: 3)
        #expect(call.doorPeer.discards == [.unknownStream: 1])
    }
}
