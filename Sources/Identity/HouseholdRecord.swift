/// Who belongs to the household, as it is kept. Of secrets it has only what cannot be turned back.
public struct HouseholdRecord: Hashable, Codable, Sendable {
    /// The form of this record; another one is not understood.
    public static let currentVersion = 1

    /// The form of this record.
    public var version = currentVersion
    /// Tells this household from another on the same host.
    public var id: String
    /// Everybody, in the order in which they came.
    public var people: [Person] = []
    /// The devices that people are signed in on.
    public var devices: [Device] = []
    /// The programs with tokens of their own.
    public var programs: [Program] = []
    /// The invitations that nobody has used yet.
    public var invitations: [Invitation] = []
    /// The pairing code that nobody has used yet.
    public var pairing: Pairing?
}

/// Somebody.
public struct Person: Hashable, Codable, Sendable {
    /// Names the person.
    public let id: PersonID
    /// What others see.
    public var name: String
    /// What the person may do.
    public var role: Role
    /// When the person came.
    public let since: Timestamp
}

/// A browser that somebody is signed in on.
public struct Device: Hashable, Codable, Sendable {
    /// Names the device.
    public let id: DeviceID
    /// Whose it is.
    public let person: PersonID
    /// What it is, for people: “Chrome on Android”.
    public let name: String
    /// When it was signed in.
    public let since: Timestamp
    /// When it was last used, to within `Household.Limits.seenInterval`.
    public var lastSeen: Timestamp
    let secret: SecretDigest
    /// The public key by which it is known where it has no session: on the way through a meeting point.
    var meetingKey: HexadecimalBytes?
}

/// A program that shows a bearer token.
public struct Program: Hashable, Codable, Sendable {
    /// Names the program.
    public let id: ProgramID
    /// What it is, for people.
    public let name: String
    /// When it got its token.
    public let since: Timestamp
    /// When it last used it, to within `Household.Limits.seenInterval`; nil for never.
    public var lastSeen: Timestamp?
    /// The owner who made the token; nil where that was done on the device itself.
    public let by: PersonID?
    let secret: SecretDigest
}

/// A link that lets one person in, once.
public struct Invitation: Hashable, Codable, Sendable {
    /// What it is good for.
    public enum Purpose: Hashable, Codable, Sendable {
        /// Somebody new, with this name and role.
        case newcomer(name: String, role: Role)
        /// Another device of somebody who is here already.
        case device(of: PersonID)
    }

    /// Names the invitation.
    public let id: InvitationID
    /// What it is good for.
    public let purpose: Purpose
    /// When it ends.
    public let expires: Timestamp
    /// The owner who made it.
    public let by: PersonID
    let secret: SecretDigest
}

/// What is kept of a pairing code.
public struct Pairing: Hashable, Codable, Sendable {
    /// When it ends; nil for the one that the first owner uses.
    public let expires: Timestamp?
    let salt: HexadecimalBytes
    let stretched: HexadecimalBytes
}
