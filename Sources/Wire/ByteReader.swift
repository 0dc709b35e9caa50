/// Reads integers in network byte order from a run of bytes, never past its end.
public struct ByteReader {
    /// More bytes were asked for than are left.
    public struct Truncated: Error, Hashable, Sendable {}

    private let bytes: ArraySlice<UInt8>

    /// The index of the next byte to read, an index of the slice given.
    public private(set) var position: Int

    /// A reader of all of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// A reader of the slice `bytes`.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// How many bytes are left.
    public var remaining: Int { bytes.endIndex - position }

    /// Whether every byte has been read.
    public var isAtEnd: Bool { remaining == 0 }

    /// The next byte.
    public mutating func uint8() throws(Truncated) -> UInt8 {
        guard remaining >= 1 else { throw Truncated() }
        defer { position += 1 }
        return bytes[position]
    }

    /// The next two bytes, most significant first.
    public mutating func uint16() throws(Truncated) -> UInt16 {
        UInt16(try integer(2))
    }

    /// The next three bytes, most significant first.
    public mutating func uint24() throws(Truncated) -> UInt32 {
        UInt32(try integer(3))
    }

    /// The next four bytes, most significant first.
    public mutating func uint32() throws(Truncated) -> UInt32 {
        UInt32(try integer(4))
    }

    /// The next eight bytes, most significant first.
    public mutating func uint64() throws(Truncated) -> UInt64 {
        try integer(8)
    }

    /// The next `count` bytes, without a copy.
    public mutating func slice(_ count: Int) throws(Truncated) -> ArraySlice<UInt8> {
        guard count >= 0, remaining >= count else { throw Truncated() }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// Passes over `count` bytes.
    public mutating func skip(_ count: Int) throws(Truncated) {
        guard count >= 0, remaining >= count else { throw Truncated() }
        position += count
    }

    /// All bytes that are left, without a copy.
    public mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    private mutating func integer(_ count: Int) throws(Truncated) -> UInt64 {
        guard remaining >= count else { throw Truncated() }
        var value: UInt64 = 0
        for index in position..<(position + count) {
            value = value << 8 | UInt64(bytes[index])
        }
        position += count
        return value
    }
}
