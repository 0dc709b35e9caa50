import Calls
import PeerConnection
import Testing
import Wire

@Suite struct ResumingTests {
    private static let offer = NegotiationStep.description(RTCSessionDescription(type: .offer, sdp: "v=0"))

    @Test func aPageThatLostItsSocketComesBackToItsCallAndItsMedia() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        house.handle(.viewerDisconnected(old))
        house.pass(.seconds(8))
        let new = house.open("Viewer")
        let outputs = house.send(.callResume(secret, keepsMedia: true), from: new)
        #expect(outputs.messages(to: new) == [.callResumed(call, elapsed: .seconds(10))])
        #expect(outputs.acts.isEmpty, "the door's peer is the same")
        #expect(house.pass(.seconds(3600)).acts.isEmpty)
        #expect(house.handle(.negotiation(call, ResumingTests.offer)).messages(to: new).count == 1)
        #expect(house.send(.callHangup(call), from: new).acts == [.endSession(call, .hangup)])
    }

    @Test func aPageThatIsLoadedAnewHasItsCallWithAnotherPeer() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        // what the browser closes, in the order in which it may arrive
        house.handle(.peerClosed(call))
        house.handle(.viewerDisconnected(old))
        house.pass(.seconds(2))
        let new = house.open("Viewer")
        let outputs = house.send(.callResume(secret, keepsMedia: true), from: new)
        guard case .callResumed(let resumed, elapsed: .seconds(4)) = outputs.messages(to: new).first else {
            return #expect(Bool(false), "the call is resumed")
        }
        #expect(resumed != call)
        #expect(outputs.acts == [.endSession(call, .connectionLost), .startSession(resumed, new)])
        #expect(outputs.members(toldTo: new) == [Member(id: new, name: "Kitchen")], "under the name of before")
        #expect(house.send(.callHangup(call), from: new).errors(to: new) == [.unknownCall])
        #expect(house.pass(.seconds(30)).acts == [.endSession(resumed, .peerFailed)], "it has to connect in time")
    }

    @Test func theOthersSeeWhoIsAwayAndThatHeIsBack() throws {
        var house = House()
        let study = house.open("Study")
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(study)
        _ = try house.watch(old)
        let gone = house.handle(.viewerDisconnected(old))
        #expect(
            gone.members(toldTo: study) == [
                Member(id: study, name: "Study"), Member(id: old, name: "Kitchen", isAway: true),
            ])
        #expect(
            house.send(.negotiation(call, recipient: old, ResumingTests.offer), from: study).errors(to: study)
                == [.recipientOffline])
        #expect(house.send(.negotiation(call, recipient: old, .candidate(nil)), from: study).isEmpty)
        let new = house.open("Viewer")
        let back = house.send(.callResume(secret, keepsMedia: true), from: new)
        #expect(
            back.members(toldTo: study) == [Member(id: study, name: "Study"), Member(id: new, name: "Kitchen")])
    }

    @Test func whoComesBackBeforeTheDoorHasNoticedTakesTheCallOver() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        let new = house.open("Viewer")
        let outputs = house.send(.callResume(secret, keepsMedia: true), from: new)
        #expect(outputs.messages(to: new).first == .callResumed(call, elapsed: .seconds(2)))
        #expect(outputs.acts == [.disconnect(old, "the call was resumed by another connection")])
        #expect(house.handle(.viewerDisconnected(old)).isEmpty)
        #expect(house.hub.callCount == 1)
        #expect(house.hub.viewerCount == 1)
    }

    @Test func aSecretIsOfUseOnceAndOnlyWhileItsCallWaits() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        _ = try house.watch(old)
        house.handle(.viewerDisconnected(old))
        let new = house.open("Viewer")
        let thief = house.open("Thief")
        let errors = { (house: inout House, secret: ResumptionSecret, viewer: ParticipantID) in
            house.send(.callResume(secret, keepsMedia: true), from: viewer).errors(to: viewer)
        }
        #expect(errors(&house, ResumptionSecret("guess"), thief) == [.unknownCall])
        #expect(errors(&house, secret, new).isEmpty)
        #expect(errors(&house, secret, thief) == [.unknownCall])
        #expect(errors(&house, secret, new) == [.notAllowed], "one who has a call resumes none")
        let next = try house.resumption(of: new)
        house.handle(.viewerDisconnected(new))
        house.pass(.seconds(10))
        #expect(errors(&house, next, thief) == [.unknownCall])
        #expect(house.hub.callCount == 0)
    }

    @Test func whoHungUpHasNothingToComeBackTo() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        house.send(.callHangup(call), from: old)
        house.handle(.viewerDisconnected(old))
        let new = house.open("Viewer")
        #expect(house.send(.callResume(secret, keepsMedia: true), from: new).errors(to: new) == [.unknownCall])
    }

    @Test func aCallThatWaitsCountsItsTimeFromItsBeginning() throws {
        var house = House { $0.maxCallDuration = .seconds(60) }
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        house.pass(.seconds(54))
        house.handle(.viewerDisconnected(old))
        let new = house.open("Viewer")
        house.send(.callResume(secret, keepsMedia: true), from: new)
        #expect(house.pass(.seconds(4)).messages(to: new) == [.callHangup(call, .maxDuration, by: nil)])
    }

    @Test func aConnectionThatFailsWhileItsPageIsAwayIsMadeAnew() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        house.handle(.viewerDisconnected(old))
        #expect(house.handle(.peerFailed(call, "consent expired")).isEmpty)
        let new = house.open("Viewer")
        let outputs = house.send(.callResume(secret, keepsMedia: true), from: new)
        #expect(outputs.acts.first == .endSession(call, .connectionLost))
        #expect(outputs.acts.count == 2)
    }

    @Test func whatTheDoorSaysToNobodyIsNegotiatedAnewWithWhoComesBack() throws {
        var house = House()
        let old = house.open("Kitchen")
        let secret = try house.resumption(of: old)
        let call = try house.watch(old)
        house.handle(.viewerDisconnected(old))
        #expect(house.handle(.negotiation(call, ResumingTests.offer)).isEmpty)
        let new = house.open("Viewer")
        let outputs = house.send(.callResume(secret, keepsMedia: true), from: new)
        #expect(outputs.acts.first == .endSession(call, .connectionLost))
    }

    @Test func aDoorThatStopsWaitsForNobody() throws {
        var house = House()
        let old = house.open("Kitchen")
        let call = try house.watch(old)
        house.handle(.viewerDisconnected(old))
        #expect(house.handle(.shutdown).acts == [.endSession(call, .shutdown)])
        #expect(house.hub.callCount == 0)
    }

    @Test func whereNoTimeIsGivenACallEndsWithItsPage() throws {
        var house = House { $0.resumptionGrace = .zero }
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        #expect(house.handle(.viewerDisconnected(viewer)).acts == [.endSession(call, .hangup)])
    }
}
