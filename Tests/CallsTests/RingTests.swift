import Calls
import Testing
import Wire

@Suite struct RingTests {
    @Test func aPressRingsEveryPage() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        let outputs = house.handle(.buttonPressed(wallClock: 1_764_000_000_000))
        for viewer in [kitchen, study] {
            guard
                case .callIncoming(_, House.door, at: 1_764_000_000_000, expiresIn: .seconds(30)) =
                    outputs.messages(to: viewer).first
            else { return #expect(Bool(false), "\(viewer) rings") }
        }
        #expect(outputs.acts == [.ringingChanged(true)])
        #expect(house.hub.isRinging)
    }

    @Test func theFirstAnswerHasTheCallAndTheOthersAreTold() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        let ring = try house.press()
        house.pass(.seconds(3))
        let outputs = house.send(.callAccept(ring), from: kitchen)
        let party = Party(id: kitchen, name: "Kitchen")
        for viewer in [kitchen, study] {
            #expect(outputs.messages(to: viewer) == [.callAccepted(ring, by: party, continues: nil)])
        }
        #expect(outputs.acts == [.ringingChanged(false), .startSession(ring, kitchen)])
        #expect(outputs.contains(.log(.answered(ring, by: party, after: .seconds(3)))))
        let late = house.send(.callAccept(ring), from: study)
        #expect(late.errors(to: study) == [.alreadyAnswered])
        #expect(late.acts.isEmpty)
        #expect(
            house.send(.callReject(ring), from: study).isEmpty, "a decline that crossed with the answer is no mistake")
        #expect(house.send(.callHangup(ring), from: study).errors(to: study) == [.unknownCall])
    }

    @Test func whoeverAnswersDuringACallStaysOnThatCall() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        let call = try house.watch(kitchen)
        let ring = try house.press()
        let outputs = house.send(.callAccept(ring), from: kitchen)
        let party = Party(id: kitchen, name: "Kitchen")
        #expect(outputs.messages(to: kitchen) == [.callAccepted(ring, by: party, continues: call)])
        #expect(outputs.messages(to: study) == [.callAccepted(ring, by: party, continues: nil)])
        #expect(outputs.acts == [.ringingChanged(false)])
        #expect(house.hub.callCount == 1)
        #expect(house.send(.callHangup(ring), from: kitchen).errors(to: kitchen) == [.unknownCall])
        #expect(house.send(.callHangup(call), from: kitchen).acts == [.endSession(call, .hangup)])
    }

    @Test func aRingNobodyAnswersEndsInTime() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let ring = try house.press()
        #expect(house.pass(.milliseconds(29_999)).isEmpty)
        let outputs = house.pass(.milliseconds(1))
        #expect(
            outputs.messages(to: viewer) == [
                .callHangup(ring, .unanswered, by: nil), .missed([MissedRing(call: ring, at: 1_764_000_000_000)]),
            ])
        #expect(outputs.acts == [.ringingChanged(false)])
        #expect(house.send(.callAccept(ring), from: viewer).errors(to: viewer) == [.unknownCall])
        #expect(house.send(.callReject(ring), from: viewer).isEmpty)
    }

    @Test func aRingThatRanOutCannotBeAnsweredThoughItsTimerIsLate() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let ring = try house.press()
        house.now += .seconds(31)
        let outputs = house.send(.callAccept(ring), from: viewer)
        #expect(outputs.messages(to: viewer).first == .callHangup(ring, .unanswered, by: nil))
        #expect(outputs.errors(to: viewer) == [.unknownCall])
        #expect(house.hub.callCount == 0)
    }

    @Test func aRingThatEveryoneDeclinesEnds() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        let ring = try house.press()
        #expect(house.send(.callReject(ring), from: kitchen).acts.isEmpty)
        #expect(house.send(.callReject(ring), from: kitchen).isEmpty, "declining twice is once")
        #expect(house.hub.isRinging)
        let outputs = house.send(.callReject(ring), from: study)
        for viewer in [kitchen, study] {
            #expect(outputs.messages(to: viewer) == [.callHangup(ring, .rejected, by: nil)])
        }
        #expect(outputs.acts == [.ringingChanged(false)])
    }

    @Test func whoDeclinedMayChangeHisMindWhileItRings() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        _ = house.open("Study")
        let ring = try house.press()
        house.send(.callReject(ring), from: kitchen)
        #expect(
            house.send(.callAccept(ring), from: kitchen).acts == [.ringingChanged(false), .startSession(ring, kitchen)])
    }

    @Test func whoLeavesIsNotWaitedFor() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        let ring = try house.press()
        house.handle(.viewerDisconnected(study))
        let outputs = house.send(.callReject(ring), from: kitchen)
        #expect(outputs.messages(to: kitchen) == [.callHangup(ring, .rejected, by: nil)])
    }

    @Test func theLastOneGoneDoesNotEndTheRingAndWhoComesIsRung() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let ring = try house.press()
        #expect(house.handle(.viewerDisconnected(kitchen)).acts.isEmpty)
        #expect(house.hub.isRinging)
        house.pass(.seconds(10))
        let study = ParticipantID("study")
        let messages = house.handle(.viewerConnected(study)).messages(to: study)
        #expect(messages.count == 2)
        #expect(messages.last == .callIncoming(ring, from: House.door, at: 1_764_000_000_000, expiresIn: .seconds(20)))
        #expect(
            house.send(.callAccept(ring), from: study).acts == [.ringingChanged(false), .startSession(ring, study)])
    }

    @Test func whoCameWhileItRangIsWaitedForToo() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let ring = try house.press()
        let study = house.open("Study")
        #expect(house.send(.callReject(ring), from: kitchen).acts.isEmpty)
        #expect(house.hub.isRinging)
        #expect(house.send(.callReject(ring), from: study).acts == [.ringingChanged(false)])
    }

    @Test func aPressWithNobodyThereRingsUntilItsTime() throws {
        var house = House()
        _ = try house.press()
        #expect(house.pass(.seconds(29)).isEmpty)
        #expect(house.pass(.seconds(1)).acts == [.ringingChanged(false)])
        #expect(house.hub.deadline == nil)
    }

    @Test func aSecondPressProlongsNothing() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let ring = try house.press()
        house.pass(.seconds(20))
        let outputs = house.handle(.buttonPressed(wallClock: 5))
        #expect(outputs == [.log(.pressedWhileRinging(ring))])
        #expect(house.pass(.seconds(10)).messages(to: viewer).first == .callHangup(ring, .unanswered, by: nil))
    }

    @Test func thePressAfterARingRingsAnew() throws {
        var house = House()
        let viewer = house.open("Kitchen")
        let first = try house.press()
        house.send(.callAccept(first), from: viewer)
        let second = try house.press()
        #expect(second != first)
        #expect(house.send(.callAccept(first), from: viewer).errors(to: viewer) == [.alreadyAnswered])
        #expect(house.hub.isRinging)
    }

    @Test func aDoorThatIsBusyRingsOnForThoseWhoAreInACall() throws {
        var house = House { $0.maximumCalls = 1 }
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        let call = try house.watch(kitchen)
        let ring = try house.press()
        #expect(house.send(.callAccept(ring), from: study).errors(to: study) == [.busy])
        #expect(house.hub.isRinging)
        let accepted = house.send(.callAccept(ring), from: kitchen).messages(to: kitchen)
        #expect(accepted == [.callAccepted(ring, by: Party(id: kitchen, name: "Kitchen"), continues: call)])
    }
}
