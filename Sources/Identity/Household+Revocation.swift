/// Going: whatever let somebody in can be taken back.
extension Household {
    /// Removes a person with all devices, and the invitations and tokens that he made: he may know their secrets.
    public mutating func remove(_ id: PersonID) throws(IdentityError) {
        guard let person = person(id) else { throw .unknown }
        guard person.role != .owner || record.people.count(where: { $0.role == .owner }) > 1 else { throw .lastOwner }
        record.people.removeAll { $0.id == id }
        record.devices.removeAll { $0.person == id }
        record.programs.removeAll { $0.by == id }
        record.invitations.removeAll { $0.by == id || $0.purpose == .device(of: id) }
    }

    /// Signs a device out.
    public mutating func remove(_ id: DeviceID) throws(IdentityError) {
        guard let index = record.devices.firstIndex(where: { $0.id == id }) else { throw .unknown }
        record.devices.remove(at: index)
    }

    /// Takes a program's token back.
    public mutating func remove(_ id: ProgramID) throws(IdentityError) {
        guard let index = record.programs.firstIndex(where: { $0.id == id }) else { throw .unknown }
        record.programs.remove(at: index)
    }

    /// Takes an invitation back.
    public mutating func remove(_ id: InvitationID) throws(IdentityError) {
        guard let index = record.invitations.firstIndex(where: { $0.id == id }) else { throw .unknown }
        record.invitations.remove(at: index)
    }

    /// Removes whatever `text` is the identifier of, or the only program of that name.
    public mutating func remove(named text: String) throws(IdentityError) {
        if person(PersonID(text)) != nil { return try remove(PersonID(text)) }
        if record.devices.contains(where: { $0.id.rawValue == text }) { return try remove(DeviceID(text)) }
        if record.invitations.contains(where: { $0.id.rawValue == text }) { return try remove(InvitationID(text)) }
        let programs = record.programs.filter { $0.id.rawValue == text || $0.name == text }
        guard programs.count == 1 else { throw .unknown }
        try remove(programs[0].id)
    }
}
