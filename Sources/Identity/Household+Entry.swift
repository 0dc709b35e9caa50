public import Wire

/// Coming in: by a pairing code, by an invitation.
extension Household {
    /// Somebody who has come in: who, and the session of the device.
    public struct Entry: Sendable {
        /// Who came in.
        public let person: PersonID
        /// The session: the device's name and its secret.
        public let session: Issued<Device>
    }

    /// Makes a pairing code, in place of one before. The first owner's waits for as long as it takes; one for a further
    /// device of an owner only some minutes. Whoever asks for it stands at the device itself, which is authority enough.
    public mutating func makePairingCode(
        random: any RandomSource, hashing: some SecretHashing, at now: Timestamp
    ) -> String {
        let code = HumanText.text(from: random, count: Limits.codeCharacters)
        let salt = random.bytes(16)
        record.pairing = Pairing(
            expires: isNew ? nil : now + Limits.codeLife, salt: HexadecimalBytes(salt),
            stretched: HexadecimalBytes(hashing.stretch(Array(code.utf8), salt: salt)))
        return "\(code.prefix(4))-\(code.suffix(4))"
    }

    /// Lets in whoever knows the pairing code: the first to come becomes the owner, after that it is another device of
    /// the first owner's. A code works once. Who calls this has asked `GuessThrottle` first.
    public mutating func pair(
        code: String, name: String?, device: String, random: any RandomSource, hashing: some SecretHashing,
        at now: Timestamp
    ) throws(IdentityError) -> Entry {
        guard let pairing = record.pairing, pairing.expires.map({ now < $0 }) ?? true,
            let canonical = HumanText.canonical(code, count: Limits.codeCharacters),
            HexadecimalBytes.areEqual(
                hashing.stretch(Array(canonical.utf8), salt: pairing.salt.bytes), pairing.stretched.bytes)
        else { throw .wrongCode }
        let owner: PersonID
        if let first = record.people.first(where: { $0.role == .owner }) {
            owner = first.id
        } else {
            guard let name else { throw .nameWanted }
            owner = try add(name, .owner, random: random, at: now)
        }
        record.pairing = nil
        return try signIn(owner, on: device, random: random, hashing: hashing, at: now)
    }

    /// Invites: makes a link's secret that lets one person in, or one device.
    public mutating func invite(
        for purpose: Invitation.Purpose, by owner: PersonID, random: any RandomSource, hashing: some SecretHashing,
        at now: Timestamp
    ) throws(IdentityError) -> Issued<Invitation> {
        let checked: Invitation.Purpose
        switch purpose {
        case .newcomer(let name, let role):
            if case .guest(let end) = role, end <= now || end > now + Limits.longestStay { throw .badEnd }
            checked = .newcomer(name: try Self.checked(name), role: role)
        case .device(let person):
            guard self.person(person) != nil else { throw .unknown }
            checked = purpose
        }
        record.invitations.removeAll { $0.expires <= now }
        guard record.invitations.count < Limits.invitations else { throw .full }
        let secret = RandomSecret.text(from: random)
        let invitation = Invitation(
            id: .random(from: random), purpose: checked, expires: now + Limits.invitationLife, by: owner,
            secret: SecretDigest(of: secret, by: hashing))
        record.invitations.append(invitation)
        return Issued(id: invitation.id, secret: secret)
    }

    /// Lets in whoever has the link. It works once. There is no throttle here: nobody guesses 256 bits, and a stranger
    /// behind the same address must not keep a guest from using theirs.
    public mutating func join(
        invitation secret: String, device: String, random: any RandomSource, hashing: some SecretHashing,
        at now: Timestamp
    ) throws(IdentityError) -> Entry {
        guard let index = index(ofInvitation: secret, by: hashing, at: now) else { throw .wrongInvitation }
        let invitation = record.invitations.remove(at: index)
        let person: PersonID
        switch invitation.purpose {
        case .newcomer(let name, let role): person = try add(name, role, random: random, at: now)
        case .device(let known): person = known
        }
        return try signIn(person, on: device, random: random, hashing: hashing, at: now)
    }

    /// Whether `secret` is that of an invitation that waits.
    public func isInvitation(_ secret: String, by hashing: some SecretHashing, at now: Timestamp) -> Bool {
        index(ofInvitation: secret, by: hashing, at: now) != nil
    }

    private func index(ofInvitation secret: String, by hashing: some SecretHashing, at now: Timestamp) -> Int? {
        let digest = SecretDigest(of: secret, by: hashing)
        return record.invitations.firstIndex { $0.secret == digest && now < $0.expires }
    }

    /// Gives a program a token of its own.
    public mutating func addProgram(
        _ name: String, by owner: PersonID?, random: any RandomSource, hashing: some SecretHashing, at now: Timestamp
    ) throws(IdentityError) -> Issued<Program> {
        let name = try Self.checked(name)
        guard record.programs.count < Limits.programs else { throw .full }
        let secret = RandomSecret.text(from: random)
        let program = Program(
            id: .random(from: random), name: name, since: now, lastSeen: nil, by: owner,
            secret: SecretDigest(of: secret, by: hashing))
        record.programs.append(program)
        return Issued(id: program.id, secret: secret)
    }

    private mutating func add(
        _ name: String, _ role: Role, random: any RandomSource, at now: Timestamp
    ) throws(IdentityError) -> PersonID {
        let name = try Self.checked(name)
        guard record.people.count < Limits.people else { throw .full }
        let person = Person(id: .random(from: random), name: name, role: role, since: now)
        record.people.append(person)
        return person.id
    }

    private mutating func signIn(
        _ person: PersonID, on device: String, random: any RandomSource, hashing: some SecretHashing, at now: Timestamp
    ) throws(IdentityError) -> Entry {
        // of somebody who signs in again and again, the device that was not used for longest gives way
        let known = record.devices.filter { $0.person == person }
        if known.count >= Limits.devices, let oldest = known.min(by: { $0.lastSeen < $1.lastSeen }) {
            record.devices.removeAll { $0.id == oldest.id }
        }
        let secret = RandomSecret.text(from: random)
        let entry = Device(
            id: .random(from: random), person: person, name: try Self.checked(device), since: now, lastSeen: now,
            secret: SecretDigest(of: secret, by: hashing))
        record.devices.append(entry)
        return Entry(person: person, session: Issued(id: entry.id, secret: secret))
    }
}
