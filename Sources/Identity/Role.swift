/// What somebody is to the household.
public enum Role: Hashable, Codable, Sendable {
    /// Invites and removes others.
    case owner
    /// Lives here.
    case member
    /// May watch and talk until a date.
    case guest(until: Timestamp)

    /// What the role allows at `now`.
    func permissions(at now: Timestamp) -> Set<Permission> {
        switch self {
        case .owner: [.call, .operate, .inspect, .manage]
        case .member: [.call, .operate, .inspect]
        case .guest(let end): now < end ? [.call] : []
        }
    }
}

/// What a caller may be allowed to do.
public enum Permission: Hashable, CaseIterable, Sendable {
    /// Watch, talk, be rung.
    case call
    /// Open the lock, switch the light.
    case operate
    /// See what the device does: status and metrics.
    case inspect
    /// Say who belongs to the household.
    case manage
}

/// Who asks for something.
public enum Caller: Hashable, Sendable {
    /// A person, on one device.
    case person(PersonID, DeviceID)
    /// A program with a token of its own.
    case program(ProgramID)
    /// Whoever reaches the device: where the owner leaves it to something else to decide who may.
    case anybody
}

/// What a caller shows.
public enum Credential: Hashable, Sendable {
    /// A browser's session.
    case session(String)
    /// A program's bearer token (RFC 6750).
    case bearer(String)
}

/// Why the household does not do what it was asked to.
public enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such pairing code, or it has been used, or it is too old.
    case wrongCode
    /// Too many codes were tried; the next may be tried after this time.
    case tooManyGuesses(wait: Duration)
    /// There is no such invitation, or it has been used, or it is too old.
    case wrongInvitation
    /// Who pairs first has to say their name.
    case nameWanted
    /// A name is empty, too long, or has control characters.
    case badName
    /// A guest's last day lies in the past, or too far ahead.
    case badEnd
    /// There is nobody and nothing by that identifier.
    case unknown
    /// Without an owner nobody could let anybody in.
    case lastOwner
    /// There are as many as the household keeps.
    case full
    /// Somebody else is known by that public key.
    case keyInUse

    /// The reason as a sentence.
    public var description: String {
        switch self {
        case .wrongCode: "This code is not valid, or no longer."
        case .tooManyGuesses(let wait): "Too many codes were tried. Try again in \(wait.components.seconds + 1) s."
        case .wrongInvitation: "This invitation has been used, or it is too old."
        case .nameWanted: "A name is needed."
        case .badName: "A name has 1 to \(Household.Limits.nameCharacters) characters."
        case .badEnd: "A guest's last day lies within the next ten years."
        case .unknown: "There is no such entry."
        case .lastOwner: "The last owner cannot be removed."
        case .full: "There are as many as this door keeps. Remove some first."
        case .keyInUse: "Somebody else is known by this key."
        }
    }
}
