import RTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Pictures that arrive: put together in order, repaired, asked for anew; and sources that collide.
@Suite struct PictureTests {
    /// Sends `count` pictures from the door, 30 ms apart; a key frame first and whenever one was asked for. Loses those
    /// that `isLost` names.
    private func stream(_ call: Call, _ count: Int, isLost: (Int) -> Bool = { _ in false }) {
        var asked = call.simulation[.impolite].keyFrameRequests
        for number in 0..<count {
            let requests = call.simulation[.impolite].keyFrameRequests
            let isKeyFrame = number == 0 || requests > asked
            asked = requests
            call.sendFromDoor(call.picture(isKeyFrame: isKeyFrame), on: call.door.video, isLost: isLost(number))
            call.simulation.run(for: .milliseconds(30))
        }
    }

    private func timestamps(_ call: Call) -> [RTPTimestamp] {
        call.simulation[.polite].accessUnits.map(\.1.timestamp)
    }

    @Test func `two peers hold a call in pictures both ways`() throws {
        let call = try Call(pageSendsVideo: true)
        for number in 0..<40 {
            call.sendFromDoor(call.picture(isKeyFrame: number == 0), on: call.door.video)
            let picture = call.picture(isKeyFrame: number == 0)
            call.simulation.act(.polite) { page, now in page.peer.send(picture, on: call.page.video, at: now) }
            call.simulation.run(for: .milliseconds(30))
        }
        for (side, video) in [(Simulation.Side.polite, call.page.video), (.impolite, call.door.video)] {
            let units = call.simulation[side].accessUnits
            #expect(units.count == 40 && units.allSatisfy { $0.0 == video })
            #expect(units.map(\.1.isKeyFrame) == [true] + [Bool](repeating: false, count: 39))
            #expect(units.allSatisfy { $0.1.nalUnits.map(\.count) == [100, 101, 102] })
            #expect(call.simulation[side].keyFrameRequests == 0)
        }
    }

    @Test func `with 20 % loss, reordering and duplicates every picture is repaired or a key frame comes, in order`()
        throws
    {
        let call = try Call(seed: 4, .perfect)
        call.simulation.network.conditions = PathConditions(
            loss: 0.2, duplication: 0.1, delay: .milliseconds(5)...(.milliseconds(40)))
        stream(call, 300)
        call.simulation.network.conditions = .perfect
        call.simulation.run(for: .seconds(1))
        let units = timestamps(call)
        #expect(units.count > 250)
        #expect(zip(units, units.dropFirst()).allSatisfy { $0.distance(to: $1) > 0 })
        #expect(call.simulation[.polite].accessUnits.allSatisfy { $0.1.nalUnits.map(\.count) == [100, 101, 102] })
        #expect(call.doorPeer.statistics.retransmittedPacketsSent > 100)
    }

    @Test func `whole pictures lost without repair cost one key frame, asked for again until it comes`() throws {
        let call = try Call { offer in
            for index in offer.media[0].codecs.indices {
                offer.media[0].codecs[index].feedback.removeAll { $0 == .nack }
            }
        }
        // the answers to the first requests are lost as well
        stream(call, 60) { (20..<40).contains($0) }
        let stream = try #require(call.pagePeer.media.streams.values.first { $0.incoming.kind == .video })
        #expect(stream.requests.nackCount == 0)
        #expect(call.simulation[.impolite].keyFrameRequests == 1)
        let units = call.simulation[.polite].accessUnits.map(\.1)
        #expect(units.count(where: \.isKeyFrame) == 2)
        #expect(units.count >= 36)
        #expect(stream.assembler?.awaitsKeyFrame == false && stream.keyFrames.deadline == nil)
    }

    @Test func `a stream that begins in the middle is asked for a key frame, no more often than the intervals allow`()
        throws
    {
        let call = try Call()
        for _ in 0..<100 {
            call.sendFromDoor(call.picture(isKeyFrame: false), on: call.door.video)
            call.simulation.run(for: .milliseconds(30))
        }
        #expect(call.simulation[.polite].accessUnits.isEmpty)
        // at 0, 0.3, 0.9 and 2.1 s
        let stream = try #require(call.pagePeer.media.streams.values.first { $0.incoming.kind == .video })
        #expect(stream.requests.pliCount == 4)
        #expect(call.doorPeer.media.outgoing[0].requests.pliCount == 4)
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(30))
        #expect(call.simulation[.polite].accessUnits.count == 1)
    }

    // RFC 5104 §4.3.1
    @Test func `where only full intra requests were agreed on, each new one has the next number`() throws {
        let call = try Call { offer in
            for index in offer.media[0].codecs.indices {
                offer.media[0].codecs[index].feedback.removeAll { $0 == .pictureLossIndication }
            }
        }
        for _ in 0..<30 {
            call.sendFromDoor(call.picture(isKeyFrame: false), on: call.door.video)
            call.simulation.run(for: .milliseconds(30))
        }
        #expect(call.doorPeer.media.outgoing[0].requests.firCount == 2)
        #expect(call.doorPeer.media.outgoing[0].lastFullIntraRequest == 2)
        #expect(call.simulation[.impolite].keyFrameRequests == 2)
    }

    // RFC 4588 §5.3
    @Test func `a retransmission stream that no description named is found by its payload type`() throws {
        let call = try Call(answer: { answer in
            for index in answer.media.indices {
                (answer.media[index].sources, answer.media[index].sourceGroups) = ([], [])
            }
        })
        for number in 0..<10 {
            call.sendFromDoor(call.picture(isKeyFrame: number == 0), on: call.door.video, isLost: number == 4)
            call.simulation.run(for: .milliseconds(30))
        }
        call.simulation.run(for: .milliseconds(300))
        #expect(call.simulation[.polite].accessUnits.count == 10)
        #expect(call.pagePeer.media.repairs.count == 1)
        #expect(call.pagePeer.discards.isEmpty)
    }

    @Test func `a flood of NACKs multiplies nothing`() throws {
        let call = try Call()
        let numbers = (0..<20).flatMap { _ -> [SequenceNumber] in
            let first = call.doorPeer.media.outgoing[0].sender.nextSequenceNumber
            call.sendFromDoor(call.picture(), on: call.door.video)
            return (0..<3).map { first + $0 }
        }
        let video = try call.source(call.door.video)
        for _ in 0..<100 {
            call.report(.nack(GenericNACK(sender: 1, media: video, sequenceNumbers: numbers)))
            call.simulation.run(for: .milliseconds(10))
        }
        #expect(call.doorPeer.statistics.retransmittedPacketsSent <= 60 + 16)
    }

    // MARK: RFC 3550 §8.2

    @Test func `a source that the other side has too says good-bye and goes on under another number`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        let old = try call.source(call.door.video)
        try call.inject(ssrc: old, payloadType: 111)
        let new = try call.source(call.door.video)
        #expect(new != old && call.doorPeer.media.conflicts.collisions == 1)
        #expect(call.pagePeer.media.streams[old] == nil, "it said good-bye")
        #expect(call.simulation[.impolite].keyFrameRequests == 1, "a new stream begins at a key frame")

        // its MID tells where it belongs
        let before = call.simulation[.polite].accessUnits.count
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        #expect(call.simulation[.polite].accessUnits.count == before + 1)
        #expect(call.pagePeer.media.streams[new]?.incoming.transceiver == call.page.video)
        // and the next description names it
        try call.negotiate()
        let section = try #require(try call.doorPeer.local.media.first { $0.kind == .video })
        #expect(section.sources.first?.ssrc == new.rawValue)
    }

    @Test func `our own packets that come back are no collision but a loop, and are counted`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(20))
        try call.inject(ssrc: call.source(call.door.video), payloadType: 111)
        let chosen = try call.source(call.door.video)
        for number in 0..<5 as Range<UInt16> { try call.inject(ssrc: chosen, payloadType: 111, sequence: number + 9) }
        #expect(try call.source(call.door.video) == chosen)
        #expect(call.doorPeer.media.conflicts.looped == 5 && call.doorPeer.discards[.loop] == 5)
    }
}
