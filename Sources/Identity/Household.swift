public import Wire

/// Who belongs to the household, and what each may do.
///
/// ```
/// pairing code (scrypt) ──► owner ──► invitation (used once) ──► person ──► session on a device ─┐
///                             └─────► token ───────────────────────────────► program ────────────┴─► Caller ─► permissions
/// ```
///
/// A value without I/O: the shell makes a change to a copy, keeps the copy's `record`, and takes the copy for the household
/// only then; so nothing was ever told to anybody that a power cut takes back.
public struct Household: Sendable {
    /// What bounds a household.
    public enum Limits {
        /// The most characters of a name.
        public static let nameCharacters = 64
        static let people = 100
        static let devices = 20
        static let programs = 50
        static let invitations = 50
        /// How exactly it is known when a device was last used: each new value is a write to a card that wears out.
        public static let seenInterval = Duration.seconds(86_400)
        /// A session that is not used for so long is over.
        static let sessionDisuse = Duration.seconds(180 * 86_400)
        /// How long an invitation waits for its guest.
        static let invitationLife = Duration.seconds(7 * 86_400)
        /// How long a code for a further device waits.
        static let codeLife = Duration.seconds(15 * 60)
        static let codeCharacters = 8
        static let longestStay = Duration.seconds(3650 * 86_400)
    }

    /// A secret that was made, with the name of what it is for. It is not kept: this is the one time it can be told.
    public struct Issued<Subject>: Sendable {
        /// Names what the secret opens.
        public let id: Identifier<Subject>
        /// The secret.
        public let secret: String
    }

    /// What is to be kept.
    public internal(set) var record: HouseholdRecord

    /// The household that was kept.
    public init(record: HouseholdRecord) {
        self.record = record
    }

    /// A household of nobody.
    public init(random: any RandomSource) {
        record = HouseholdRecord(id: HumanText.text(from: random, count: 8).lowercased())
    }

    /// Whether nobody has paired yet.
    public var isNew: Bool { record.people.isEmpty }

    // MARK: Who somebody is

    /// Who shows `credential`; nil where nobody has it, or its time is over.
    public func caller(
        showing credential: Credential, by hashing: some SecretHashing, at now: Timestamp
    ) -> Caller? {
        let caller: Caller?
        switch credential {
        case .session(let secret):
            let digest = SecretDigest(of: secret, by: hashing)
            caller = record.devices.first { $0.secret == digest }.map { .person($0.person, $0.id) }
        case .bearer(let secret):
            let digest = SecretDigest(of: secret, by: hashing)
            caller = record.programs.first { $0.secret == digest }.map { .program($0.id) }
        }
        return caller.flatMap { permissions(of: $0, at: now).isEmpty ? nil : $0 }
    }

    /// What `caller` may do at `now`; nothing once the person, the device or the program is gone.
    public func permissions(of caller: Caller, at now: Timestamp) -> Set<Permission> {
        switch caller {
        case .person(let id, let device):
            guard let person = person(id), let device = record.devices.first(where: { $0.id == device }),
                device.person == id, now < device.lastSeen + Limits.sessionDisuse
            else { return [] }
            return person.role.permissions(at: now)
        case .program(let id):
            return record.programs.contains { $0.id == id } ? [.call, .inspect] : []
        case .anybody:
            return []
        }
    }

    /// The person by that identifier.
    public func person(_ id: PersonID) -> Person? { record.people.first { $0.id == id } }

    /// When the next guest's time is over; nil for never.
    public func nextEnd(after now: Timestamp) -> Timestamp? {
        record.people.compactMap { person in
            if case .guest(let end) = person.role, end > now { end } else { nil }
        }.min()
    }

    /// Whether `noteUse(of:at:)` would have something to note.
    public func isUseNews(of caller: Caller, at now: Timestamp) -> Bool {
        var copy = self
        copy.noteUse(of: caller, at: now)
        return copy.record != record
    }

    /// Notes that `caller` was here, at most once in `Limits.seenInterval`: that is what keeps a session from its end.
    public mutating func noteUse(of caller: Caller, at now: Timestamp) {
        switch caller {
        case .person(_, let id):
            guard let index = record.devices.firstIndex(where: { $0.id == id }),
                now - record.devices[index].lastSeen >= Limits.seenInterval
            else { return }
            record.devices[index].lastSeen = now
        case .program(let id):
            guard let index = record.programs.firstIndex(where: { $0.id == id }),
                record.programs[index].lastSeen.map({ now - $0 >= Limits.seenInterval }) ?? true
            else { return }
            record.programs[index].lastSeen = now
        case .anybody: break
        }
    }

    /// `name` without what surrounds it; throws where it is none that others can be shown.
    static func checked(_ name: String) throws(IdentityError) -> String {
        let scalars = name.unicodeScalars
        var trimmed = scalars[...]
        while trimmed.first?.properties.isWhitespace == true { trimmed.removeFirst() }
        while trimmed.last?.properties.isWhitespace == true { trimmed.removeLast() }
        let result = String(String.UnicodeScalarView(trimmed))
        let isDisruptive = { (scalar: Unicode.Scalar) in
            switch scalar.properties.generalCategory {
            // format characters turn the direction of the text around a name, or make two names look the same
            case .control, .lineSeparator, .paragraphSeparator: true
            default: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            }
        }
        guard !result.isEmpty, result.count <= Limits.nameCharacters, result.utf8.count <= 4 * Limits.nameCharacters,
            !trimmed.contains(where: isDisruptive)
        else { throw .badName }
        return result
    }
}
