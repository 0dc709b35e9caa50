/// The bits of a NAL unit after its header byte, without the emulation prevention bytes (H.264 §7.3.1), read as the
/// syntax tables write them. Past its end it reads nil.
struct ParameterBits {
    private let bytes: [UInt8]
    private var position = 0

    /// The first `limit` bytes of the NAL unit `unit`, header byte included in neither.
    init(_ unit: ArraySlice<UInt8>, limit: Int) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(unit.count, limit))
        var zeros = 0
        for byte in unit.dropFirst() {
            guard bytes.count < limit else { break }
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            bytes.append(byte)
        }
        self.bytes = bytes
    }

    /// u(n), n up to 32.
    mutating func unsigned(_ count: Int) -> UInt32? {
        guard position + count <= bytes.count * 8 else { return nil }
        var value: UInt32 = 0
        for _ in 0..<count {
            value = value << 1 | UInt32(bytes[position >> 3] >> (7 - UInt8(position & 7)) & 1)
            position += 1
        }
        return value
    }

    /// u(1).
    mutating func flag() -> Bool? { unsigned(1).map { $0 == 1 } }

    /// ue(v) (H.264 §9.1); nil for what takes more than 32 bits, too.
    mutating func exponential() -> UInt32? {
        var zeros = 0
        while let bit = unsigned(1), bit == 0 {
            zeros += 1
            guard zeros < 32 else { return nil }
        }
        guard let rest = unsigned(zeros) else { return nil }
        return (1 << UInt32(zeros)) - 1 + rest
    }

    /// Passes over `count` bits.
    mutating func skip(_ count: Int) -> Void? { unsigned(count).map { _ in } }
}
