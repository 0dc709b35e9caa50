import Identity

/// The household as `GET /api/people` shows it; times in seconds since 1970.
struct HouseholdView: Encodable {
    struct PersonView: Encodable {
        let id: String
        let name: String
        /// `owner`, `member` or `guest`.
        let role: String
        /// When a guest's time ends; absent for others.
        let until: Int64?
        let isYou: Bool
        let devices: [DeviceView]
    }

    struct DeviceView: Encodable {
        let id: String
        let name: String
        /// When it was last used, to within a day.
        let lastSeen: Int64
        /// Whether this answer goes to it.
        let isThis: Bool
    }

    struct ProgramView: Encodable {
        let id: String
        let name: String
        /// Absent for never.
        let lastSeen: Int64?
    }

    struct InvitationView: Encodable {
        let id: String
        /// Who is invited.
        let name: String
        /// Absent where it is for another device of somebody who is here.
        let role: String?
        let expires: Int64
    }

    let people: [PersonView]
    let programs: [ProgramView]
    let invitations: [InvitationView]

    init(_ household: Household, for caller: Caller, at now: Timestamp) {
        let record = household.record
        people = record.people.map { person in
            PersonView(
                id: person.id.rawValue, name: person.name, role: person.role.word, until: person.role.end,
                isYou: caller.person == person.id,
                devices: record.devices.filter { $0.person == person.id }.map { device in
                    DeviceView(
                        id: device.id.rawValue, name: device.name, lastSeen: device.lastSeen.seconds,
                        isThis: caller == .person(person.id, device.id))
                })
        }
        programs = record.programs.map {
            ProgramView(id: $0.id.rawValue, name: $0.name, lastSeen: $0.lastSeen?.seconds)
        }
        invitations = record.invitations.filter { $0.expires > now }.map { invitation in
            switch invitation.purpose {
            case .newcomer(let name, let role):
                InvitationView(
                    id: invitation.id.rawValue, name: name, role: role.word, expires: invitation.expires.seconds)
            case .device(let person):
                InvitationView(
                    id: invitation.id.rawValue, name: household.person(person)?.name ?? "", role: nil,
                    expires: invitation.expires.seconds)
            }
        }
    }

    /// The household as `doorward people` prints it.
    var text: String {
        var lines: [String] = []
        for person in people {
            lines.append("\(person.id)  \(person.name), \(person.role)")
            lines += person.devices.map { "    \($0.id)  \($0.name)" }
        }
        lines += programs.map { "\($0.id)  \($0.name), a program" }
        lines += invitations.map { "\($0.id)  an invitation for \($0.name)" }
        return lines.isEmpty ? "nobody has paired yet" : lines.joined(separator: "\n")
    }
}

extension Caller {
    /// The person, where it is one.
    var person: PersonID? { if case .person(let id, _) = self { id } else { nil } }
}

extension Role {
    /// As it stands in JSON.
    var word: String {
        switch self {
        case .owner: "owner"
        case .member: "member"
        case .guest: "guest"
        }
    }

    /// When a guest's time ends, in seconds since 1970.
    var end: Int64? { if case .guest(let until) = self { until.seconds } else { nil } }
}
