import Calls
import Testing
import Wire

@Suite struct MissedRingTests {
    @Test func aRingNobodyAnsweredIsToldToWhoComesLater() throws {
        var house = House()
        let ring = try house.press(at: 5)
        house.pass(.seconds(40))
        let late = ParticipantID("late")
        #expect(
            house.handle(.viewerConnected(late)).messages(to: late).last == .missed([MissedRing(call: ring, at: 5)]))
    }

    @Test func whatSomebodySawIsNewsToNobody() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        let study = house.open("Study")
        var rings: [MissedRing] = []
        for at in 1...3 {
            rings.append(MissedRing(call: try house.press(at: Int64(at)), at: Int64(at)))
            house.pass(.seconds(30))
        }
        let outputs = house.send(.missedSeen(rings[1].call), from: kitchen)
        #expect(outputs.messages(to: kitchen) == [.missed([rings[2]])])
        #expect(outputs.messages(to: study) == [.missed([rings[2]])])
        #expect(house.send(.missedSeen(rings[0].call), from: study).isEmpty, "that was seen before")
        #expect(house.send(.missedSeen(rings[2].call), from: study).messages(to: kitchen) == [.missed([])])
        let late = ParticipantID("late")
        #expect(house.handle(.viewerConnected(late)).messages(to: late).count == 1, "nothing but the welcome")
    }

    @Test func aRingThatWasAnsweredOrDeclinedIsNotMissed() throws {
        var house = House()
        let kitchen = house.open("Kitchen")
        house.send(.callReject(try house.press()), from: kitchen)
        house.send(.callAccept(try house.press()), from: kitchen)
        let late = ParticipantID("late")
        #expect(house.handle(.viewerConnected(late)).messages(to: late).count == 1)
    }

    @Test func theOldestAreForgottenWhereTheyAreTooMany() throws {
        var house = House { $0.maximumMissed = 3 }
        for at in 1...5 {
            _ = try house.press(at: Int64(at))
            house.pass(.seconds(30))
        }
        let late = ParticipantID("late")
        guard case .missed(let rings) = house.handle(.viewerConnected(late)).messages(to: late).last else {
            return #expect(Bool(false), "what was missed is told")
        }
        #expect(rings.map(\.at) == [3, 4, 5])
    }
}
