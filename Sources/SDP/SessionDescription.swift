/// A session description as WebRTC uses it (RFC 8866, RFC 8829), as typed values.
///
/// Transport attributes that stand at session level (ICE credentials and options, fingerprints, setup role, direction,
/// header extensions) hold for every media section that has none of its own (RFC 8839 §5.4, RFC 8122 §5); parsing hands
/// them down, so a section says everything about itself.
public struct SessionDescription: Hashable, Sendable {
    /// Who made the session, and which version of it this is.
    public var origin: Origin
    /// Which media sections belong together (`a=group`, RFC 5888).
    public var groups: [Group]
    /// Whether the endpoint is an ICE lite agent (`a=ice-lite`, RFC 8839 §5.3).
    public var isICELite: Bool
    /// Session-level attributes without a place of their own here, in order.
    public var attributes: [Attribute]
    /// The media sections, in order.
    public var media: [MediaDescription]

    /// A description with the given parts.
    public init(
        origin: Origin, groups: [Group] = [], isICELite: Bool = false, attributes: [Attribute] = [],
        media: [MediaDescription] = []
    ) {
        self.origin = origin
        self.groups = groups
        self.isICELite = isICELite
        self.attributes = attributes
        self.media = media
    }

    /// The media sections that share a transport, by their `mid` (`a=group:BUNDLE`, RFC 9143); the first one's
    /// transport is the shared one. A description may have several such groups, or none.
    public var bundles: [[String]] {
        groups.filter { $0.semantics == "BUNDLE" }.map(\.mids)
    }

    /// The section whose transport (ICE credentials, fingerprints, setup role, candidates) the section `index` uses:
    /// its bundle's first (RFC 9143 §7.3), or itself. Nil where there is no section `index`.
    public func transportSection(for index: Int) -> Int? {
        guard media.indices.contains(index) else { return nil }
        guard let mid = media[index].mid, let bundle = bundles.first(where: { $0.contains(mid) }),
            let tagged = media.firstIndex(where: { $0.mid == bundle[0] })
        else { return index }
        return tagged
    }
}

extension SessionDescription {
    /// The `o=` line (RFC 8866 §5.2).
    public struct Origin: Hashable, Sendable {
        /// The originator's login name; `-` for none.
        public var username: String
        /// A number unique to the session; RFC 8829 §5.2.1 wants its upper bit to be zero.
        public var sessionID: UInt64
        /// Counts up with each change of the description.
        public var sessionVersion: UInt64
        /// Network type, address type and address; nobody uses them.
        public var address: String

        /// An origin with the given fields.
        public init(
            username: String = "-", sessionID: UInt64, sessionVersion: UInt64, address: String = "IN IP4 127.0.0.1"
        ) {
            self.username = username
            self.sessionID = sessionID
            self.sessionVersion = sessionVersion
            self.address = address
        }
    }

    /// An `a=group` line.
    public struct Group: Hashable, Sendable {
        /// `BUNDLE` (RFC 9143), `LS` (RFC 5888), …
        public var semantics: String
        /// The members' `mid`s, in order.
        public var mids: [String]

        /// A group of `mids`.
        public init(_ semantics: String = "BUNDLE", _ mids: [String]) {
            self.semantics = semantics
            self.mids = mids
        }
    }

    /// An `a=` line.
    public struct Attribute: Hashable, Sendable {
        /// What stands before the first colon.
        public var name: String
        /// What stands after it; nil where there is no colon.
        public var value: String?

        /// The attribute `name:value`, or just `name`.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }
}

/// Why a text is no session description.
public struct SDPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Hashable, Sendable {
        /// The text is longer than `SessionDescription.maximumLength`.
        case tooLong
        /// There are more lines of one kind than a WebRTC endpoint has any use for.
        case tooMany
        /// A line is not of the form `x=…`.
        case malformedLine
        /// The description does not begin with `v=0`.
        case unsupportedVersion
        /// A mandatory line is missing (`o`, `s`, `t`), or a line stands where it has no meaning.
        case unexpectedLine
        /// The line's value does not have the form that its type (`o`, `m`, …) or attribute demands.
        case malformedValue(of: String)
        /// Two media sections have the same `mid`, or two codecs of a section the same payload type.
        case duplicate(String)
    }

    /// The line, counted from 1.
    public let line: Int
    /// What is wrong with it.
    public let reason: Reason

    /// For a log or an error message.
    public var description: String { "SDP line \(line): \(reason)" }
}
