import Testing
import Wire

@testable import Identity

/// A household lived in at random: whatever the order, what is used up and what was taken back never opens anything again.
@Suite struct InterleavingTests {
    /// What the test knows of the secrets that were given out, by the rules and not by the code under test.
    private struct World {
        let random: SeededRandomSource
        let hashing = PlainHashing()
        var household: Household
        var now = Timestamp(seconds: 1_800_000_000)
        var entries: [Household.Entry] = []
        var invitations:
            [(id: InvitationID, secret: String, by: PersonID, purpose: Invitation.Purpose, made: Timestamp)] = []
        var tokens: [(id: ProgramID, secret: String, by: PersonID?)] = []
        var deadSecrets: Set<String> = []
        var deadCodes: [String] = []
        var code: (text: String, made: Timestamp, isFirst: Bool)?

        init(seed: UInt64) {
            random = SeededRandomSource(seed: seed)
            household = Household(random: random)
        }

        mutating func bury(person: PersonID) {
            for entry in entries where entry.person == person { deadSecrets.insert(entry.session.secret) }
            for token in tokens where token.by == person { deadSecrets.insert(token.secret) }
            for invitation in invitations where invitation.by == person || invitation.purpose == .device(of: person) {
                deadSecrets.insert(invitation.secret)
            }
        }

        /// One thing that somebody does; what must not work is checked where it is tried.
        mutating func step() throws {
            switch random.below(12) {
            case 0:  // a new code
                if let code { deadCodes.append(code.text) }
                let isFirst = household.isNew
                let text = household.makePairingCode(random: random, hashing: hashing, at: now)
                deadCodes.removeAll { $0 == text }
                code = (text, now, isFirst)
            case 1: try pair()
            case 2:
                guard let owner = household.record.people.filter({ $0.role == .owner }).last?.id else { return }
                let roles: [Role] = [.owner, .member, .guest(until: now + .seconds(1 + random.below(200_000)))]
                let purpose: Invitation.Purpose =
                    random.below(4) == 0
                    ? .device(of: household.record.people[random.below(household.record.people.count)].id)
                    : .newcomer(name: "P\(random.below(1000))", role: roles[random.below(3)])
                guard
                    let issued = try? household.invite(
                        for: purpose, by: owner, random: random, hashing: hashing, at: now)
                else { return }
                invitations.append((issued.id, issued.secret, owner, purpose, now))
            case 3, 4: try join()
            case 5:
                guard !household.isNew else { return }
                let by = household.record.people.first { $0.role == .owner }?.id
                guard
                    let issued = try? household.addProgram(
                        "T\(random.below(1000))", by: by, random: random, hashing: hashing, at: now)
                else { return }
                tokens.append((issued.id, issued.secret, by))
            case 6:
                guard !household.isNew else { return }
                let person = household.record.people[random.below(household.record.people.count)]
                if (try? household.remove(person.id)) != nil {
                    bury(person: person.id)
                } else {
                    #expect(household.record.people.count { $0.role == .owner } == 1 && person.role == .owner)
                }
            case 7:
                guard let entry = entries.isEmpty ? nil : entries[random.below(entries.count)] else { return }
                if (try? household.remove(entry.session.id)) != nil { deadSecrets.insert(entry.session.secret) }
            case 8:
                guard let token = tokens.isEmpty ? nil : tokens[random.below(tokens.count)] else { return }
                if (try? household.remove(token.id)) != nil { deadSecrets.insert(token.secret) }
            case 9:
                guard let one = invitations.isEmpty ? nil : invitations[random.below(invitations.count)] else { return }
                if (try? household.remove(one.id)) != nil { deadSecrets.insert(one.secret) }
            case 10:
                now = now + .seconds(random.below(100_000))
            default:
                // a restart: what is kept is all that there is
                household = Household(record: household.record)
            }
        }

        mutating func pair() throws {
            let isRight = random.below(2) == 0
            let text = isRight ? code?.text : deadCodes.last ?? "0000-0000"
            guard let text, isRight || text != code?.text else { return }
            let wasNew = household.isNew
            let entry = try? household.pair(
                code: text, name: "Owner", device: "D", random: random, hashing: hashing, at: now)
            let isTimely = code.map { $0.isFirst || now < $0.made + .seconds(900) } ?? false
            #expect((entry != nil) == (isRight && isTimely), "\(text)")
            guard let entry else { return }
            #expect(household.person(entry.person)?.role == .owner)
            #expect(!wasNew || household.record.people.count == 1)
            entries.append(entry)
            deadCodes.append(text)
            code = nil
        }

        mutating func join() throws {
            guard !invitations.isEmpty else { return }
            let one = invitations[random.below(invitations.count)]
            let isDead = deadSecrets.contains(one.secret) || now >= one.made + .seconds(7 * 86_400)
            let entry = try? household.join(
                invitation: one.secret, device: "D", random: random, hashing: hashing, at: now)
            #expect(!(isDead && entry != nil), "an invitation that is used up, taken back or too old let somebody in")
            guard let entry else { return }
            deadSecrets.insert(one.secret)
            entries.append(entry)
        }

        func check() {
            for entry in entries {
                let caller = household.caller(showing: .session(entry.session.secret), by: hashing, at: now)
                if deadSecrets.contains(entry.session.secret) { #expect(caller == nil, "a revoked session passed") }
                guard let caller, let person = household.person(entry.person) else { continue }
                let permissions = household.permissions(of: caller, at: now)
                if case .guest(let end) = person.role {
                    #expect(permissions == [.call] && now < end, "a guest has more, or longer, than was said")
                }
                #expect(permissions.contains(.manage) == (person.role == .owner))
            }
            for token in tokens where deadSecrets.contains(token.secret) {
                #expect(household.caller(showing: .bearer(token.secret), by: hashing, at: now) == nil)
            }
            #expect(household.isNew || household.record.people.contains { $0.role == .owner })
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `Nothing that is used up or taken back ever opens anything again`(seed: UInt64) throws {
        var world = World(seed: seed)
        for _ in 0..<400 {
            try world.step()
            world.check()
        }
        #expect(!world.entries.isEmpty, "somebody came in")
    }
}
