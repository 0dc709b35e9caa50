/// Where the planes of an uncompressed picture lie in the memories that the driver fills.
struct PictureLayout: Hashable, Sendable {
    /// One plane: rows of samples, `stride` bytes apart.
    struct Plane: Hashable, Sendable {
        /// Which of the memories it is in.
        let memory: Int
        /// Where its first row starts.
        let offset: Int
        let stride: Int
    }

    /// In the order in which they lie: Y, U, V; Y, V, U; Y, UV; or the one packed plane.
    let planes: [Plane]
    /// The bytes that each memory must at least hold.
    let requiredCounts: [Int]

    /// The layout of a picture of `width` by `height` pixels whose rows the driver says to be `bytesPerLine` apart: of
    /// the first plane, where all are in one memory, or in each memory. Zero stands for rows without padding. nil for a
    /// compressed format, and for rows that cannot hold the picture.
    init?(format: PixelFormat, width: Int, height: Int, bytesPerLine: [Int]) {
        guard width > 0, height > 0, bytesPerLine.count == format.memoryPlaneCount else { return nil }
        let chromaWidth = (width + 1) / 2
        let chromaHeight = (height + 1) / 2
        let rows: [(bytes: Int, count: Int)]
        switch format {
        case .yuyv, .uyvy, .yvyu, .vyuy: rows = [(chromaWidth * 4, height)]
        case .nv12, .nv21, .nv12M, .nv21M: rows = [(width, height), (chromaWidth * 2, chromaHeight)]
        case .yuv420, .yvu420, .yuv420M, .yvu420M:
            rows = [(width, height), (chromaWidth, chromaHeight), (chromaWidth, chromaHeight)]
        case .mjpeg, .jpeg: return nil
        }
        let isOneMemory = format.memoryPlaneCount == 1
        var planes: [Plane] = []
        var requiredCounts = [Int](repeating: 0, count: format.memoryPlaneCount)
        var offset = 0
        for (index, row) in rows.enumerated() {
            let memory = isOneMemory ? 0 : index
            // In one memory the padding of the luma rows decides that of the chroma rows: half of it in planes of their
            // own.
            let given = isOneMemory && rows.count == 3 && index > 0 ? bytesPerLine[0] / 2 : bytesPerLine[memory]
            let stride = given == 0 ? row.bytes : given
            guard stride >= row.bytes, stride <= 1 << 20, row.count <= 1 << 16 else { return nil }
            planes.append(Plane(memory: memory, offset: isOneMemory ? offset : 0, stride: stride))
            // The last row's padding need not be there.
            requiredCounts[memory] = (isOneMemory ? offset : 0) + stride * (row.count - 1) + row.bytes
            offset += stride * row.count
        }
        self.planes = planes
        self.requiredCounts = requiredCounts
    }
}
