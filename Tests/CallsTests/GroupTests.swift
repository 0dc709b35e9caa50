import Calls
import PeerConnection
import Testing
import Wire

@Suite struct GroupTests {
    private static let offer = NegotiationStep.description(RTCSessionDescription(type: .offer, sdp: "v=0"))

    @Test func whoIsInACallKnowsTheOthersInTheOrderOfTheirComing() throws {
        var house = House()
        let study = house.open("Study")
        let kitchen = house.open("Kitchen")
        let hall = house.open("Hall")
        let first = try house.watch(study)
        #expect(house.outputs.members(toldTo: study)?.map(\.id) == [study])
        let outputs = house.send(.callInitiate(recipient: .door), from: kitchen)
        let second = try #require(outputs.accepted(by: kitchen))
        let members = [Member(id: study, name: "Study"), Member(id: kitchen, name: "Kitchen")]
        #expect(outputs.allMessages(to: study).contains(.callMembers(first, members)))
        #expect(outputs.allMessages(to: kitchen).contains(.callMembers(second, members)))
        #expect(outputs.members(toldTo: hall) == nil, "who is in no call is told of no members")
        #expect(house.send(.callHangup(first), from: study).members(toldTo: kitchen)?.map(\.id) == [kitchen])
    }

    @Test func whoAnswersARingJoinsThoseWhoWatch() throws {
        var house = House()
        let study = house.open("Study")
        let kitchen = house.open("Kitchen")
        _ = try house.watch(study)
        let ring = try house.press()
        let outputs = house.send(.callAccept(ring), from: kitchen)
        #expect(outputs.members(toldTo: study)?.map(\.id) == [study, kitchen])
        #expect(outputs.members(toldTo: kitchen)?.map(\.id) == [study, kitchen])
        #expect(outputs.acts == [.ringingChanged(false), .startSession(ring, kitchen)])
    }

    @Test func aNewNameIsToldToTheOtherMembers() throws {
        var house = House()
        let study = house.open("Study")
        let kitchen = house.open("Kitchen")
        _ = try house.watch(study)
        _ = try house.watch(kitchen)
        var outputs = house.send(.presence(name: "Attic"), from: study)
        outputs += house.pass(.seconds(1))
        #expect(outputs.members(toldTo: kitchen)?.map(\.name) == ["Attic", "Kitchen"])
    }

    @Test func membersNegotiateWithOneAnotherEachInHisOwnCall() throws {
        var house = House()
        let study = house.open("Study")
        let kitchen = house.open("Kitchen")
        let first = try house.watch(study)
        let second = try house.watch(kitchen)
        for step in [GroupTests.offer, .candidate(nil)] {
            #expect(
                house.send(.negotiation(first, recipient: kitchen, step), from: study)
                    == [.send(.negotiation(second, sender: study, step), to: kitchen)])
        }
    }

    @Test func whoIsInNoCallHearsNothingOfMembers() throws {
        var house = House()
        let study = house.open("Study")
        let kitchen = house.open("Kitchen")
        let call = try house.watch(study)
        for absent in [kitchen, ParticipantID("nobody")] {
            let outputs = house.send(.negotiation(call, recipient: absent, GroupTests.offer), from: study)
            #expect(
                outputs.messages(to: study) == [
                    .callError(
                        .recipientOffline, message: "nobody of this name is in the call", call: call,
                        inReplyTo: "call-offer")
                ])
            #expect(outputs.allMessages(to: kitchen).isEmpty)
            #expect(
                house.send(.negotiation(call, recipient: absent, .candidate(nil)), from: study).isEmpty,
                "a candidate for somebody who is gone is dropped in silence")
        }
        #expect(
            house.send(.negotiation(call, recipient: study, GroupTests.offer), from: study).errors(to: study)
                == [.notAllowed])
        // and who is in no call tells the members nothing
        let stranger = house.send(.negotiation(call, recipient: study, GroupTests.offer), from: kitchen)
        #expect(stranger.errors(to: kitchen) == [.unknownCall])
        #expect(stranger.allMessages(to: study).isEmpty)
    }
}
