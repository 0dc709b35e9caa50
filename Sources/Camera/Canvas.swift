import Media

/// A colour in BT.601's limited range.
struct Colour: Hashable, Sendable {
    let y: UInt8
    let u: UInt8
    let v: UInt8

    /// From red, green and blue, 0 to 1.
    init(red: Double, green: Double, blue: Double) {
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue
        y = UInt8((16 + 219 * luma).rounded())
        u = UInt8((128 + 224 * (blue - luma) / 1.772).rounded())
        v = UInt8((128 + 224 * (red - luma) / 1.402).rounded())
    }

    static let black = Colour(red: 0, green: 0, blue: 0)
    static let white = Colour(red: 1, green: 1, blue: 1)
}

/// A shape with soft edges: how much of each pixel it covers, for luma and, at half the size, for chroma.
struct Mask: Sendable {
    /// Even, as is `height`.
    let width: Int
    let height: Int
    let luma: [UInt8]
    let chroma: [UInt8]

    /// What a round pen of `radius` pixels leaves that is drawn along `strokes`, in a box of `width` by `height`
    /// pixels, rounded up to even.
    init(width: Int, height: Int, strokes: [PenStroke], radius: Double) {
        let evenWidth = (width + 1) & ~1
        let evenHeight = (height + 1) & ~1
        self.width = evenWidth
        self.height = evenHeight
        var luma = [UInt8](repeating: 0, count: evenWidth * evenHeight)
        for stroke in strokes {
            let reach = radius + 1
            let left = Int(min(stroke.start.x, stroke.end.x) - reach)
            let right = Int(max(stroke.start.x, stroke.end.x) + reach)
            let top = Int(min(stroke.start.y, stroke.end.y) - reach)
            let bottom = Int(max(stroke.start.y, stroke.end.y) + reach)
            for y in (top..<bottom + 1).clamped(to: 0..<evenHeight) {
                for x in (left..<right + 1).clamped(to: 0..<evenWidth) {
                    let place = y * evenWidth + x
                    if luma[place] == 255 { continue }
                    let distance = stroke.distance(to: PenPoint(x: Double(x) + 0.5, y: Double(y) + 0.5))
                    let covered = UInt8(min(max(radius + 0.5 - distance, 0), 1) * 255)
                    if covered > luma[place] { luma[place] = covered }
                }
            }
        }
        self.luma = luma
        chroma = (0..<evenWidth * evenHeight / 4).map { index in
            let corner = index / (evenWidth / 2) * 2 * evenWidth + index % (evenWidth / 2) * 2
            let sum = Int(luma[corner]) + Int(luma[corner + 1]) + Int(luma[corner + evenWidth])
            return UInt8((sum + Int(luma[corner + evenWidth + 1])) / 4)
        }
    }
}

/// An I420 picture to draw on. What lies outside is cut off.
struct Canvas: Sendable {
    let size: VideoSize
    private(set) var bytes: [UInt8]

    init(size: VideoSize, colour: Colour) {
        self.size = size
        bytes = []
        bytes.reserveCapacity(size.i420ByteCount)
        let count = size.width * size.height
        bytes.append(contentsOf: repeatElement(colour.y, count: count))
        bytes.append(contentsOf: repeatElement(colour.u, count: count / 4))
        bytes.append(contentsOf: repeatElement(colour.v, count: count / 4))
    }

    /// Fills a rectangle; edges between chroma samples are moved to even pixels.
    mutating func fill(x: Range<Int>, y: Range<Int>, _ colour: Colour) {
        let columns = x.even.clamped(to: 0..<size.width)
        let rows = y.even.clamped(to: 0..<size.height)
        guard !columns.isEmpty, !rows.isEmpty else { return }
        bytes.withUnsafeMutableBytes { bytes in
            let picture = I420Memory(bytes.baseAddress!, size: size)
            for row in rows {
                (picture.luma + row * size.width + columns.lowerBound).initializeMemory(
                    as: UInt8.self, repeating: colour.y, count: columns.count)
            }
            for row in rows.lowerBound / 2..<rows.upperBound / 2 {
                let offset = row * size.width / 2 + columns.lowerBound / 2
                (picture.u + offset).initializeMemory(as: UInt8.self, repeating: colour.u, count: columns.count / 2)
                (picture.v + offset).initializeMemory(as: UInt8.self, repeating: colour.v, count: columns.count / 2)
            }
        }
    }

    /// Takes the rows `rows`, from an even one to an even one, from `other`, a picture of the same size.
    mutating func copyRows(_ rows: Range<Int>, from other: Canvas) {
        let luma = size.width * size.height
        let planes =
            [(0, size.width, rows)]
            + [luma, luma + luma / 4].map {
                ($0, size.width / 2, rows.lowerBound / 2..<rows.upperBound / 2)
            }
        bytes.withUnsafeMutableBytes { bytes in
            other.bytes.withUnsafeBytes { source in
                for (start, rowLength, rows) in planes {
                    let place = start + rows.lowerBound * rowLength
                    (bytes.baseAddress! + place).copyMemory(
                        from: source.baseAddress! + place, byteCount: rows.count * rowLength)
                }
            }
        }
    }

    /// Draws `mask` in `colour` with its top left corner at (`x`, `y`), moved to even pixels.
    mutating func draw(_ mask: Mask, x: Int, y: Int, _ colour: Colour) {
        let width = size.width
        let height = size.height
        bytes.withUnsafeMutableBufferPointer { bytes in
            Self.blend(
                mask.luma, width: mask.width, into: bytes[..<(width * height)], x: x & ~1, y: y & ~1, rowLength: width,
                colour.y)
            let u = width * height
            let v = u + u / 4
            for (start, value) in [(u, colour.u), (v, colour.v)] {
                Self.blend(
                    mask.chroma, width: mask.width / 2, into: bytes[start..<start + u / 4], x: x >> 1, y: y >> 1,
                    rowLength: width / 2, value)
            }
        }
    }

    /// Draws cells of `light` (true) and `dark` luma, row by row; `columnEdges` and `rowEdges` are where they begin and
    /// end.
    mutating func drawCells(_ cells: [[Bool]], columnEdges: [Int], rowEdges: [Int], light: UInt8, dark: UInt8) {
        bytes.withUnsafeMutableBytes { bytes in
            for (row, cells) in cells.enumerated() {
                let first = bytes.baseAddress! + rowEdges[row] * size.width
                for (column, isLight) in cells.enumerated() {
                    (first + columnEdges[column]).initializeMemory(
                        as: UInt8.self, repeating: isLight ? light : dark,
                        count: columnEdges[column + 1] - columnEdges[column])
                }
                let start = columnEdges[0]
                let length = columnEdges.last! - start
                for y in rowEdges[row] + 1..<max(rowEdges[row] + 1, rowEdges[row + 1]) {
                    (bytes.baseAddress! + y * size.width + start).copyMemory(from: first + start, byteCount: length)
                }
            }
        }
    }

    private static func blend(
        _ coverage: [UInt8], width: Int, into plane: Slice<UnsafeMutableBufferPointer<UInt8>>, x: Int, y: Int,
        rowLength: Int, _ value: UInt8
    ) {
        let plane = UnsafeMutableBufferPointer(rebasing: plane)
        let columns = (x..<x + width).clamped(to: 0..<rowLength)
        let rows = (y..<y + coverage.count / max(width, 1)).clamped(to: 0..<plane.count / rowLength)
        coverage.withUnsafeBufferPointer { coverage in
            for row in rows {
                for column in columns {
                    let part = Int(coverage[(row - y) * width + column - x])
                    let place = row * rowLength + column
                    let old = Int(plane[place])
                    plane[place] = UInt8(truncatingIfNeeded: old + ((Int(value) - old) * part + 127) / 255)
                }
            }
        }
    }
}

extension Range<Int> {
    fileprivate var even: Range<Int> { lowerBound & ~1..<Swift.max(lowerBound & ~1, upperBound & ~1) }
}
