public import Wire

/// Names someone who takes part in the call protocol: the door, or one open page.
public struct ParticipantID: MessageText, CustomStringConvertible {
    /// The identifier as it stands in messages.
    public let rawValue: String

    /// The identifier that stands as `rawValue` in messages.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// The door, which every daemon has one of.
    public static let door = ParticipantID("door")
}

/// Names a call between the door and one viewer, and before that the ring it may come from.
public struct CallID: MessageText, CustomStringConvertible {
    /// The identifier as it stands in messages.
    public let rawValue: String

    /// The identifier that stands as `rawValue` in messages.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }
}

/// What a page shows to have its call back after its connection broke, or after it was loaded anew. Told to nobody but
/// that page, and of use once.
public struct ResumptionSecret: MessageText {
    /// The secret as it stands in messages.
    public let rawValue: String

    /// The secret that stands as `rawValue` in messages.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }
}

/// A string that stands in messages for something, as a type of its own.
public protocol MessageText: Hashable, Sendable, Codable {
    /// The string.
    var rawValue: String { get }

    /// What stands as `rawValue` in messages.
    init(_ rawValue: String)
}

extension MessageText {
    /// A new one that nobody can guess: 128 random bits as 32 hexadecimal digits.
    public static func random(from source: any RandomSource) -> Self {
        let words = [source.next(), source.next()].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return Self(words.joined())
    }

    /// Decodes it from a string.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Encodes it as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension MessageText where Self: CustomStringConvertible {
    /// As it stands in messages; not of a secret, which a log is not to have.
    public var description: String { rawValue }
}
