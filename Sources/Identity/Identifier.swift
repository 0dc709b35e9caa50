import Wire

/// Names a `Subject`: no secret, and never used twice.
public struct Identifier<Subject>: Hashable, Codable, Sendable, CustomStringConvertible {
    /// The identifier as it stands in files and addresses.
    public let rawValue: String

    /// The identifier that stands as `rawValue` in files and addresses.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// A new identifier, short enough for a person to type.
    static func random(from source: any RandomSource) -> Identifier {
        // 48 bits: two of some thousand that a household ever has are never the same
        Identifier(HumanText.text(from: source, count: 10).lowercased())
    }

    /// Reads the identifier from a string.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Writes the identifier as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The identifier as it stands in files and addresses.
    public var description: String { rawValue }
}

/// Names a person.
public typealias PersonID = Identifier<Person>
/// Names a device that somebody is signed in on.
public typealias DeviceID = Identifier<Device>
/// Names a program with a bearer token.
public typealias ProgramID = Identifier<Program>
/// Names an invitation.
public typealias InvitationID = Identifier<Invitation>
