import Wire

/// Cuts the bytes of a connection into the frames that the other side has written (RFC 4571 §2): a length of two bytes,
/// then as many bytes.
///
/// A frame is at most 65535 bytes long, so that no more than that is ever kept besides what was appended last.
public struct FrameReader: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    /// A reader at the beginning of a frame.
    public init() {}

    /// How many bytes wait for the rest of their frame.
    public var count: Int { buffer.count - start }

    /// Takes in what has come, however it is cut.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        buffer.removeFirst(start)
        start = 0
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame without its length; nil until more bytes come. An empty frame says nothing and is skipped.
    public mutating func next() -> [UInt8]? {
        while count >= 2 {
            let length = Int(buffer[start]) << 8 | Int(buffer[start + 1])
            guard count >= 2 + length else { return nil }
            start += 2 + length
            if length > 0 { return Array(buffer[(start - length)..<start]) }
        }
        return nil
    }

    /// `datagram` as one frame.
    public static func frame(_ datagram: [UInt8]) -> [UInt8] {
        precondition(datagram.count <= UInt16.max, "a frame's length has two bytes")
        var frame: [UInt8] = []
        frame.reserveCapacity(2 + datagram.count)
        frame.append(uint16: UInt16(datagram.count))
        return frame + datagram
    }
}
