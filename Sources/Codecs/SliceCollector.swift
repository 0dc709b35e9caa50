import CX264
import Media
import Synchronization
import Wire

/// Takes slices from x264 as they are ready, by its callback, and gives them out in order, each with what belongs before it.
/// With several threads they come from all of them, in any order.
final class SliceCollector: Sendable {
    /// A NAL unit's bytes, start code included, and where it lies among them.
    private struct Piece {
        var bytes: [UInt8]
        var nalUnits: [Range<Int>]
        var isKeyFrame: Bool
        var macroblocks: ClosedRange<Int>

        mutating func append(_ other: Piece) {
            let start = bytes.count
            bytes += other.bytes
            nalUnits += other.nalUnits.map { $0.lowerBound + start..<$0.upperBound + start }
            macroblocks = macroblocks.lowerBound...other.macroblocks.upperBound
        }
    }

    private struct Picture {
        /// Parameter sets that leave with the first slice.
        var head: (bytes: [UInt8], nalUnits: [Range<Int>]) = ([], [])
        /// The macroblock that the next slice begins with.
        var next = 0
        /// Slices that are ready before those in front of them.
        var early: [Piece] = []
        /// Parts given out, where the picture leaves whole.
        var whole: Piece?
    }

    /// What the callback is given: the collector, the picture, and where it goes.
    private struct Context {
        let collector: SliceCollector
        let captured: Instant
        let isWhole: Bool
        let give: (AccessUnit) -> Void
    }

    private let count: Int
    private let picture = Mutex(Picture())

    /// A collector for pictures of `size`.
    init(size: VideoSize) {
        count = (size.width + 15) / 16 * ((size.height + 15) / 16)
    }

    /// Calls `encode` with what x264's callback is to be given, and gives out what comes meanwhile.
    func collect<Result>(
        captured: Instant, isWhole: Bool, give: (AccessUnit) -> Void, _ encode: (UnsafeMutableRawPointer) -> Result
    ) -> Result {
        picture.withLock { $0 = Picture() }
        return withoutActuallyEscaping(give) { give in
            var context = Context(collector: self, captured: captured, isWhole: isWhole, give: give)
            return withUnsafeMutablePointer(to: &context) { encode(UnsafeMutableRawPointer($0)) }
        }
    }

    /// x264's callback.
    static let process:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<x264_nal_t>?, UnsafeMutableRawPointer?) -> Void =
            { encoder, nalUnit, context in
                guard let encoder, let nalUnit, let context else { return }
                let pointer = context.assumingMemoryBound(to: Context.self)
                pointer.pointee.collector.take(nalUnit, from: encoder, pointer.pointee)
            }

    private func take(_ nalUnit: UnsafeMutablePointer<x264_nal_t>, from encoder: OpaquePointer, _ context: Context) {
        let type = UInt32(nalUnit.pointee.i_type)
        // x264.h: the size of an output buffer for what is not escaped yet
        let capacity = Int(nalUnit.pointee.i_payload) * 3 / 2 + 5 + 64
        if type == NAL_SPS.rawValue || type == NAL_PPS.rawValue {
            picture.withLock { picture in
                let start = picture.head.bytes.count
                var bytes = Self.escape(nalUnit, from: encoder, after: [], capacity: capacity)
                let header = nalUnit.pointee.b_long_startcode != 0 ? 4 : 3
                if type == NAL_SPS.rawValue { H264Encoder.markExtended(&bytes[header + 2]) }
                picture.head.bytes += bytes
                picture.head.nalUnits.append(start + header..<start + bytes.count)
            }
            return
        }
        guard type == NAL_SLICE.rawValue || type == NAL_SLICE_IDR.rawValue else {
            // x264 wants each one escaped; this names x264 itself, and nobody needs it
            _ = Self.escape(nalUnit, from: encoder, after: [], capacity: capacity)
            return
        }
        let macroblocks = Int(nalUnit.pointee.i_first_mb)...Int(nalUnit.pointee.i_last_mb)
        let head = macroblocks.lowerBound == 0 ? picture.withLock { $0.head } : ([], [])
        let bytes = Self.escape(nalUnit, from: encoder, after: head.0, capacity: capacity)
        let start = head.0.count + (nalUnit.pointee.b_long_startcode != 0 ? 4 : 3)
        give(
            Piece(
                bytes: bytes, nalUnits: head.1 + [start..<bytes.count], isKeyFrame: type == NAL_SLICE_IDR.rawValue,
                macroblocks: macroblocks), context)
    }

    /// `nalUnit` as it is sent, behind `head`.
    private static func escape(
        _ nalUnit: UnsafeMutablePointer<x264_nal_t>, from encoder: OpaquePointer, after head: [UInt8], capacity: Int
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: head.count + capacity) { buffer, count in
            _ = buffer.update(fromContentsOf: head)
            x264_nal_encode(encoder, buffer.baseAddress! + head.count, nalUnit)
            count = head.count + Int(nalUnit.pointee.i_payload)
        }
    }

    /// Gives out `piece` and those that waited for it; under the lock, so that what two threads give leaves in order.
    private func give(_ piece: Piece, _ context: Context) {
        picture.withLock { picture in
            picture.early.append(piece)
            while let index = picture.early.firstIndex(where: { $0.macroblocks.lowerBound == picture.next }) {
                let piece = picture.early.remove(at: index)
                picture.next = piece.macroblocks.upperBound + 1
                if context.isWhole {
                    if picture.whole?.append(piece) == nil { picture.whole = piece }
                    guard picture.next == count, let whole = picture.whole else { continue }
                    context.give(unit(whole, context))
                } else {
                    context.give(unit(piece, context))
                }
            }
        }
    }

    private func unit(_ piece: Piece, _ context: Context) -> AccessUnit {
        AccessUnit(
            bytes: piece.bytes, nalUnits: piece.nalUnits, isKeyFrame: piece.isKeyFrame, captured: context.captured,
            isFirst: piece.macroblocks.lowerBound == 0, isLast: piece.macroblocks.upperBound == count - 1)
    }
}
