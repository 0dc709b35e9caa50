public import Wire

/// Names someone who takes part in the call protocol: the door, or one open page.
public struct ParticipantID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The identifier as it stands in messages.
    public let rawValue: String

    /// The identifier that stands as `rawValue` in messages.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// The door, which every daemon has one of.
    public static let door = ParticipantID("door")

    /// A new identifier that nobody can guess: 128 random bits as 32 hexadecimal digits.
    public static func random(from source: any RandomSource) -> ParticipantID {
        ParticipantID(unguessable(from: source))
    }

    /// Decodes the identifier from a string.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Encodes the identifier as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The identifier as it stands in messages.
    public var description: String { rawValue }
}

/// Names a call between the door and one viewer, and before that the ring it may come from.
public struct CallID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The identifier as it stands in messages.
    public let rawValue: String

    /// The identifier that stands as `rawValue` in messages.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// A new identifier that nobody can guess: 128 random bits as 32 hexadecimal digits.
    public static func random(from source: any RandomSource) -> CallID {
        CallID(unguessable(from: source))
    }

    /// Decodes the identifier from a string.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Encodes the identifier as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The identifier as it stands in messages.
    public var description: String { rawValue }
}

/// What a page shows to have its call back after its connection broke, or after it was loaded anew. Told to nobody but
/// that page, and of use once.
public struct ResumptionSecret: Hashable, Sendable, Codable {
    /// The secret as it stands in messages.
    public let rawValue: String

    /// The secret that stands as `rawValue` in messages.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// A new secret that nobody can guess: 128 random bits as 32 hexadecimal digits.
    public static func random(from source: any RandomSource) -> ResumptionSecret {
        ResumptionSecret(unguessable(from: source))
    }

    /// Decodes the secret from a string.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    /// Encodes the secret as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

private func unguessable(from source: any RandomSource) -> String {
    [source.next(), source.next()].map { word in
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
}
