import Media
import Testing
import Wire

@testable import Camera

struct PictureConverterTests {
    /// A picture as a camera would give it, with every byte random, padding included.
    private struct Source {
        let format: PixelFormat
        let width: Int
        let height: Int
        let bytesPerLine: [Int]
        let memories: [[UInt8]]

        init(_ format: PixelFormat, _ width: Int, _ height: Int, padding: Int, seed: UInt64 = 1) {
            let random = SeededRandomSource(seed: seed)
            let columns = (width + 1) / 2
            let rows = (height + 1) / 2
            let stride = width + width % 2 + padding
            switch format {
            case .yuyv, .uyvy, .yvyu, .vyuy:
                bytesPerLine = [columns * 4 + padding]
                memories = [random.bytes((columns * 4 + padding) * height)]
            case .yuv420, .yvu420:
                bytesPerLine = [stride]
                memories = [random.bytes(stride * height + stride / 2 * rows * 2)]
            case .nv12, .nv21:
                bytesPerLine = [stride]
                memories = [random.bytes(stride * height + stride * rows)]
            case .nv12M, .nv21M:
                bytesPerLine = [stride, stride + 2]
                memories = [random.bytes(stride * height), random.bytes((stride + 2) * rows)]
            case .yuv420M, .yvu420M:
                bytesPerLine = [stride, columns + padding, columns + padding + 1]
                memories = bytesPerLine.enumerated().map { random.bytes($1 * ($0 == 0 ? height : rows)) }
            case .mjpeg, .jpeg:
                bytesPerLine = [0]
                memories = []
            }
            self.format = format
            self.width = width
            self.height = height
        }

        /// Luma at a pixel, by the format's definition in the kernel's documentation.
        func luma(_ x: Int, _ y: Int) -> UInt8 {
            switch format {
            case .yuyv, .yvyu: memories[0][y * bytesPerLine[0] + x * 2]
            case .uyvy, .vyuy: memories[0][y * bytesPerLine[0] + x * 2 + 1]
            default: memories[0][y * bytesPerLine[0] + x]
            }
        }

        /// U (0) or V (1) of the two by two pixels `x`, `y`.
        func chroma(_ component: Int, _ x: Int, _ y: Int) -> UInt8 {
            func packed(_ offset: Int) -> UInt8 {
                let upper = Int(memories[0][y * 2 * bytesPerLine[0] + x * 4 + offset])
                let lower = Int(memories[0][(y * 2 + 1) * bytesPerLine[0] + x * 4 + offset])
                return UInt8((upper + lower + 1) / 2)
            }
            let stride = bytesPerLine[0]
            let swapped = 1 - component
            return switch format {
            case .yuyv: packed(1 + component * 2)
            case .yvyu: packed(1 + swapped * 2)
            case .uyvy: packed(component * 2)
            case .vyuy: packed(swapped * 2)
            case .nv12: memories[0][stride * (height + y) + x * 2 + component]
            case .nv21: memories[0][stride * (height + y) + x * 2 + swapped]
            case .nv12M: memories[1][bytesPerLine[1] * y + x * 2 + component]
            case .nv21M: memories[1][bytesPerLine[1] * y + x * 2 + swapped]
            case .yuv420: memories[0][stride * height + stride / 2 * ((height + 1) / 2 * component + y) + x]
            case .yvu420: memories[0][stride * height + stride / 2 * ((height + 1) / 2 * swapped + y) + x]
            case .yuv420M: memories[1 + component][bytesPerLine[1 + component] * y + x]
            case .yvu420M: memories[1 + swapped][bytesPerLine[1 + swapped] * y + x]
            case .mjpeg, .jpeg: 0
            }
        }

        /// The picture in I420, sample by sample.
        func reference(luma limit: (UInt8) -> UInt8 = \.self, chroma limitChroma: (UInt8) -> UInt8 = \.self) -> [UInt8]
        {
            let width = width & ~1
            let height = height & ~1
            var bytes: [UInt8] = []
            for y in 0..<height { for x in 0..<width { bytes.append(limit(luma(x, y))) } }
            for component in 0..<2 {
                for y in 0..<height / 2 {
                    for x in 0..<width / 2 { bytes.append(limitChroma(chroma(component, x, y))) }
                }
            }
            return bytes
        }

        func convert(isFullRange: Bool = false, shortBy missing: Int = 0) -> [UInt8]? {
            let converter = PictureConverter(
                format: format, width: width, height: height, bytesPerLine: bytesPerLine, isFullRange: isFullRange)
            guard let converter else { return nil }
            return withBuffers(of: memories[...]) { buffers in
                converter.convert(buffers.map { UnsafeRawBufferPointer(rebasing: $0.dropLast(missing)) })
            }
        }

        private func withBuffers(
            of memories: ArraySlice<[UInt8]>, buffers: [UnsafeRawBufferPointer] = [],
            _ body: ([UnsafeRawBufferPointer]) -> [UInt8]?
        ) -> [UInt8]? {
            guard let memory = memories.first else { return body(buffers) }
            return memory.withUnsafeBytes { withBuffers(of: memories.dropFirst(), buffers: buffers + [$0], body) }
        }
    }

    private static let rawFormats = PixelFormat.allCases.filter { ![.mjpeg, .jpeg].contains($0) }
    /// Whole vectors, whole vectors and a rest, less than a vector, odd sides.
    private static let sizes = [(64, 6), (98, 4), (32, 2), (6, 6), (2, 2), (75, 5), (33, 3)]

    @Test(arguments: rawFormats, sizes)
    func `every format is converted as sample by sample`(format: PixelFormat, size: (Int, Int)) {
        for padding in [0, 16] {
            let source = Source(format, size.0, size.1, padding: padding)
            #expect(source.convert() == source.reference(), "padding \(padding)")
        }
    }

    @Test(arguments: rawFormats) func `the full range becomes the limited one`(format: PixelFormat) {
        let source = Source(format, 98, 20, padding: 6)
        let expected = source.reference(
            luma: { UInt8((16 + Double($0) * 219 / 255).rounded()) },
            chroma: { UInt8((128 + (Double($0) - 128) * 224 / 255).rounded()) })
        #expect(source.convert(isFullRange: true) == expected)
    }

    @Test func `black, white and grey of the full range are those of the limited one`() {
        var samples: [UInt8] = [0, 255, 128, 127]
        samples.withUnsafeMutableBytes { PixelRows.limitLuma($0.baseAddress!, count: 4) }
        #expect(samples == [16, 235, 126, 125])
        samples = [0, 255, 128, 127]
        samples.withUnsafeMutableBytes { PixelRows.limitChroma($0.baseAddress!, count: 4) }
        #expect(samples == [16, 240, 128, 127])
    }

    @Test(arguments: rawFormats) func `a picture that is too short is refused`(format: PixelFormat) {
        let source = Source(format, 64, 6, padding: 0)
        #expect(source.convert(shortBy: 0) != nil)
        #expect(source.convert(shortBy: 1) == nil)
        #expect(source.convert(shortBy: source.memories[0].count) == nil)
    }

    @Test(arguments: rawFormats) func `the last row's padding need not be there`(format: PixelFormat) {
        let source = Source(format, 64, 6, padding: 16)
        #expect(source.convert(shortBy: 8) == source.reference())
    }

    @Test func `rows without a given distance have no padding`() {
        let layout = PictureLayout(format: .nv12, width: 640, height: 480, bytesPerLine: [0])
        #expect(layout?.planes.map(\.stride) == [640, 640])
        #expect(layout?.planes.map(\.offset) == [0, 640 * 480])
        #expect(layout?.requiredCounts == [640 * 480 * 3 / 2])
    }

    @Test func `rows that cannot hold the picture are refused`() {
        #expect(PictureLayout(format: .yuyv, width: 640, height: 480, bytesPerLine: [640]) == nil)
        #expect(PictureLayout(format: .nv12M, width: 640, height: 480, bytesPerLine: [640]) == nil)
        #expect(PictureLayout(format: .nv12M, width: 640, height: 480, bytesPerLine: [640, 320]) == nil)
        #expect(PictureLayout(format: .yuv420, width: 640, height: 480, bytesPerLine: [.max]) == nil)
        #expect(PictureLayout(format: .yuv420, width: 0, height: 480, bytesPerLine: [640]) == nil)
        #expect(PictureConverter(format: .yuyv, width: 1 << 20, height: 1 << 20, bytesPerLine: [0]) == nil)
        #expect(PictureConverter(format: .mjpeg, width: 1, height: 1, bytesPerLine: [0]) == nil)
    }
}
