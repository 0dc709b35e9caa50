import Calls
import Testing
import Wire

/// Two at home whose pages take calls, and a third who does not matter.
struct Home {
    var house: House
    let kitchen: ParticipantID
    let study: ParticipantID
    let hall: ParticipantID
    let kitchenParty: Party
    let studyParty: Party

    init(_ change: (inout CallHub.Configuration) -> Void = { _ in }) {
        house = House(change)
        kitchen = house.open("Kitchen")
        study = house.open("Study")
        hall = house.open("Hall")
        for (viewer, name) in [(kitchen, "Kitchen"), (study, "Study"), (hall, "Hall")] {
            house.send(.presence(name: name, takesCalls: true), from: viewer)
        }
        kitchenParty = Party(id: kitchen, name: "Kitchen")
        studyParty = Party(id: study, name: "Study")
        house.pass(.seconds(1))
    }

    /// The kitchen calls the study, whose page rings.
    mutating func ring() throws -> CallID {
        let outputs = house.send(.callInitiate(recipient: study), from: kitchen)
        return try #require(outputs.rung(by: kitchen))
    }

    /// The kitchen talks to the study.
    mutating func talk() throws -> CallID {
        let call = try ring()
        house.send(.callAccept(call), from: study)
        house.pass(.seconds(1))
        return call
    }

    /// What everybody was told last of who can be called.
    mutating func availabilities() -> [String: String] {
        house.pass(.seconds(1))
        for case .presence(let list, _) in house.outputs.allMessages(to: hall).reversed() {
            let viewers = list.filter { $0.kind == .viewer }
            return Dictionary(uniqueKeysWithValues: viewers.map { ($0.name, $0.availability?.rawValue ?? "none") })
        }
        return [:]
    }
}

extension [HubOutput] {
    /// The call by which `viewer` was told to ring another.
    func rung(by viewer: ParticipantID) -> CallID? {
        for case .callRinging(let call, _, _) in messages(to: viewer) { return call }
        return nil
    }
}
