import Media

/// Makes pictures smaller by the ratios of `PictureScale`. Each pixel is the mean of the area that it stands for, so that
/// nothing flickers where fine patterns move.
public enum PictureScaler {
    /// `frame`, smaller by `scale`; its sides are of 8 pixels at least.
    public static func scale(_ frame: VideoFrame, by scale: PictureScale) -> VideoFrame {
        precondition(scale == .full || min(frame.size.width, frame.size.height) >= 8, "a picture has something to give")
        let size = scale.size(of: frame.size)
        return switch scale {
        case .full: frame
        case .threeQuarters: shrink(frame, to: size, threeQuarters)
        case .half: shrink(frame, to: size, half)
        case .quarter: shrink(shrink(frame, to: PictureScale.half.size(of: frame.size), half), to: size, half)
        }
    }

    private typealias Plane = (start: UnsafeRawPointer, width: Int)
    private typealias Result = (start: UnsafeMutableRawPointer, width: Int, rows: Int)

    private static func shrink(
        _ frame: VideoFrame, to: VideoSize, _ shrink: (Plane, Result) -> Void
    ) -> VideoFrame {
        let from = frame.size
        let bytes = frame.bytes.withUnsafeBytes { source in
            [UInt8](unsafeUninitializedCapacity: to.i420ByteCount) { buffer, count in
                let start = source.baseAddress!
                let luma = from.width * from.height
                let picture = I420Memory(UnsafeMutableRawPointer(buffer.baseAddress!), size: to)
                shrink((start, from.width), (picture.luma, to.width, to.height))
                shrink((start + luma, from.width / 2), (picture.u, to.width / 2, to.height / 2))
                shrink((start + luma * 5 / 4, from.width / 2), (picture.v, to.width / 2, to.height / 2))
                count = to.i420ByteCount
            }
        }
        return VideoFrame(size: to, bytes: bytes, captured: frame.captured)
    }

    /// Four pixels become one.
    private static func half(_ plane: Plane, _ result: Result) {
        for row in 0..<result.rows {
            let upper = plane.start + 2 * row * plane.width
            PixelRows.halve(upper, upper + plane.width, to: result.start + row * result.width, count: result.width)
        }
    }

    /// Of every four columns and rows three are made: each is three parts of the outer and one of the inner, or half of
    /// both inner ones.
    private static func threeQuarters(_ plane: Plane, _ result: Result) {
        withUnsafeTemporaryAllocation(byteCount: plane.width, alignment: 16) { mixed in
            let mixed = mixed.baseAddress!
            for row in 0..<result.rows {
                let upper = plane.start + (row / 3 * 4 + row % 3) * plane.width
                let lower = upper + plane.width
                switch row % 3 {
                case 0: PixelRows.mix(upper, lower, to: mixed, count: plane.width)
                case 1: PixelRows.average(upper, lower, to: mixed, count: plane.width)
                default: PixelRows.mix(lower, upper, to: mixed, count: plane.width)
                }
                PixelRows.threeOfFour(mixed, to: result.start + row * result.width, count: result.width)
            }
        }
    }
}

extension PixelRows {
    /// Two rows of `2 * count` samples into one of `count`, each the mean of four, rounded.
    fileprivate static func halve(
        _ upper: UnsafeRawPointer, _ lower: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
    ) {
        var index = 0
        while index &+ 16 <= count {
            let above = upper.loadUnaligned(fromByteOffset: index &* 2, as: SIMD16<UInt16>.self)
            let below = lower.loadUnaligned(fromByteOffset: index &* 2, as: SIMD16<UInt16>.self)
            // in steps, for Swift 6.2 gives up on the whole
            let mask = SIMD16<UInt16>(repeating: 0xFF)
            let (two, eight) = (SIMD16<UInt16>(repeating: 2), SIMD16<UInt16>(repeating: 8))
            let left: SIMD16<UInt16> = (above & mask) &+ (below & mask)
            let right: SIMD16<UInt16> = (above &>> eight) &+ (below &>> eight)
            let sum: SIMD16<UInt16> = left &+ right &+ two
            destination.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: sum &>> two), toByteOffset: index, as: SIMD16<UInt8>.self)
            index &+= 16
        }
        while index < count {
            var sum: UInt16 = 2
            for row in [upper, lower] {
                for column in 0..<2 {
                    sum &+= UInt16(row.load(fromByteOffset: index &* 2 &+ column, as: UInt8.self))
                }
            }
            destination.storeBytes(of: UInt8(truncatingIfNeeded: sum &>> 2), toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }

    /// Three parts of `major` and one of `minor`, rounded.
    fileprivate static func mix(
        _ major: UnsafeRawPointer, _ minor: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
    ) {
        var index = 0
        while index &+ 16 <= count {
            let (major, minor) = (
                SIMD16<UInt16>(
                    truncatingIfNeeded: major.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)),
                SIMD16<UInt16>(
                    truncatingIfNeeded: minor.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self))
            )
            let sum = major &* 3 &+ minor &+ 2
            destination.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: sum &>> 2), toByteOffset: index, as: SIMD16<UInt8>.self)
            index &+= 16
        }
        while index < count {
            destination.storeBytes(
                of: mix(
                    major.load(fromByteOffset: index, as: UInt8.self), minor.load(fromByteOffset: index, as: UInt8.self)
                ),
                toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }

    /// Of every four samples three; `count` of these, a multiple of three.
    fileprivate static func threeOfFour(
        _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
    ) {
        var (from, to) = (0, 0)
        while to &+ 3 <= count {
            // little-endian: the first sample is the lowest byte
            let four = source.loadUnaligned(fromByteOffset: from, as: UInt32.self)
            let (a, b) = (UInt8(truncatingIfNeeded: four), UInt8(truncatingIfNeeded: four &>> 8))
            let (c, d) = (UInt8(truncatingIfNeeded: four &>> 16), UInt8(truncatingIfNeeded: four &>> 24))
            destination.storeBytes(of: mix(a, b), toByteOffset: to, as: UInt8.self)
            destination.storeBytes(
                of: UInt8(truncatingIfNeeded: (UInt16(b) &+ UInt16(c) &+ 1) &>> 1), toByteOffset: to &+ 1,
                as: UInt8.self)
            destination.storeBytes(of: mix(d, c), toByteOffset: to &+ 2, as: UInt8.self)
            from &+= 4
            to &+= 3
        }
    }

    @inline(__always)
    private static func mix(_ major: UInt8, _ minor: UInt8) -> UInt8 {
        UInt8(truncatingIfNeeded: (UInt16(major) &* 3 &+ UInt16(minor) &+ 2) &>> 2)
    }
}
