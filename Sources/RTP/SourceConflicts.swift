import Wire

/// Tells a collision of sources from a loop (RFC 3550 §8.2): another participant sends under an identifier that is
/// ours.
///
/// The RFC keeps a list of the addresses that conflicted. A peer connection hears one participant, whose address ICE may
/// change at any time, and every packet is authentic: the list is this one entry.
public struct SourceConflicts: Sendable {
    /// What a packet from the other side that bears our identifier means.
    public enum Verdict: Hashable, Sendable {
        /// Both sides drew one number. "…the participant MUST send an RTCP BYE packet with the old SSRC identifier and
        /// choose a new one."
        case collision
        /// It happens again though we chose anew: our own packets come back. To choose again would never end.
        case loop
    }

    /// §8.2: an entry times out after ten intervals of reports without another conflict.
    public static let memory = Duration.seconds(15)

    /// Collisions seen.
    public private(set) var collisions = 0
    /// Packets of ours that came back.
    public private(set) var looped = 0
    private var last: Instant?

    /// None has been seen.
    public init() {}

    /// Takes a packet with our identifier.
    public mutating func handle(at now: Instant) -> Verdict {
        defer { last = now }
        guard let last, now - last < Self.memory else {
            collisions += 1
            return .collision
        }
        looped += 1
        return .loop
    }
}
