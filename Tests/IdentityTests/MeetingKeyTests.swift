import FoundationEssentials
import Identity
import Testing
import Wire

/// Devices that are known by a public key.
@Suite struct MeetingKeyTests {
    private let random = SeededRandomSource(seed: 7)
    private let hashing = PlainHashing()
    private let start = Timestamp(seconds: 1_800_000_000)
    private let key = [UInt8](repeating: 5, count: 32)
    private var household: Household
    private let owner: Household.Entry

    init() throws {
        household = Household(random: random)
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        owner = try household.pair(
            code: code, name: "Anna", device: "Phone", random: random, hashing: hashing, at: start)
    }

    private mutating func guest(until end: Timestamp) throws -> Household.Entry {
        let invitation = try household.invite(
            for: .newcomer(name: "Gus", role: .guest(until: end)), by: owner.person, random: random, hashing: hashing,
            at: start)
        return try household.join(
            invitation: invitation.secret, device: "Phone", random: random, hashing: hashing, at: start)
    }

    private func caller(_ key: [UInt8]? = nil, at now: Timestamp? = nil) -> Caller? {
        household.caller(holding: key ?? self.key, at: now ?? start)
    }

    @Test mutating func `Nobody is known by a key until a device has it, and then that device is`() throws {
        #expect(caller() == nil)
        #expect(!household.hasMeetingKey(owner.session.id))
        try household.setMeetingKey(key, of: owner.session.id)
        #expect(household.hasMeetingKey(owner.session.id))
        #expect(caller() == .person(owner.person, owner.session.id))
        #expect(caller([UInt8](repeating: 6, count: 32)) == nil)
        #expect(caller([]) == nil)
    }

    @Test mutating func `A device has one key, and a new one takes the place of the old`() throws {
        let other = [UInt8](repeating: 6, count: 32)
        try household.setMeetingKey(key, of: owner.session.id)
        try household.setMeetingKey(other, of: owner.session.id)
        #expect(caller() == nil)
        #expect(caller(other) != nil)
    }

    @Test mutating func `A person's key goes along to another session, and is nobody else's`() throws {
        try household.setMeetingKey(key, of: owner.session.id)
        let code = household.makePairingCode(random: random, hashing: hashing, at: start)
        let again = try household.pair(
            code: code, name: nil, device: "Phone", random: random, hashing: hashing, at: start)
        try household.setMeetingKey(key, of: again.session.id)
        #expect(caller() == .person(owner.person, again.session.id))
        let guest = try guest(until: start + .seconds(60))
        #expect(throws: IdentityError.keyInUse) { try household.setMeetingKey(key, of: guest.session.id) }
        #expect(caller() == .person(owner.person, again.session.id))
    }

    @Test mutating func `A key ends with its device, its person, and a guest's time`() throws {
        let end = start + .seconds(60)
        let guest = try guest(until: end)
        try household.setMeetingKey(key, of: guest.session.id)
        #expect(caller(at: start + .seconds(59)) != nil)
        #expect(caller(at: end) == nil)
        try household.remove(guest.session.id)
        #expect(caller() == nil)
        #expect(throws: IdentityError.unknown) { try household.setMeetingKey(key, of: guest.session.id) }
    }

    @Test mutating func `A file from before there were keys is read, and one with keys is kept`() throws {
        let old = try JSONEncoder().encode(household.record)
        #expect(!String(decoding: old, as: UTF8.self).contains("meetingKey"))
        #expect(try JSONDecoder().decode(HouseholdRecord.self, from: old) == household.record)
        try household.setMeetingKey(key, of: owner.session.id)
        let new = try JSONDecoder().decode(HouseholdRecord.self, from: JSONEncoder().encode(household.record))
        #expect(Household(record: new).caller(holding: key, at: start) == .person(owner.person, owner.session.id))
    }
}
