import Calls
import PeerConnection
import Testing
import Wire

@Suite struct DirectCallTests {
    private static let offer = NegotiationStep.description(RTCSessionDescription(type: .offer, sdp: "v=0"))

    @Test func whoIsCalledRingsAloneAndTheCallerLearnsThatItRings() throws {
        var home = Home()
        let outputs = home.house.send(.callInitiate(recipient: home.study), from: home.kitchen)
        let call = try #require(outputs.rung(by: home.kitchen))
        #expect(
            outputs.messages(to: home.kitchen)
                == [.callRinging(call, to: home.studyParty, expiresIn: .seconds(30))])
        #expect(
            outputs.messages(to: home.study)
                == [.callIncoming(call, from: home.kitchenParty, at: nil, expiresIn: .seconds(30))])
        #expect(outputs.messages(to: home.hall).isEmpty)
        #expect(outputs.acts.isEmpty, "the door has no part in it")
        #expect(home.house.hub.callCount == 0)
        #expect(!home.house.hub.isRinging)
    }

    @Test func whoAcceptsTalksToTheCallerInOneCallAndBothKnowTheOther() throws {
        var home = Home()
        let call = try home.ring()
        let outputs = home.house.send(.callAccept(call), from: home.study)
        let members = [Member(id: home.kitchen, name: "Kitchen"), Member(id: home.study, name: "Study")]
        for viewer in [home.kitchen, home.study] {
            #expect(
                outputs.allMessages(to: viewer) == [
                    .callAccepted(call, by: home.studyParty, continues: nil), .callMembers(call, members),
                ])
        }
        #expect(outputs.messages(to: home.hall).isEmpty)
        #expect(outputs.acts.isEmpty)
        for step in [DirectCallTests.offer, .candidate(nil)] {
            #expect(
                home.house.send(.negotiation(call, recipient: home.kitchen, step), from: home.study)
                    == [.send(.negotiation(call, sender: home.study, step), to: home.kitchen)])
        }
    }

    @Test func nothingIsNegotiatedBeforeTheAnswerNorWithAnybodyElse() throws {
        var home = Home()
        let call = try home.ring()
        for (sender, recipient) in [(home.kitchen, home.study), (home.kitchen, .door), (home.study, home.hall)] {
            let message = ViewerMessage.negotiation(call, recipient: recipient, DirectCallTests.offer)
            let outputs = home.house.send(message, from: sender)
            #expect(outputs.errors(to: sender) == [.recipientOffline])
            #expect(outputs.acts.isEmpty && outputs.messages(to: recipient).isEmpty)
        }
        home.house.send(.callAccept(call), from: home.study)
        for recipient in [ParticipantID.door, home.hall, home.kitchen] {
            let message = ViewerMessage.negotiation(call, recipient: recipient, DirectCallTests.offer)
            let outputs = home.house.send(message, from: home.kitchen)
            #expect(outputs.errors(to: home.kitchen) == [.recipientOffline])
            #expect(outputs.acts.isEmpty)
            let candidate = ViewerMessage.negotiation(call, recipient: recipient, .candidate(nil))
            #expect(home.house.send(candidate, from: home.kitchen).isEmpty)
        }
        let stranger = ViewerMessage.negotiation(call, recipient: home.study, DirectCallTests.offer)
        #expect(home.house.send(stranger, from: home.hall).errors(to: home.hall) == [.unknownCall])
    }

    @Test func aRingBetweenViewersEndsForBothWhoeverEndsItOrNobody() throws {
        let ends: [(EndReason, String?, (inout Home, CallID) -> [HubOutput])] = [
            (.rejected, "Study", { home, call in home.house.send(.callReject(call), from: home.study) }),
            (.rejected, "Study", { home, call in home.house.send(.callHangup(call), from: home.study) }),
            (.hangup, "Kitchen", { home, call in home.house.send(.callHangup(call), from: home.kitchen) }),
            (.unanswered, nil, { home, _ in home.house.pass(.seconds(30)) }),
            (.shutdown, nil, { home, _ in home.house.handle(.shutdown) }),
        ]
        for (reason, by, end) in ends {
            var home = Home()
            let call = try home.ring()
            let party = [home.kitchenParty, home.studyParty].first { $0.name == by }
            let outputs = end(&home, call)
            for viewer in [home.kitchen, home.study] {
                #expect(outputs.messages(to: viewer) == [.callHangup(call, reason, by: party)])
            }
            #expect(outputs.messages(to: home.hall).isEmpty, "what was missed is told to the callee only")
            #expect(home.house.hub.directCallCount == 0)
            #expect(home.house.send(.callAccept(call), from: home.study).errors(to: home.study) == [.unknownCall])
            #expect(home.house.send(.callReject(call), from: home.study).isEmpty, "it crossed with the end")
        }
    }

    @Test func aRingBetweenViewersWaitsForNobodyWhoLeaves() throws {
        var home = Home()
        var call = try home.ring()
        var outputs = home.house.handle(.viewerDisconnected(home.kitchen))
        #expect(outputs.messages(to: home.study) == [.callHangup(call, .hangup, by: home.kitchenParty)])
        home = Home()
        call = try home.ring()
        outputs = home.house.handle(.viewerDisconnected(home.study))
        #expect(outputs.messages(to: home.kitchen) == [.callHangup(call, .recipientOffline, by: home.studyParty)])
    }

    @Test func whoIsInACallOrRingsIsBusyToOthers() throws {
        var home = Home()
        _ = try home.ring()
        for busy in [home.kitchen, home.study] {
            let outputs = home.house.send(.callInitiate(recipient: busy), from: home.hall)
            #expect(outputs.errors(to: home.hall) == [.busy])
        }
        home = Home()
        _ = try home.house.watch(home.study)
        let outputs = home.house.send(.callInitiate(recipient: home.study), from: home.hall)
        #expect(outputs.errors(to: home.hall) == [.busy], "who sees the door is in a call")
        #expect(
            home.house.send(.callInitiate(recipient: home.hall), from: home.study).errors(to: home.study) == [
                .notAllowed
            ])
    }

    @Test func nobodyIsCalledWhoTakesNoCallsOrIsNotThere() throws {
        var home = Home()
        home.house.send(.presence(name: "Study"), from: home.study)
        for (recipient, code) in [
            (home.study, CallErrorCode.notAllowed), (home.kitchen, .notAllowed),
            (ParticipantID("x"), .recipientOffline),
        ] {
            let outputs = home.house.send(.callInitiate(recipient: recipient), from: home.kitchen)
            #expect(outputs.errors(to: home.kitchen) == [code])
        }
    }

    @Test func twoWhoCallEachOtherAtTheSameMomentAreInOneCall() throws {
        var home = Home()
        let call = try home.ring()
        let outputs = home.house.send(.callInitiate(recipient: home.kitchen), from: home.study)
        for viewer in [home.kitchen, home.study] {
            #expect(outputs.messages(to: viewer) == [.callAccepted(call, by: home.studyParty, continues: nil)])
        }
        #expect(home.house.hub.directCallCount == 1)
    }

    @Test func onlyTheCalleeAnswersAndOnlyOnce() throws {
        var home = Home()
        let call = try home.ring()
        for viewer in [home.kitchen, home.hall] {
            for message in [ViewerMessage.callAccept(call), .callReject(call)] {
                #expect(home.house.send(message, from: viewer).errors(to: viewer) == [.unknownCall])
            }
        }
        home.house.send(.callAccept(call), from: home.study)
        #expect(home.house.send(.callAccept(call), from: home.study).errors(to: home.study) == [.alreadyAnswered])
        #expect(home.house.send(.callReject(call), from: home.study).errors(to: home.study) == [.unknownCall])
        #expect(home.house.send(.callHangup(call), from: home.hall).errors(to: home.hall) == [.unknownCall])
        let outputs = home.house.send(.callHangup(call), from: home.study)
        for viewer in [home.kitchen, home.study] {
            #expect(outputs.messages(to: viewer) == [.callHangup(call, .hangup, by: home.studyParty)])
        }
    }

    @Test func whoAnswersOrCallsTheDoorLeavesTheOtherViewer() throws {
        var home = Home()
        var call = try home.talk()
        let ring = try home.house.press()
        #expect(home.house.outputs.allMessages(to: home.kitchen).contains { $0.type == "call-incoming" })
        var outputs = home.house.send(.callAccept(ring), from: home.kitchen)
        #expect(
            outputs.messages(to: home.kitchen) == [
                .callHangup(call, .door, by: home.kitchenParty),
                .callAccepted(ring, by: home.kitchenParty, continues: nil),
            ])
        #expect(outputs.messages(to: home.study).first == .callHangup(call, .door, by: home.kitchenParty))
        #expect(outputs.acts == [.ringingChanged(false), .startSession(ring, home.kitchen)])

        home = Home()
        call = try home.ring()
        outputs = home.house.send(.callInitiate(recipient: .door), from: home.study)
        #expect(outputs.messages(to: home.kitchen) == [.callHangup(call, .door, by: home.studyParty)])
        #expect(outputs.accepted(by: home.study) != nil)
        #expect(home.house.hub.directCallCount == 0)
    }

    @Test func aDoorThatIsBusyLeavesTheTwoToThemselves() throws {
        var home = Home { $0.maximumCalls = 1 }
        _ = try home.talk()
        _ = try home.house.watch(home.hall)
        #expect(home.house.send(.callInitiate(recipient: .door), from: home.study).errors(to: home.study) == [.busy])
        #expect(home.house.hub.directCallCount == 1)
    }

    @Test func whoComesBackInTimeTalksOnUnderAnotherIdentifier() throws {
        var home = Home()
        let call = try home.talk()
        let secret = try home.house.resumption(of: home.study)
        var outputs = home.house.handle(.viewerDisconnected(home.study))
        #expect(outputs.members(toldTo: home.kitchen)?.map(\.isAway) == [false, true])
        home.house.pass(.seconds(3))
        let back = home.house.open("Somebody")
        outputs = home.house.send(.callResume(secret, keepsMedia: true), from: back)
        #expect(outputs.messages(to: back) == [.callResumed(call, elapsed: .seconds(5))])
        for viewer in [home.kitchen, back] {
            #expect(
                outputs.members(toldTo: viewer)
                    == [Member(id: home.kitchen, name: "Kitchen"), Member(id: back, name: "Study")])
        }
        #expect(outputs.acts.isEmpty)
        #expect(
            home.house.send(.callResume(secret, keepsMedia: true), from: home.hall).errors(to: home.hall)
                == [.unknownCall], "a secret is of use once")
        home.house.pass(.seconds(60))
        #expect(home.house.hub.directCallCount == 1)
    }

    @Test func aPageThatResumesBeforeItsOldConnectionIsMissedTakesItsPlace() throws {
        var home = Home()
        let call = try home.talk()
        let secret = try home.house.resumption(of: home.kitchen)
        let back = home.house.open("Somebody")
        let outputs = home.house.send(.callResume(secret, keepsMedia: false), from: back)
        #expect(outputs.acts == [.disconnect(home.kitchen, "the call was resumed by another connection")])
        #expect(outputs.messages(to: back).first == .callResumed(call, elapsed: .seconds(2)))
        #expect(outputs.members(toldTo: home.study)?.map(\.id) == [back, home.study])
    }

    @Test func whoDoesNotComeBackIsWaitedForNoLongerThanTheGraceTime() throws {
        var home = Home()
        let call = try home.talk()
        home.house.handle(.viewerDisconnected(home.study))
        #expect(home.house.pass(.milliseconds(9999)).messages(to: home.kitchen).isEmpty)
        let outputs = home.house.pass(.milliseconds(1))
        #expect(outputs.messages(to: home.kitchen) == [.callHangup(call, .connectionLost, by: home.studyParty)])
    }

    @Test func whoIsSentAwayIsNotWaitedFor() throws {
        var home = Home()
        let call = try home.talk()
        let outputs = home.house.handle(.viewerExpelled(home.study))
        #expect(outputs.messages(to: home.kitchen) == [.callHangup(call, .hangup, by: home.studyParty)])
        #expect(home.house.hub.viewerCount == 2)
    }

    @Test func aCallBetweenViewersEndsAtItsLongest() throws {
        var home = Home { $0.maxCallDuration = .seconds(60) }
        let call = try home.talk()
        #expect(home.house.pass(.milliseconds(58_999)).messages(to: home.study).isEmpty)
        let outputs = home.house.pass(.milliseconds(1))
        for viewer in [home.kitchen, home.study] {
            #expect(outputs.messages(to: viewer) == [.callHangup(call, .maxDuration, by: nil)])
        }
    }

    @Test func presenceTellsWhoCanBeCalled() throws {
        var home = Home()
        home.house.send(.presence(name: "Hall"), from: home.hall)
        #expect(home.availabilities() == ["Hall": "none", "Kitchen": "free", "Study": "free"])
        let call = try home.ring()
        #expect(home.availabilities() == ["Hall": "none", "Kitchen": "busy", "Study": "busy"])
        home.house.send(.callReject(call), from: home.study)
        #expect(home.availabilities() == ["Hall": "none", "Kitchen": "free", "Study": "free"])
        _ = try home.house.watch(home.study)
        #expect(home.availabilities() == ["Hall": "none", "Kitchen": "free", "Study": "busy"])
    }

    @Test func aNewNameIsToldToTheOtherOfTheTwo() throws {
        var home = Home()
        _ = try home.talk()
        let outputs = home.house.send(.presence(name: "Attic", takesCalls: true), from: home.study)
        #expect(outputs.members(toldTo: home.kitchen)?.map(\.name) == ["Kitchen", "Attic"])
    }
}
