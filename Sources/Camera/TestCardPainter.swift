import Glibc
import Media

/// Draws the pictures of a test card. What stands still is drawn once, the clock once a second, and the rest for each
/// picture.
struct TestCardPainter {
    private let size: VideoSize
    /// Everything that stands still, and the clock as of `second`.
    private var background: Canvas
    private var second: Int?
    /// The last picture, drawn on again: by then whoever got it is mostly done with it, for an encoder copies what it is
    /// given, so that no more than the moving parts is written. Where somebody is not, the array's copy on write keeps
    /// his. Nil before the first.
    private var picture: Canvas?

    private let digits: [Mask]
    private let colon: Mask
    private let clockScale: Double
    private let disc: Mask

    private static let ground = Colour(red: 0.07, green: 0.09, blue: 0.12)
    private static let rail = Colour(red: 0.22, green: 0.26, blue: 0.32)
    private static let quiet = Colour(red: 0.62, green: 0.67, blue: 0.74)
    private static let light = Colour(red: 0.92, green: 0.94, blue: 0.97)
    private static let accent = Colour(red: 1, green: 0.71, blue: 0.2)

    init(size: VideoSize, name: String, label: String) {
        self.size = size
        background = Canvas(size: size, colour: Self.ground)
        // As large as a clock of eight letters can be, with room at its sides and between the bars and the name.
        clockScale = min(
            Double(size.height) * 0.19 / Double(CardFont.capHeight),
            Double(size.width) * 0.86 / Double(CardFont.width(of: "00:00:00")))
        let scale = clockScale
        digits = (0...9).map { CardFont.mask(of: "\($0)", scale: scale) }
        colon = CardFont.mask(of: ":", scale: scale)
        let radius = max(3, Double(min(size.width, size.height)) * 0.022)
        let centre = PenPoint(x: radius + 1, y: radius + 1)
        disc = Mask(
            width: Int(radius * 2) + 2, height: Int(radius * 2) + 2, strokes: [PenStroke(start: centre, end: centre)],
            radius: radius)
        drawBars()
        drawText(name, capHeight: 0.062, top: 0.675, Colour.white)
        drawText(label, capHeight: 0.032, top: 0.765, Self.quiet)
        background.fill(x: pixels(0.04, 0.96), y: rows(0.8305, 0.8395), Self.rail)
    }

    /// The picture `frameNumber` of a card that makes `frameRate` of them a second.
    mutating func picture(_ strip: TestCardStrip, frameNumber: Int, frameRate: Double) -> [UInt8] {
        let second = strip.millisecondsOfDay / 1_000
        let isNewSecond = second != self.second
        if isNewSecond {
            drawClock(second)
            self.second = second
        }
        // out of its place meanwhile, or each row would be written to a copy
        var picture = self.picture.take() ?? background
        if isNewSecond { picture.copyRows(clockRows, from: background) }
        picture.copyRows(discRows, from: background)
        picture.drawCells(
            strip.cells, columnEdges: TestCardStrip.columnEdges(width: size.width),
            rowEdges: TestCardStrip.rowEdges(height: size.height), light: Self.light.y, dark: Self.ground.y)
        // There and back in four seconds, slowing down at the ends.
        let phase = (Double(frameNumber) / frameRate / 4).truncatingRemainder(dividingBy: 1)
        let way = 0.5 - 0.5 * cos(2 * .pi * phase)
        let left = Double(size.width) * (0.04 + 0.92 * way) - Double(disc.width) * way
        picture.draw(disc, x: Int(left), y: discTop, Self.accent)
        self.picture = picture
        return picture.bytes
    }

    private var discTop: Int { Int(Double(size.height) * 0.835) - disc.height / 2 }

    /// The rows that the disc may cover, from an even one to an even one.
    private var discRows: Range<Int> {
        let top = max(0, (discTop - 1) & ~1)
        return top..<min(size.height, top + disc.height + 4)
    }

    /// The rows that the clock may cover: from the bars to the name.
    private var clockRows: Range<Int> {
        let between = rows(0.385, 0.675)
        return between.lowerBound & ~1..<between.upperBound & ~1
    }

    /// Colour bars at three quarters, and under them the same in the other order, with black between.
    private mutating func drawBars() {
        let bars = [0b111, 0b110, 0b011, 0b010, 0b101, 0b100, 0b001].map { bits in
            Colour(
                red: bits & 0b100 != 0 ? 0.75 : 0, green: bits & 0b010 != 0 ? 0.75 : 0,
                blue: bits & 0b001 != 0 ? 0.75 : 0)
        }
        let count = Double(bars.count)
        for (index, bar) in bars.enumerated() {
            let x = pixels(Double(index) / count, Double(index + 1) / count)
            background.fill(x: x, y: rows(0, 0.34), bar)
            background.fill(x: x, y: rows(0.34, 0.385), index % 2 == 0 ? bars[bars.count - 1 - index] : Colour.black)
        }
    }

    /// A line of text in the middle, as large as `capHeight` (in parts of the picture's height) where it fits, else
    /// smaller, and in the end cut off.
    private mutating func drawText(_ text: String, capHeight: Double, top: Double, _ colour: Colour) {
        let line = text.prefix(200).split(whereSeparator: \.isNewline).joined(separator: " ")
        guard !line.isEmpty else { return }
        let widest = Double(size.width) * 0.92
        let unit = min(Double(size.height), Double(size.width) * 0.75)
        let wanted = unit * capHeight / Double(CardFont.capHeight)
        let least = max(1, wanted / 2)
        var shown = line
        while Double(CardFont.width(of: shown)) * least > widest, shown.count > 1 {
            shown = shown.dropLast(shown.hasSuffix("…") ? 2 : 1) + "…"
        }
        let scale = min(wanted, widest / Double(CardFont.width(of: shown)))
        let mask = CardFont.mask(of: shown, scale: scale)
        // Smaller letters stand on the same line.
        let base = Double(size.height) * (top + capHeight)
        let height = Double(CardFont.capHeight + CardFont.marksHeight) * scale
        background.draw(mask, x: (size.width - mask.width) / 2, y: Int(base - height), colour)
    }

    private mutating func drawClock(_ second: Int) {
        let top = Int(Double(size.height) * 0.435)
        let width = Double(CardFont.width(of: "00:00:00")) * clockScale
        let digitWidth = Double(CardFont.width(of: "0") + 1) * clockScale
        let colonWidth = Double(CardFont.width(of: ":") + 1) * clockScale
        let left = (Double(size.width) - width) / 2
        background.fill(x: 0..<size.width, y: rows(0.40, 0.655), Self.ground)
        let numbers = [second / 3_600, second / 60 % 60, second % 60]
        let marks = Int(Double(CardFont.marksHeight) * clockScale)
        var x = left
        for (index, number) in numbers.enumerated() {
            let letters =
                [number / 10 % 10, number % 10].map { (digits[$0], digitWidth) }
                + (index < 2 ? [(colon, colonWidth)] : [])
            for (mask, width) in letters {
                background.draw(mask, x: Int(x), y: top - marks, Colour.white)
                x += width
            }
        }
    }

    private func pixels(_ start: Double, _ end: Double) -> Range<Int> {
        Int((Double(size.width) * start).rounded())..<Int((Double(size.width) * end).rounded())
    }

    private func rows(_ start: Double, _ end: Double) -> Range<Int> {
        let first = Int((Double(size.height) * start).rounded())
        return first..<max(first + 2, Int((Double(size.height) * end).rounded()))
    }
}
