import Calls
import PeerConnection
import Testing
import Wire

@Suite struct CallTests {
    private static let offer = NegotiationStep.description(RTCSessionDescription(type: .offer, sdp: "v=0"))
    private static let answer = NegotiationStep.description(RTCSessionDescription(type: .answer, sdp: "v=0"))

    @Test func theDoorAcceptsWhoeverCalls() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let outputs = house.send(.callInitiate(recipient: .door), from: viewer)
        let call = try #require(outputs.accepted(by: viewer))
        #expect(outputs.messages(to: viewer) == [.callAccepted(call, by: House.door, continues: nil)])
        #expect(outputs.acts == [.startSession(call, viewer)])
        #expect(house.hub.callCount == 1)
    }

    @Test func severalViewersWatchAtOnceInCallsOfTheirOwn() throws {
        var house = House()
        var calls: Set<CallID> = []
        for number in 1...5 {
            let viewer = house.open("Viewer \(number)")
            calls.insert(try house.watch(viewer))
        }
        #expect(calls.count == 5)
        #expect(house.hub.callCount == 5)
    }

    @Test func aViewerHasOneCall() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        let outputs = house.send(.callInitiate(recipient: .door), from: viewer)
        #expect(outputs.acts.isEmpty)
        guard case .callError(.notAllowed, _, let named, "call-initiate") = outputs.messages(to: viewer).first else {
            return #expect(Bool(false), "the second call is refused")
        }
        #expect(named == call)
    }

    @Test func nobodyCallsHimselfOrWhoIsNotThereOrTakesNoCalls() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let other = house.open("Study")
        #expect(house.send(.callInitiate(recipient: other), from: viewer).errors(to: viewer) == [.notAllowed])
        #expect(house.send(.callInitiate(recipient: viewer), from: viewer).errors(to: viewer) == [.notAllowed])
        let nobody = ParticipantID("nobody")
        #expect(house.send(.callInitiate(recipient: nobody), from: viewer).errors(to: viewer) == [.recipientOffline])
        #expect(house.hub.callCount == 0)
    }

    @Test func aDoorWithAllTheCallsItServesIsBusyUntilOneEnds() throws {
        var house = House { $0.maximumCalls = 1 }
        let first = house.open("Kitchen")
        let second = house.open("Study")
        let call = try house.watch(first)
        #expect(house.send(.callInitiate(recipient: .door), from: second).errors(to: second) == [.busy])
        house.send(.callHangup(call), from: first)
        #expect(house.send(.callInitiate(recipient: .door), from: second).accepted(by: second) != nil)
    }

    @Test func whatIsNegotiatedGoesToTheOtherSideOfThatCallOnly() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let other = house.open("Study")
        let call = try house.watch(viewer)
        _ = try house.watch(other)
        let candidate = NegotiationStep.candidate(
            RTCIceCandidate(candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: nil))
        for step in [CallTests.offer, candidate, .candidate(nil)] {
            #expect(
                house.send(.negotiation(call, recipient: .door, step), from: viewer) == [.deliver(call, step)])
        }
        for step in [CallTests.answer, CallTests.offer, candidate, .candidate(nil)] {
            #expect(
                house.handle(.negotiation(call, step)) == [.send(.negotiation(call, sender: .door, step), to: viewer)])
        }
    }

    @Test func aDescriptionThatTheDoorCannotUseIsToldAndTheCallGoesOn() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        let outputs = house.handle(.negotiationFailed(call, "no codec in common"))
        #expect(
            outputs.messages(to: viewer)
                == [.callError(.negotiationFailed, message: "no codec in common", call: call, inReplyTo: nil)])
        #expect(outputs.acts.isEmpty)
        #expect(house.hub.callCount == 1)
    }

    @Test func nobodyTouchesTheCallOfAnother() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let other = house.open("Study")
        let call = try house.watch(viewer)
        for message in [
            ViewerMessage.negotiation(call, recipient: .door, CallTests.offer),
            .negotiation(call, recipient: .door, CallTests.answer),
            .negotiation(call, recipient: viewer, CallTests.offer),
            .callHangup(call), .callAccept(call), .callReject(call),
        ] {
            let outputs = house.send(message, from: other)
            #expect(outputs.errors(to: other) == [.unknownCall], "\(message)")
            #expect(outputs.acts.isEmpty)
            #expect(outputs.messages(to: viewer).isEmpty)
        }
        #expect(house.send(.negotiation(call, recipient: .door, .candidate(nil)), from: other).isEmpty)
    }

    @Test func theErrorNamesTheMessageItAnswers() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let none = CallID("none")
        for (message, type) in [
            (ViewerMessage.negotiation(none, recipient: .door, CallTests.offer), "call-offer"),
            (.negotiation(none, recipient: .door, CallTests.answer), "call-answer"), (.callHangup(none), "call-hangup"),
            (.callAccept(none), "call-accept"), (.callReject(none), "call-reject"),
        ] {
            guard
                case .callError(.unknownCall, _, none, let inReplyTo) = house.send(message, from: viewer).messages(
                    to: viewer
                ).first
            else {
                #expect(Bool(false), "\(type) is refused")
                continue
            }
            #expect(inReplyTo == type)
        }
    }

    @Test func hangingUpEndsTheCallOnce() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        house.pass(.seconds(59))
        let outputs = house.send(.callHangup(call), from: viewer)
        let party = Party(id: viewer, name: "Kitchen")
        #expect(outputs.messages(to: viewer) == [.callHangup(call, .hangup, by: party)])
        #expect(outputs.acts == [.endSession(call, .hangup)])
        #expect(outputs.contains(.log(.callEnded(call, with: party, .hangup, detail: nil, duration: .seconds(60)))))
        #expect(house.send(.callHangup(call), from: viewer).errors(to: viewer) == [.unknownCall])
        #expect(house.handle(.peerFailed(call, "too late")).isEmpty)
    }

    @Test func aPageThatLeavesAndDoesNotComeBackEndsItsCallAndIsToldNothingMore() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        #expect(house.handle(.viewerDisconnected(viewer)).acts.isEmpty)
        #expect(house.pass(.milliseconds(9_999)).acts.isEmpty)
        let outputs = house.pass(.milliseconds(1))
        #expect(outputs.acts == [.endSession(call, .hangup)])
        #expect(outputs.allMessages(to: viewer).isEmpty)
        #expect(house.hub.callCount == 0)
    }

    @Test func aViewerWhoClosesHisConnectionAndSaysNothingMoreHasHungUp() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        #expect(house.handle(.peerClosed(call)).isEmpty)
        #expect(house.pass(.milliseconds(999)).isEmpty)
        #expect(house.handle(.peerClosed(call)).isEmpty, "which prolongs nothing")
        let outputs = house.pass(.milliseconds(1))
        #expect(
            outputs.messages(to: viewer) == [.callHangup(call, .hangup, by: Party(id: viewer, name: "Kitchen"))])
        #expect(outputs.acts == [.endSession(call, .hangup)])
        #expect(house.handle(.peerClosed(call)).isEmpty)
    }

    @Test func whoIsSentAwayIsOutOfTheCallAtOnceAndCannotComeBackToIt() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        let outputs = house.handle(.callRevoked(call))
        #expect(outputs.acts == [.endSession(call, .hangup)])
        #expect(house.handle(.viewerDisconnected(viewer)).acts.isEmpty)
        #expect(house.hub.callCount == 0)
        #expect(house.handle(.callRevoked(call)).isEmpty)
    }

    @Test func whoIsSentAwayWhileHisPageIsGoneIsNotWaitedFor() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        #expect(house.handle(.viewerDisconnected(viewer)).acts.isEmpty)
        #expect(house.handle(.callRevoked(call)).acts == [.endSession(call, .hangup)])
    }

    @Test func aConnectionThatIsLostEndsTheCallWithThatReason() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        let outputs = house.handle(.peerFailed(call, "consent expired"))
        #expect(outputs.messages(to: viewer) == [.callHangup(call, .connectionLost, by: nil)])
        #expect(outputs.acts == [.endSession(call, .connectionLost)])
        #expect(
            house.send(.callInitiate(recipient: .door), from: viewer).accepted(by: viewer) != nil, "and can call again")
    }

    @Test func aConnectionThatFailsBeforeItCameAboutEndsTheCallWithAnotherReason() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try #require(house.send(.callInitiate(recipient: .door), from: viewer).accepted(by: viewer))
        #expect(house.handle(.peerFailed(call, "no path")).acts == [.endSession(call, .peerFailed)])
    }

    @Test func aCallThatNeverConnectsEnds() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try #require(house.send(.callInitiate(recipient: .door), from: viewer).accepted(by: viewer))
        #expect(house.pass(.seconds(29)).acts.isEmpty)
        #expect(house.pass(.seconds(2)).acts == [.endSession(call, .peerFailed)])
    }

    @Test func aCallEndsAtItsLongestDuration() throws {
        var house = House { $0.maxCallDuration = .seconds(60) }
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        #expect(house.pass(.seconds(58)).acts.isEmpty)
        let outputs = house.pass(.seconds(2))
        #expect(outputs.messages(to: viewer) == [.callHangup(call, .maxDuration, by: nil)])
        #expect(outputs.acts == [.endSession(call, .maxDuration)])
    }

    @Test func aCallWithoutALimitGoesOn() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        _ = try house.watch(viewer)
        #expect(house.hub.deadline == nil)
        #expect(house.pass(.seconds(1_000_000)).isEmpty)
    }

    @Test func shuttingDownEndsCallsAndTheRingAndTakesNoMore() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let call = try house.watch(viewer)
        let ring = try house.press()
        let outputs = house.handle(.shutdown)
        #expect(
            outputs.messages(to: viewer)
                == [.callHangup(ring, .shutdown, by: nil), .callHangup(call, .shutdown, by: nil)])
        #expect(outputs.acts == [.ringingChanged(false), .endSession(call, .shutdown)])
        #expect(house.handle(.buttonPressed(wallClock: 0)).isEmpty)
        #expect(house.send(.callInitiate(recipient: .door), from: viewer).accepted(by: viewer) == nil)
        #expect(house.handle(.shutdown).isEmpty)
    }
}
