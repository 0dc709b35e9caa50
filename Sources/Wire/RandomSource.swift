/// Where a core draws its random numbers from.
///
/// A class, so that machines which share a source never draw the same number twice by copying it. The shell injects the
/// system's generator; a simulation a seeded one, so that every run can be replayed.
public protocol RandomSource: AnyObject {
    /// The next 64 random bits.
    func next() -> UInt64
}

extension RandomSource {
    /// `count` random bytes.
    public func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// 32 random bits.
    public func uint32() -> UInt32 { UInt32(truncatingIfNeeded: next() >> 32) }

    /// 16 random bits.
    public func uint16() -> UInt16 { UInt16(truncatingIfNeeded: next() >> 48) }

    /// A number below `bound` (which must be positive), evenly distributed to within 2⁻³².
    public func below(_ bound: Int) -> Int {
        precondition(bound > 0, "a bound is positive")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// `count` random characters of the ice-char alphabet without `+` and `/` (RFC 8839 §5.4), about 5.95 bits each.
    public func token(_ count: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<count).map { _ in alphabet[below(alphabet.count)] })
    }
}

/// A reproducible source (SplitMix64) for simulations and tests; never for secrets.
public final class SeededRandomSource: RandomSource {
    private var state: UInt64

    /// A source whose whole sequence is decided by `seed`.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits of the sequence.
    public func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
