import CTurboJPEG
import Media
import Testing
import Wire

@testable import Camera

struct JPEGDecoderTests {
    /// A JPEG of soft slopes, the same at any size: luma falls from left to right, U from top to bottom, V is flat.
    private func jpeg(
        _ width: Int, _ height: Int, _ subsampling: TJSAMP = TJSAMP_422, flags: Int32 = 0
    ) throws -> [UInt8] {
        let compressor = try #require(tjInitCompress())
        defer { tjDestroy(compressor) }
        let sampling = Int32(subsampling.rawValue)
        var planes: [UInt8] = []
        for component in 0..<Int32(subsampling == TJSAMP_GRAY ? 1 : 3) {
            let planeWidth = Int(tjPlaneWidth(component, Int32(width), sampling))
            let planeHeight = Int(tjPlaneHeight(component, Int32(height), sampling))
            for y in 0..<planeHeight {
                for x in 0..<planeWidth {
                    let values = [
                        Self.luma(Double(x) / Double(planeWidth)), Self.u(Double(y) / Double(planeHeight)), Self.v,
                    ]
                    planes.append(UInt8(values[Int(component)]))
                }
            }
        }
        var buffer: UnsafeMutablePointer<UInt8>?
        var length: UInt = 0
        let result = tjCompressFromYUV(
            compressor, planes, Int32(width), 1, Int32(height), sampling, &buffer, &length, 95, flags)
        defer { tjFree(buffer) }
        try #require(result == 0)
        return Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
    }

    private static func luma(_ part: Double) -> Double { 20 + 200 * part }
    private static func u(_ part: Double) -> Double { 60 + 130 * part }
    private static let v = 180.0

    private func convert(_ data: [UInt8], _ width: Int, _ height: Int) throws -> [UInt8]? {
        let converter = try #require(PictureConverter(format: .mjpeg, width: width, height: height, bytesPerLine: [0]))
        return data.withUnsafeBytes { converter.convert([$0]) }
    }

    /// The slopes in the limited range, as far as JPEG keeps them.
    private func expectSlopes(
        _ bytes: [UInt8]?, _ width: Int, _ height: Int, of whole: (Int, Int)? = nil, isGrey: Bool = false
    ) throws {
        let bytes = try #require(bytes)
        let (wholeWidth, wholeHeight) = whole ?? (width, height)
        try #require(bytes.count == width * height * 3 / 2)
        var worst = 0.0
        for y in 0..<height {
            for x in 0..<width {
                let expected = 16 + Self.luma(Double(x) / Double(wholeWidth)) * 219 / 255
                worst = max(worst, abs(expected - Double(bytes[y * width + x])))
            }
        }
        #expect(worst < 6, "luma")
        let u = bytes[(width * height)...].prefix(width * height / 4)
        let v = bytes.suffix(width * height / 4)
        worst = 0
        for y in 0..<height / 2 {
            for x in 0..<width / 2 {
                let expectedU = isGrey ? 128 : 128 + (Self.u(Double(y) * 2 / Double(wholeHeight)) - 128) * 224 / 255
                let expectedV = isGrey ? 128 : 128 + (Self.v - 128) * 224 / 255
                worst = max(worst, abs(expectedU - Double(u[u.startIndex + y * width / 2 + x])))
                worst = max(worst, abs(expectedV - Double(v[v.startIndex + y * width / 2 + x])))
            }
        }
        #expect(worst < 8, "chroma")
    }

    @Test(arguments: [TJSAMP_420, TJSAMP_422, TJSAMP_444, TJSAMP_440, TJSAMP_411, TJSAMP_GRAY].map(\.rawValue))
    func `every subsampling becomes 4:2:0 in the limited range`(subsampling: UInt32) throws {
        let sampling = TJSAMP(subsampling)
        for (width, height) in [(128, 96), (100, 60), (66, 34)] {
            try expectSlopes(
                convert(jpeg(width, height, sampling), width, height), width, height, isGrey: sampling == TJSAMP_GRAY)
        }
    }

    @Test(arguments: [TJSAMP_420, TJSAMP_422, TJSAMP_444].map(\.rawValue))
    func `odd sides are cropped to even ones`(subsampling: UInt32) throws {
        let data = try jpeg(101, 75, TJSAMP(subsampling))
        try expectSlopes(convert(data, 101, 75), 100, 74, of: (101, 75))
    }

    @Test func `rows that the camera adds to fill a block are cropped`() throws {
        try expectSlopes(convert(jpeg(128, 104), 128, 96), 128, 96, of: (128, 104))
    }

    @Test func `a picture without Huffman tables, as cameras send it, gets the usual ones`() throws {
        let whole = try jpeg(128, 96)
        var bare: [UInt8] = []
        var index = 2
        bare += whole[..<2]
        // Segments: 0xff, a marker, a length that counts itself; 0xc4 is a Huffman table, 0xda begins the data.
        while whole[index + 1] != 0xda {
            let length = 2 + Int(whole[index + 2]) << 8 + Int(whole[index + 3])
            if whole[index + 1] != 0xc4 { bare += whole[index..<index + length] }
            index += length
        }
        bare += whole[index...]
        #expect(bare.count < whole.count - 200)
        #expect(try convert(bare, 128, 96) == convert(whole, 128, 96))
    }

    @Test func `bytes after the picture do no harm, before its end marker or behind it`() throws {
        let whole = try jpeg(128, 96)
        let expected = try convert(whole, 128, 96)
        #expect(expected != nil)
        #expect(try convert(whole + [UInt8](repeating: 0, count: 500), 128, 96) == expected)
        #expect(try convert(whole.dropLast(2) + [0, 0, 0, 0] + whole.suffix(2), 128, 96) == expected)
    }

    @Test func `a picture cut off anywhere is refused`() throws {
        let whole = try jpeg(128, 96)
        for length in stride(from: 0, to: whole.count - 2, by: 7) {
            #expect(try convert(Array(whole[..<length]), 128, 96) == nil, "\(length) of \(whole.count) bytes")
        }
    }

    @Test func `another size than was negotiated is refused`() throws {
        #expect(try convert(jpeg(64, 96), 128, 96) == nil)
        #expect(try convert(jpeg(128, 64), 128, 96) == nil)
        #expect(try convert(jpeg(1280, 960), 128, 96) == nil)
    }

    @Test func `progressive pictures are decoded`() throws {
        try expectSlopes(convert(jpeg(128, 96, TJSAMP_420, flags: TJFLAG_PROGRESSIVE), 128, 96), 128, 96)
    }

    @Test func `damaged and random pictures are refused or decoded, and never harm`() throws {
        let random = SeededRandomSource(seed: 10918)
        let converter = try #require(PictureConverter(format: .mjpeg, width: 128, height: 96, bytesPerLine: [0]))
        let whole = try jpeg(128, 96)
        let expected = whole.withUnsafeBytes { converter.convert([$0]) }
        #expect(expected != nil)
        for round in 0..<500 {
            var data = whole
            for _ in 0...random.below(8) { data[random.below(data.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if round % 10 == 0 { data = random.bytes(random.below(300)) }
            let bytes = data.withUnsafeBytes { converter.convert([$0]) }
            #expect(bytes == nil || bytes?.count == 128 * 96 * 3 / 2)
            // Whatever the damage was, the next picture is not touched by it.
            #expect(whole.withUnsafeBytes { converter.convert([$0]) } == expected)
        }
        #expect(converter.convert([]) == nil)
        #expect(converter.convert([UnsafeRawBufferPointer(start: nil, count: 0)]) == nil)
    }
}
