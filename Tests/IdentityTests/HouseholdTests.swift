import Identity
import Testing
import Wire

@Suite struct HouseholdTests {
    private let random = SeededRandomSource(seed: 7)
    private let hashing = PlainHashing()
    private let start = Timestamp(seconds: 1_800_000_000)
    private var household: Household

    init() {
        household = Household(random: random)
    }

    private mutating func pairOwner(at now: Timestamp? = nil) throws -> Household.Entry {
        let code = household.makePairingCode(random: random, hashing: hashing, at: now ?? start)
        return try pair(code, name: "Anna", at: now)
    }

    private mutating func pair(
        _ code: String, name: String? = nil, at now: Timestamp? = nil
    ) throws(IdentityError) -> Household.Entry {
        try household.pair(
            code: code, name: name, device: "Firefox, Linux", random: random, hashing: hashing, at: now ?? start)
    }

    private mutating func invite(
        _ purpose: Invitation.Purpose, by owner: PersonID, at now: Timestamp? = nil
    ) throws(IdentityError) -> String {
        try household.invite(for: purpose, by: owner, random: random, hashing: hashing, at: now ?? start).secret
    }

    private mutating func join(_ secret: String, at now: Timestamp? = nil) throws(IdentityError) -> Household.Entry {
        try household.join(
            invitation: secret, device: "Chrome, Android", random: random, hashing: hashing, at: now ?? start)
    }

    private func caller(_ credential: Credential, at now: Timestamp? = nil) -> Caller? {
        household.caller(showing: credential, by: hashing, at: now ?? start)
    }

    private func permissions(of entry: Household.Entry, at now: Timestamp? = nil) -> Set<Permission> {
        caller(.session(entry.session.secret), at: now).map { household.permissions(of: $0, at: now ?? start) } ?? []
    }

    // MARK: Pairing

    @Test mutating func `The first to pair is the owner, and the code is used up`() throws {
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        let owner = try pair(code, name: "  Anna ")
        #expect(household.person(owner.person)?.name == "Anna")
        #expect(permissions(of: owner) == Set(Permission.allCases))
        #expect(throws: IdentityError.wrongCode) { try pair(code, name: "Eve") }
    }

    @Test mutating func `Whoever pairs first says their name, and the code waits for it`() throws {
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        #expect(throws: IdentityError.nameWanted) { try pair(code) }
        #expect(throws: IdentityError.badName) { try pair(code, name: " \n") }
        #expect(throws: IdentityError.wrongCode) { try pair("0000-0000", name: "Anna") }
    }

    @Test mutating func `A code after the first is another device of the owner's, for some minutes`() throws {
        let owner = try pairOwner()
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        let again = try pair(code)
        #expect(again.person == owner.person)
        #expect(again.session.id != owner.session.id)
        let late = household.makePairingCode(random: random, hashing: hashing, at: start)
        #expect(throws: IdentityError.wrongCode) { try pair(late, at: start + .seconds(15 * 60)) }
    }

    @Test mutating func `The first code waits as long as it takes`() throws {
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        _ = try pair(code, name: "Anna", at: start + .seconds(365 * 86_400))
    }

    @Test mutating func `A code is understood however it is typed`() throws {
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        #expect(code.count == 9)
        let typed = code.lowercased().replacing("-", with: " ").replacing("0", with: "o").replacing("1", with: "l")
        _ = try pair(typed, name: "Anna")
    }

    @Test mutating func `A new code takes the place of the one before`() throws {
        let first = household.makePairingCode(random: random, hashing: hashing, at: start)
        let second = household.makePairingCode(random: random, hashing: hashing, at: start)
        #expect(throws: IdentityError.wrongCode) { try pair(first, name: "Anna") }
        _ = try pair(second, name: "Anna")
    }

    // MARK: Invitations

    @Test mutating func `An invitation works once`() throws {
        let owner = try pairOwner()
        let secret = try invite(.newcomer(name: "Ben", role: .member), by: owner.person)
        let member = try join(secret)
        #expect(household.person(member.person)?.name == "Ben")
        #expect(permissions(of: member) == [.call, .operate, .inspect])
        #expect(throws: IdentityError.wrongInvitation) { try join(secret) }
    }

    @Test mutating func `An invitation is too old after a week`() throws {
        let owner = try pairOwner()
        let secret = try invite(.newcomer(name: "Ben", role: .member), by: owner.person)
        #expect(throws: IdentityError.wrongInvitation) { try join(secret, at: start + .seconds(7 * 86_400)) }
    }

    @Test mutating func `A guest watches and talks until the date`() throws {
        let owner = try pairOwner()
        let end = start + .seconds(3600)
        let guest = try join(try invite(.newcomer(name: "Gus", role: .guest(until: end)), by: owner.person))
        #expect(permissions(of: guest) == [.call])
        #expect(household.nextEnd(after: start) == end)
        #expect(permissions(of: guest, at: end).isEmpty)
        #expect(household.nextEnd(after: end) == nil)
        #expect(throws: IdentityError.badEnd) {
            try invite(.newcomer(name: "Gus", role: .guest(until: start)), by: owner.person)
        }
    }

    @Test mutating func `A device can be invited for somebody who is here`() throws {
        let owner = try pairOwner()
        let entry = try join(try invite(.device(of: owner.person), by: owner.person))
        #expect(entry.person == owner.person)
        #expect(throws: IdentityError.unknown) { try invite(.device(of: PersonID("nobody")), by: owner.person) }
    }

    // MARK: Sessions and tokens

    @Test mutating func `A session that is used goes on, and one that is not ends`() throws {
        let owner = try pairOwner()
        let later = start + .seconds(179 * 86_400)
        let seen = try #require(caller(.session(owner.session.secret), at: later))
        #expect(household.isUseNews(of: seen, at: later))
        household.noteUse(of: seen, at: later)
        #expect(!household.isUseNews(of: seen, at: later + .seconds(3600)))
        #expect(caller(.session(owner.session.secret), at: later + .seconds(179 * 86_400)) != nil)
        #expect(caller(.session(owner.session.secret), at: later + .seconds(180 * 86_400)) == nil)
    }

    @Test mutating func `A token opens what programs may, and a session is none`() throws {
        let owner = try pairOwner()
        let token = try household.addProgram(
            "Home", by: nil, random: random, hashing: hashing, at: start)
        let program = try #require(caller(.bearer(token.secret)))
        #expect(household.permissions(of: program, at: start) == [.call, .inspect])
        #expect(caller(.session(token.secret)) == nil)
        #expect(caller(.bearer(owner.session.secret)) == nil)
        try household.remove(named: "Home")
        #expect(caller(.bearer(token.secret)) == nil)
    }

    @Test mutating func `Of one person's devices the one not used for longest gives way`() throws {
        let owner = try pairOwner()
        for day in 1...20 {
            let now = start + .seconds(day * 86_400)
            _ = try join(try invite(.device(of: owner.person), by: owner.person, at: now), at: now)
        }
        #expect(household.record.devices.count == 20)
        #expect(caller(.session(owner.session.secret)) == nil)
    }

    // MARK: Sending away

    @Test mutating func `Who is removed takes devices, invitations and tokens along`() throws {
        let first = try pairOwner()
        let second = try join(try invite(.newcomer(name: "Ben", role: .owner), by: first.person))
        let token = try household.addProgram(
            "Ben's", by: second.person, random: random, hashing: hashing, at: start)
        let secret = try invite(.newcomer(name: "Cem", role: .owner), by: second.person)
        try household.remove(second.person)
        #expect(permissions(of: second).isEmpty)
        #expect(caller(.bearer(token.secret)) == nil)
        #expect(throws: IdentityError.wrongInvitation) { try join(secret) }
        #expect(!permissions(of: first).isEmpty)
    }

    @Test mutating func `The last owner stays`() throws {
        let owner = try pairOwner()
        #expect(throws: IdentityError.lastOwner) { try household.remove(owner.person) }
        #expect(throws: IdentityError.unknown) { try household.remove(PersonID("nobody")) }
    }

    @Test(arguments: ["", "   ", "a\nb", "\u{202E}x", String(repeating: "x", count: 65)])
    mutating func `A name that others cannot be shown is refused`(name: String) throws {
        let owner = try pairOwner()
        #expect(throws: IdentityError.badName) {
            try invite(.newcomer(name: name, role: .member), by: owner.person)
        }
    }
}
