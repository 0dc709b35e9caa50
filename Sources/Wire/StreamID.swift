/// Names a TCP or TLS connection between a peer and the shell, as a socket address names a UDP socket.
public struct StreamID: Hashable, Sendable, CustomStringConvertible {
    /// The number; one peer connection never uses one twice.
    public let rawValue: Int

    /// The stream of the number `rawValue`.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// `stream 3`.
    public var description: String { "stream \(rawValue)" }
}

/// Where the machines of one peer connection draw the names of their streams from.
///
/// A class, so that machines which share a source never draw the same name twice by copying it.
public final class StreamIDSource {
    private var last = 0

    /// A source that begins anew.
    public init() {}

    /// A name that this source has not given before.
    public func next() -> StreamID {
        last += 1
        return StreamID(rawValue: last)
    }
}
