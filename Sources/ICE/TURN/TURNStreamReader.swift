import Wire

/// Takes the STUN messages and the ChannelData of a TCP or TLS connection apart (RFC 8656 §12.5, RFC 8489 §6.2.2), each of
/// which tells its own length.
package struct TURNStreamReader {
    /// What came is neither: where the next begins is unknown, so the connection is of no more use.
    package struct Desynchronized: Error {}

    private var buffer: [UInt8] = []
    private var position = 0

    package init() {}

    /// Takes bytes as they came. What is kept is less than one whole message and what came last.
    package mutating func append(_ bytes: [UInt8]) {
        if position > 0 {
            buffer.removeFirst(position)
            position = 0
        }
        buffer += bytes
    }

    /// The next whole message, without the padding of ChannelData; nil while there is none.
    package mutating func next() throws(Desynchronized) -> [UInt8]? {
        guard buffer.count - position >= 4 else { return nil }
        let length = Int(buffer[position + 2]) << 8 | Int(buffer[position + 3])
        let (count, padding): (Int, Int) =
            switch buffer[position] {
            case 0...3: (STUNMessage.headerLength + length, 0)
            case 0x40...0x4F: (4 + length, -length & 3)
            default: throw Desynchronized()
            }
        guard buffer.count - position >= count + padding else { return nil }
        defer { position += count + padding }
        return Array(buffer[position..<(position + count)])
    }
}
