/// Appending integers in network byte order: a packet is written straight into the buffer it leaves from.
extension [UInt8] {
    /// Appends two bytes, most significant first.
    @inlinable
    public mutating func append(uint16 value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Appends the low three bytes, most significant first.
    @inlinable
    public mutating func append(uint24 value: UInt32) {
        append(UInt8(truncatingIfNeeded: value >> 16))
        append(uint16: UInt16(truncatingIfNeeded: value))
    }

    /// Appends four bytes, most significant first.
    @inlinable
    public mutating func append(uint32 value: UInt32) {
        append(uint16: UInt16(truncatingIfNeeded: value >> 16))
        append(uint16: UInt16(truncatingIfNeeded: value))
    }

    /// Appends eight bytes, most significant first.
    @inlinable
    public mutating func append(uint64 value: UInt64) {
        append(uint32: UInt32(truncatingIfNeeded: value >> 32))
        append(uint32: UInt32(truncatingIfNeeded: value))
    }

    /// Overwrites the two bytes at `index`, for a length known only after what it counts was written.
    @inlinable
    public mutating func set(uint16 value: UInt16, at index: Int) {
        self[index] = UInt8(truncatingIfNeeded: value >> 8)
        self[index + 1] = UInt8(truncatingIfNeeded: value)
    }

    /// Overwrites the three bytes at `index` with the low three of `value`.
    @inlinable
    public mutating func set(uint24 value: UInt32, at index: Int) {
        self[index] = UInt8(truncatingIfNeeded: value >> 16)
        set(uint16: UInt16(truncatingIfNeeded: value), at: index + 1)
    }

    /// Overwrites the four bytes at `index`.
    @inlinable
    public mutating func set(uint32 value: UInt32, at index: Int) {
        set(uint16: UInt16(truncatingIfNeeded: value >> 16), at: index)
        set(uint16: UInt16(truncatingIfNeeded: value), at: index + 2)
    }
}
