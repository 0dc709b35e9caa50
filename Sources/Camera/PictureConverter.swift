import Media

/// Converts a camera's pictures of one format and size to I420 in BT.601's limited range. Owned by one thread.
package final class PictureConverter {
    /// The size of what comes out: the camera's, cropped to even sides.
    package let size: VideoSize

    private enum Kind {
        case raw(PictureLayout)
        case jpeg(JPEGDecoder)
    }

    private let format: PixelFormat
    private let kind: Kind
    private let isFullRange: Bool

    /// A converter of pictures of `width` by `height` pixels in `format`, whose rows lie `bytesPerLine` apart in each
    /// memory (0 for no padding; of no meaning for JPEG). nil where such pictures cannot be.
    package init?(format: PixelFormat, width: Int, height: Int, bytesPerLine: [Int], isFullRange: Bool = false) {
        guard width >= 2, height >= 2, width <= 1 << 14, height <= 1 << 14 else { return nil }
        switch format {
        case .mjpeg, .jpeg:
            guard let decoder = JPEGDecoder() else { return nil }
            kind = .jpeg(decoder)
            // JFIF: the samples of a JPEG take the full range.
            self.isFullRange = true
        default:
            guard let layout = PictureLayout(format: format, width: width, height: height, bytesPerLine: bytesPerLine)
            else { return nil }
            kind = .raw(layout)
            self.isFullRange = isFullRange
        }
        self.format = format
        self.size = VideoSize(width: width & ~1, height: height & ~1)
    }

    /// The picture in `memories` as `size.i420ByteCount` bytes of I420; nil where they are too short or the JPEG is
    /// corrupt.
    package func convert(_ memories: [UnsafeRawBufferPointer]) -> [UInt8]? {
        switch kind {
        case .raw(let layout):
            guard memories.count == layout.requiredCounts.count,
                zip(memories, layout.requiredCounts).allSatisfy({ $0.count >= $1 })
            else { return nil }
            return [UInt8](unsafeUninitializedCapacity: size.i420ByteCount) { buffer, count in
                let picture = I420Memory(UnsafeMutableRawPointer(buffer.baseAddress!), size: size)
                convert(layout.planes.map { (memories[$0.memory].baseAddress! + $0.offset, $0.stride) }, to: picture)
                if isFullRange { picture.limitRange() }
                count = size.i420ByteCount
            }
        case .jpeg(let decoder):
            guard let memory = memories.first else { return nil }
            var isWhole = false
            let bytes = [UInt8](unsafeUninitializedCapacity: size.i420ByteCount) { buffer, count in
                let picture = I420Memory(UnsafeMutableRawPointer(buffer.baseAddress!), size: size)
                isWhole = decoder.decode(memory, to: picture)
                if isWhole {
                    picture.limitRange()
                    count = size.i420ByteCount
                }
            }
            return isWhole ? bytes : nil
        }
    }

    private func convert(_ planes: [(start: UnsafeRawPointer, stride: Int)], to picture: I420Memory) {
        switch format {
        case .yuv420, .yuv420M:
            copyLuma(planes[0], to: picture)
            copyChroma(planes[1], to: picture.u)
            copyChroma(planes[2], to: picture.v)
        case .yvu420, .yvu420M:
            copyLuma(planes[0], to: picture)
            copyChroma(planes[1], to: picture.v)
            copyChroma(planes[2], to: picture.u)
        case .nv12, .nv12M:
            copyLuma(planes[0], to: picture)
            partChroma(planes[1], first: picture.u, second: picture.v)
        case .nv21, .nv21M:
            copyLuma(planes[0], to: picture)
            partChroma(planes[1], first: picture.v, second: picture.u)
        case .yuyv: unpack(planes[0], .first, first: picture.u, second: picture.v, luma: picture.luma)
        case .yvyu: unpack(planes[0], .first, first: picture.v, second: picture.u, luma: picture.luma)
        case .uyvy: unpack(planes[0], .second, first: picture.u, second: picture.v, luma: picture.luma)
        case .vyuy: unpack(planes[0], .second, first: picture.v, second: picture.u, luma: picture.luma)
        case .mjpeg, .jpeg: preconditionFailure("a JPEG has no layout")
        }
    }

    private func copyLuma(_ plane: (start: UnsafeRawPointer, stride: Int), to picture: I420Memory) {
        PixelRows.copy(
            from: plane.start, stride: plane.stride, to: picture.luma, width: size.width, rows: size.height)
    }

    private func copyChroma(
        _ plane: (start: UnsafeRawPointer, stride: Int), to destination: UnsafeMutableRawPointer
    ) {
        PixelRows.copy(
            from: plane.start, stride: plane.stride, to: destination, width: size.width / 2, rows: size.height / 2)
    }

    private func partChroma(
        _ plane: (start: UnsafeRawPointer, stride: Int), first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer
    ) {
        let width = size.width / 2
        for row in 0..<size.height / 2 {
            PixelRows.part(
                plane.start + row * plane.stride, count: width, first: first + row * width, second: second + row * width
            )
        }
    }

    private func unpack(
        _ plane: (start: UnsafeRawPointer, stride: Int), _ lumaByte: PixelRows.LumaByte,
        first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer, luma: UnsafeMutableRawPointer
    ) {
        // Two loops, so that each is compiled for its own order of bytes.
        switch lumaByte {
        case .first:
            for row in 0..<size.height / 2 {
                unpackRows(row, plane, .first, first: first, second: second, luma: luma)
            }
        case .second:
            for row in 0..<size.height / 2 {
                unpackRows(row, plane, .second, first: first, second: second, luma: luma)
            }
        }
    }

    @inline(__always)
    private func unpackRows(
        _ row: Int, _ plane: (start: UnsafeRawPointer, stride: Int), _ lumaByte: PixelRows.LumaByte,
        first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer, luma: UnsafeMutableRawPointer
    ) {
        let width = size.width
        let upper = plane.start + row * 2 * plane.stride
        let upperLuma = luma + row * 2 * width
        PixelRows.unpack(
            upper, upper + plane.stride, lumaByte: lumaByte, width: width, upperLuma: upperLuma,
            lowerLuma: upperLuma + width, firstChroma: first + row * width / 2, secondChroma: second + row * width / 2)
    }
}

/// The memory of an I420 picture that is being made.
struct I420Memory {
    let size: VideoSize
    let luma: UnsafeMutableRawPointer
    let u: UnsafeMutableRawPointer
    let v: UnsafeMutableRawPointer

    /// The `size.i420ByteCount` bytes from `start` on.
    init(_ start: UnsafeMutableRawPointer, size: VideoSize) {
        self.size = size
        luma = start
        u = start + size.width * size.height
        v = u + size.width * size.height / 4
    }

    /// From the full range to the limited one.
    func limitRange() {
        let count = size.width * size.height
        PixelRows.limitLuma(luma, count: count)
        // U and V lie back to back.
        PixelRows.limitChroma(u, count: count / 2)
    }
}
