/// The inner loops of the conversion to I420. Each works in steps of whole vectors, which the compiler turns into the
/// machine's own (SSE2, NEON), and does what is left sample by sample.
enum PixelRows {
    /// Which byte of each pair in packed 4:2:2 is the luma.
    enum LumaByte {
        case first
        case second
    }

    /// Copies `rows` rows of `width` bytes.
    static func copy(
        from source: UnsafeRawPointer, stride: Int, to destination: UnsafeMutableRawPointer, width: Int, rows: Int
    ) {
        if stride == width {
            destination.copyMemory(from: source, byteCount: width * rows)
            return
        }
        for row in 0..<rows { (destination + row * width).copyMemory(from: source + row * stride, byteCount: width) }
    }

    /// Parts `count` pairs of bytes into the `first` and the `second` of each.
    static func part(
        _ pairs: UnsafeRawPointer, count: Int, first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer
    ) {
        var index = 0
        while index &+ 16 <= count {
            let words = pairs.loadUnaligned(fromByteOffset: index &* 2, as: SIMD16<UInt16>.self)
            first.storeBytes(of: low(words), toByteOffset: index, as: SIMD16<UInt8>.self)
            second.storeBytes(of: high(words), toByteOffset: index, as: SIMD16<UInt8>.self)
            index &+= 16
        }
        while index < count {
            first.storeBytes(
                of: pairs.load(fromByteOffset: index &* 2, as: UInt8.self), toByteOffset: index, as: UInt8.self)
            second.storeBytes(
                of: pairs.load(fromByteOffset: index &* 2 &+ 1, as: UInt8.self), toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }

    /// Two rows of packed 4:2:2, `width` pixels each, into two rows of luma and one of each chroma: 4:2:0 has half the
    /// rows of chroma, and each sample is the mean of the two it stands for, rounded up at a half, which is where H.264
    /// supposes it (between the rows).
    @inline(__always)
    static func unpack(
        _ upper: UnsafeRawPointer, _ lower: UnsafeRawPointer, lumaByte: LumaByte, width: Int,
        upperLuma: UnsafeMutableRawPointer, lowerLuma: UnsafeMutableRawPointer,
        firstChroma: UnsafeMutableRawPointer, secondChroma: UnsafeMutableRawPointer
    ) {
        var x = 0
        while x &+ 32 <= width {
            let upperLeft = upper.loadUnaligned(fromByteOffset: x &* 2, as: SIMD16<UInt16>.self)
            let upperRight = upper.loadUnaligned(fromByteOffset: x &* 2 &+ 32, as: SIMD16<UInt16>.self)
            let lowerLeft = lower.loadUnaligned(fromByteOffset: x &* 2, as: SIMD16<UInt16>.self)
            let lowerRight = lower.loadUnaligned(fromByteOffset: x &* 2 &+ 32, as: SIMD16<UInt16>.self)
            upperLuma.storeBytes(of: luma(upperLeft, lumaByte), toByteOffset: x, as: SIMD16<UInt8>.self)
            upperLuma.storeBytes(of: luma(upperRight, lumaByte), toByteOffset: x &+ 16, as: SIMD16<UInt8>.self)
            lowerLuma.storeBytes(of: luma(lowerLeft, lumaByte), toByteOffset: x, as: SIMD16<UInt8>.self)
            lowerLuma.storeBytes(of: luma(lowerRight, lumaByte), toByteOffset: x &+ 16, as: SIMD16<UInt8>.self)
            let left = mean(chroma(upperLeft, lumaByte), chroma(lowerLeft, lumaByte))
            let right = mean(chroma(upperRight, lumaByte), chroma(lowerRight, lumaByte))
            let pairs = unsafeBitCast(SIMD32(lowHalf: left, highHalf: right), to: SIMD16<UInt16>.self)
            firstChroma.storeBytes(of: low(pairs), toByteOffset: x &>> 1, as: SIMD16<UInt8>.self)
            secondChroma.storeBytes(of: high(pairs), toByteOffset: x &>> 1, as: SIMD16<UInt8>.self)
            x &+= 32
        }
        let lumaOffset = lumaByte == .first ? 0 : 1
        while x < width {
            func sample(_ row: UnsafeRawPointer, _ offset: Int) -> UInt8 {
                row.load(fromByteOffset: x &* 2 &+ offset, as: UInt8.self)
            }
            for column in 0..<2 {
                upperLuma.storeBytes(
                    of: sample(upper, column &* 2 &+ lumaOffset), toByteOffset: x &+ column, as: UInt8.self)
                lowerLuma.storeBytes(
                    of: sample(lower, column &* 2 &+ lumaOffset), toByteOffset: x &+ column, as: UInt8.self)
            }
            let first = 1 &- lumaOffset
            firstChroma.storeBytes(
                of: mean(sample(upper, first), sample(lower, first)), toByteOffset: x &>> 1, as: UInt8.self)
            secondChroma.storeBytes(
                of: mean(sample(upper, first &+ 2), sample(lower, first &+ 2)), toByteOffset: x &>> 1, as: UInt8.self)
            x &+= 2
        }
    }

    /// The mean of two rows of `count` samples.
    static func average(
        _ upper: UnsafeRawPointer, _ lower: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
    ) {
        var index = 0
        while index &+ 16 <= count {
            let mean = mean(
                upper.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self),
                lower.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self))
            destination.storeBytes(of: mean, toByteOffset: index, as: SIMD16<UInt8>.self)
            index &+= 16
        }
        while index < count {
            let mean = mean(
                upper.load(fromByteOffset: index, as: UInt8.self), lower.load(fromByteOffset: index, as: UInt8.self))
            destination.storeBytes(of: mean, toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }

    /// Luma of the full range 0…255 into the limited range 16…235, in place.
    static func limitLuma(_ samples: UnsafeMutableRawPointer, count: Int) {
        limit(samples, count: count, factor: 219, offset: 16 * 255)
    }

    /// Chroma of the full range 0…255 about 128 into the limited range 16…240, in place.
    static func limitChroma(_ samples: UnsafeMutableRawPointer, count: Int) {
        limit(samples, count: count, factor: 224, offset: 128 * (255 - 224))
    }

    /// (sample * factor + offset) / 255, rounded, in 16 bits: the sum is less than 2^16 for both ranges, and
    /// (n + 128 + ((n + 128) >> 8)) >> 8 is n / 255 rounded for each such n.
    @inline(__always)
    private static func limit(_ samples: UnsafeMutableRawPointer, count: Int, factor: UInt16, offset: UInt16) {
        var index = 0
        while index &+ 16 <= count {
            let bytes = samples.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let sum = SIMD16<UInt16>(truncatingIfNeeded: bytes) &* factor &+ (offset &+ 128)
            samples.storeBytes(of: high(sum &+ (sum &>> 8)), toByteOffset: index, as: SIMD16<UInt8>.self)
            index &+= 16
        }
        while index < count {
            let sum = UInt16(samples.load(fromByteOffset: index, as: UInt8.self)) &* factor &+ (offset &+ 128)
            samples.storeBytes(
                of: UInt8(truncatingIfNeeded: (sum &+ (sum &>> 8)) &>> 8), toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }

    @inline(__always)
    private static func luma(_ words: SIMD16<UInt16>, _ lumaByte: LumaByte) -> SIMD16<UInt8> {
        lumaByte == .first ? low(words) : high(words)
    }

    @inline(__always)
    private static func chroma(_ words: SIMD16<UInt16>, _ lumaByte: LumaByte) -> SIMD16<UInt8> {
        lumaByte == .first ? high(words) : low(words)
    }

    /// The bytes at even places: all the machines this runs on are little-endian.
    @inline(__always)
    private static func low(_ words: SIMD16<UInt16>) -> SIMD16<UInt8> { SIMD16<UInt8>(truncatingIfNeeded: words) }

    @inline(__always)
    private static func high(_ words: SIMD16<UInt16>) -> SIMD16<UInt8> {
        SIMD16<UInt8>(truncatingIfNeeded: words &>> 8)
    }

    /// (a + b + 1) / 2 without a wider type; compilers know this form as the machine's averaging instruction.
    @inline(__always)
    private static func mean(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> {
        (a | b) &- (((a ^ b) &>> 1) & 0x7f)
    }

    @inline(__always)
    private static func mean(_ a: UInt8, _ b: UInt8) -> UInt8 { (a | b) &- ((a ^ b) &>> 1) }
}
