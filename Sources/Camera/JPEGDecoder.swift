import CTurboJPEG
import Media

/// Decodes JPEG, as USB cameras send it, to I420 of the full range. Pictures without Huffman tables, which most cameras
/// leave out to save room, get the usual ones from libjpeg-turbo. Owned by one thread.
final class JPEGDecoder {
    private var decompressor: tjhandle
    /// Planes that do not have the output's shape are decoded to here first.
    private var scratch: [UInt8] = []

    /// nil where there is no memory.
    init?() {
        guard let decompressor = tjInitDecompress() else { return nil }
        self.decompressor = decompressor
    }

    deinit {
        tjDestroy(decompressor)
    }

    /// Decodes `data` to `picture`, cropped where it is larger. False where it is corrupt or too small; `picture` is
    /// then of no use.
    func decode(_ data: UnsafeRawBufferPointer, to picture: I420Memory) -> Bool {
        if decodePicture(data, to: picture) { return true }
        // An error in a header leaves libjpeg in the middle of it, and every picture after would fail: begin with a new
        // one.
        if let fresh = tjInitDecompress() {
            tjDestroy(decompressor)
            decompressor = fresh
        }
        return false
    }

    private func decodePicture(_ data: UnsafeRawBufferPointer, to picture: I420Memory) -> Bool {
        guard let start = data.bindMemory(to: UInt8.self).baseAddress else { return false }
        var width: Int32 = 0
        var height: Int32 = 0
        var subsampling: Int32 = 0
        var colorSpace: Int32 = 0
        guard
            tjDecompressHeader3(
                decompressor, start, UInt(data.count), &width, &height, &subsampling, &colorSpace) == 0,
            colorSpace == TJCS_YCbCr.rawValue || colorSpace == TJCS_GRAY.rawValue
        else { return false }
        let size = picture.size
        // A frame is as large as was negotiated, give or take a macroblock; a header that says otherwise is not worth
        // memory.
        guard (size.width...size.width + 32).contains(Int(width)),
            (size.height...size.height + 32).contains(Int(height))
        else { return false }
        let fits = Int(width) == size.width && Int(height) == size.height
        // Newer versions of the library answer -1 to a subsampling without a name.
        switch TJSAMP(rawValue: UInt32(bitPattern: subsampling)) {
        case TJSAMP_420 where fits:
            return decode(data, planes: [picture.luma, picture.u, picture.v])
        case TJSAMP_GRAY where fits:
            guard decode(data, planes: [picture.luma]) else { return false }
            picture.makeGrey()
            return true
        case TJSAMP_422 where fits:
            return decode422(data, to: picture)
        default:
            return decodeAny(data, width: width, height: height, subsampling: subsampling, to: picture)
        }
    }

    private func decode422(_ data: UnsafeRawBufferPointer, to picture: I420Memory) -> Bool {
        let width = picture.size.width / 2
        let count = width * picture.size.height
        return withScratch(count * 2) { chroma in
            guard decode(data, planes: [picture.luma, chroma, chroma + count]) else { return false }
            for (source, destination) in [(chroma, picture.u), (chroma + count, picture.v)] {
                for row in 0..<picture.size.height / 2 {
                    let upper = source + row * 2 * width
                    PixelRows.average(upper, upper + width, to: destination + row * width, count: width)
                }
            }
            return true
        }
    }

    /// Any subsampling and size: rare, so simple rather than fast.
    private func decodeAny(
        _ data: UnsafeRawBufferPointer, width: Int32, height: Int32, subsampling: Int32, to picture: I420Memory
    ) -> Bool {
        let isGrey = subsampling == Int32(TJSAMP_GRAY.rawValue)
        var shapes: [(width: Int, height: Int)] = []
        for component in 0..<Int32(isGrey ? 1 : 3) {
            let planeWidth = tjPlaneWidth(component, width, subsampling)
            let planeHeight = tjPlaneHeight(component, height, subsampling)
            guard planeWidth > 0, planeHeight > 0 else { return false }
            shapes.append((Int(planeWidth), Int(planeHeight)))
        }
        return withScratch(shapes.reduce(0) { $0 + $1.width * $1.height }) { start in
            var planes: [UnsafeMutableRawPointer] = []
            var end = start
            for shape in shapes {
                planes.append(end)
                end += shape.width * shape.height
            }
            guard decode(data, planes: planes) else { return false }
            PixelRows.copy(
                from: planes[0], stride: shapes[0].width, to: picture.luma, width: picture.size.width,
                rows: picture.size.height)
            guard !isGrey else {
                picture.makeGrey()
                return true
            }
            for (index, destination) in [(1, picture.u), (2, picture.v)] {
                Self.resample(
                    planes[index], shapes[index], luma: shapes[0], to: destination, width: picture.size.width / 2,
                    height: picture.size.height / 2)
            }
            return true
        }
    }

    /// Makes each of the `width` by `height` samples the mean of those that `source` has for its two by two pixels.
    private static func resample(
        _ source: UnsafeMutableRawPointer, _ shape: (width: Int, height: Int), luma: (width: Int, height: Int),
        to destination: UnsafeMutableRawPointer, width: Int, height: Int
    ) {
        // How many pixels share one sample, across and down: 1, 2 or 4. (The planes' sides may be rounded up.)
        let across = (luma.width + shape.width - 1) / shape.width
        let down = (luma.height + shape.height - 1) / shape.height
        for row in 0..<height {
            for column in 0..<width {
                var sum = 0
                for pixel in 0..<4 {
                    let y = min((row * 2 + pixel / 2) / down, shape.height - 1)
                    let x = min((column * 2 + pixel % 2) / across, shape.width - 1)
                    sum += Int(source.load(fromByteOffset: y * shape.width + x, as: UInt8.self))
                }
                destination.storeBytes(
                    of: UInt8((sum + 2) / 4), toByteOffset: row * width + column, as: UInt8.self)
            }
        }
    }

    /// Decodes into `planes`, rows without padding. False where anything was wrong with the picture.
    private func decode(_ data: UnsafeRawBufferPointer, planes: [UnsafeMutableRawPointer]) -> Bool {
        var pointers: [UnsafeMutablePointer<UInt8>?] = planes.map { $0.assumingMemoryBound(to: UInt8.self) }
        let start = data.baseAddress?.assumingMemoryBound(to: UInt8.self)
        // Without the limit a small hostile progressive picture could take minutes.
        let result = tjDecompressToYUVPlanes(
            decompressor, start, UInt(data.count), &pointers, 0, nil, 0, TJFLAG_LIMITSCANS)
        return result == 0 || isHarmless
    }

    /// Whether the last complaint is of bytes between the picture's data and its end marker (0xd9): many cameras pad
    /// there, and what comes before was whole. Any other complaint means that a part of the picture was made up.
    private var isHarmless: Bool {
        guard tjGetErrorCode(decompressor) == TJERR_WARNING.rawValue, let text = tjGetErrorStr2(decompressor) else {
            return false
        }
        return String(cString: text).hasSuffix("extraneous bytes before marker 0xd9")
    }

    private func withScratch(_ count: Int, _ body: (UnsafeMutableRawPointer) -> Bool) -> Bool {
        if scratch.count < count { scratch = [UInt8](repeating: 0, count: count) }
        return scratch.withUnsafeMutableBytes { body($0.baseAddress!) }
    }
}

extension I420Memory {
    /// Chroma without colour.
    fileprivate func makeGrey() {
        let count = size.width * size.height / 2
        u.initializeMemory(as: UInt8.self, repeating: 128, count: count)
    }
}
