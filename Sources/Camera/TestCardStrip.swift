import Media

/// What the strip at the foot of a `TestCard` tells to a program that looks at the picture.
///
/// The strip is two rows of 24 cells, each light or dark, and lies, in parts of the picture, whatever its size:
///
/// ```
///        x = 0.04                                                  x = 0.96
/// y = 0.86 ┌────┬────┬────┬────┬──────────────────────┬────┬────┬────┐
///          │ L  │ 43 │ 42 │ 41 │          …           │ 23 │ 22 │ D  │  row 0
/// y = 0.92 ├────┼────┼────┼────┼──────────────────────┼────┼────┼────┤
///          │ D  │ 21 │ 20 │ 19 │          …           │  1 │  0 │ L  │  row 1
/// y = 0.98 └────┴────┴────┴────┴──────────────────────┴────┴────┴────┘
///
///   43                          17 16              8 7              0
///   ┌─────────────────────────────┬─────────────────┬────────────────┐
///   │ milliseconds since midnight │  frame number   │     CRC-8      │
///   │          (27 bits)          │  (9 bits)       │                │
///   └─────────────────────────────┴─────────────────┴────────────────┘
/// ```
///
/// L and D are always light and dark: halfway between their lumas lies the threshold of their row. A cell that is
/// lighter is a 1. Take the mean of the middle half of each cell, both ways, for coding blurs the edges. The CRC-8 has
/// the polynomial x⁸+x²+x+1 and starts at 0xff; it is taken over the 36 bits before it as five bytes, the first of
/// which has four zero bits on top. A picture in which it is wrong was torn or coded too coarsely: read the next one.
public struct TestCardStrip: Hashable, Sendable {
    /// Milliseconds since midnight on the card's clock when the picture was drawn: 0..<86,400,000.
    public let millisecondsOfDay: Int
    /// The picture's number, modulo 512. Missed pictures are counted.
    public let frameNumber: Int

    /// What the picture `frameNumber` tells at `millisecondsOfDay`; both are taken modulo their ranges.
    public init(millisecondsOfDay: Int, frameNumber: Int) {
        self.millisecondsOfDay = (millisecondsOfDay % 86_400_000 + 86_400_000) % 86_400_000
        self.frameNumber = frameNumber & 0x1ff
    }

    /// Reads the strip out of a picture of any size, such as a decoded one; nil where it cannot be read.
    public init?(in frame: VideoFrame) {
        var payload: UInt64 = 0
        for row in 0..<Self.rowCount {
            let lumas = (0..<Self.columnCount).map { Self.meanLuma(in: frame, row: row, column: $0) }
            let first = lumas[0]
            let last = lumas[Self.columnCount - 1]
            let (light, dark) = row == 0 ? (first, last) : (last, first)
            guard light - dark > Self.leastContrast else { return nil }
            for luma in lumas.dropFirst().dropLast() {
                payload = payload << 1 | (luma > (light + dark) / 2 ? 1 : 0)
            }
        }
        let content = payload >> 8
        let milliseconds = Int(content >> 9)
        guard UInt8(payload & 0xff) == Self.checksum(of: content), milliseconds < 86_400_000 else { return nil }
        self.init(millisecondsOfDay: milliseconds, frameNumber: Int(content & 0x1ff))
    }

    static let rowCount = 2
    static let columnCount = 24
    /// Less than this between light and dark is not a strip but noise.
    private static let leastContrast = 40.0

    private static let left = 0.04
    private static let right = 0.96
    private static let top = 0.86
    private static let bottom = 0.98

    /// Whether each cell is light, row by row.
    var cells: [[Bool]] {
        let content = UInt64(millisecondsOfDay) << 9 | UInt64(frameNumber)
        let payload = content << 8 | UInt64(Self.checksum(of: content))
        let bits = (0..<44).map { payload >> (43 - $0) & 1 == 1 }
        return [[true] + bits[..<22] + [false], [false] + bits[22...] + [true]]
    }

    /// The pixels of the cells' edges: one more than there are columns.
    static func columnEdges(width: Int) -> [Int] {
        (0...columnCount).map {
            Int((Double(width) * (left + (right - left) * Double($0) / Double(columnCount))).rounded())
        }
    }

    /// The pixels of the rows' edges: one more than there are rows.
    static func rowEdges(height: Int) -> [Int] {
        (0...rowCount).map {
            Int((Double(height) * (top + (bottom - top) * Double($0) / Double(rowCount))).rounded())
        }
    }

    private static func meanLuma(in frame: VideoFrame, row: Int, column: Int) -> Double {
        let columns = middle(of: column, in: columnEdges(width: frame.size.width))
        let rows = middle(of: row, in: rowEdges(height: frame.size.height))
        var sum = 0
        for y in rows { for x in columns { sum += Int(frame.bytes[y * frame.size.width + x]) } }
        return Double(sum) / Double(rows.count * columns.count)
    }

    /// The middle half of a cell, one pixel at least.
    private static func middle(of cell: Int, in edges: [Int]) -> Range<Int> {
        let quarter = (edges[cell + 1] - edges[cell]) / 4
        let start = min(edges[cell] + quarter, edges.last! - 1)
        return start..<max(start + 1, edges[cell + 1] - quarter)
    }

    private static func checksum(of content: UInt64) -> UInt8 {
        var remainder: UInt8 = 0xff
        for shift in stride(from: 32, through: 0, by: -8) {
            remainder ^= UInt8(truncatingIfNeeded: content >> UInt64(shift))
            for _ in 0..<8 { remainder = remainder & 0x80 != 0 ? remainder << 1 ^ 0x07 : remainder << 1 }
        }
        return remainder
    }
}
