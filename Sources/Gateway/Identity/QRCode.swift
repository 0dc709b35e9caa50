import CQREncode

/// A QR code (ISO/IEC 18004), by libqrencode.
struct QRCode {
    /// How many modules it is wide and high.
    let width: Int
    private let modules: [Bool]
    /// Readers want so many light modules around it.
    private static let quietZone = 4

    /// The code that says `text`; nil where that is longer than a code can hold.
    init?(_ text: String) {
        guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1) else { return nil }
        defer { QRcode_free(code) }
        let width = Int(code.pointee.width)
        self.width = width
        modules = (0..<width * width).map { code.pointee.data[$0] & 1 == 1 }
    }

    /// Whether the module at column `x` and row `y` is dark; there is nothing but light around the code.
    func isDark(_ x: Int, _ y: Int) -> Bool {
        (0..<width).contains(x) && (0..<width).contains(y) && modules[y * width + x]
    }

    /// Lines for a terminal, two rows of modules in each, in black on white whatever the terminal's own colours are.
    var terminalText: String {
        let range = -Self.quietZone..<width + Self.quietZone
        return stride(from: range.lowerBound, to: range.upperBound, by: 2).map { y in
            let cells = range.map { x in
                switch (isDark(x, y), isDark(x, y + 1)) {
                case (true, true): "█"
                case (true, false): "▀"
                case (false, true): "▄"
                case (false, false): " "
                }
            }
            return "\u{1B}[38;5;16;48;5;231m" + cells.joined() + "\u{1B}[0m\n"
        }.joined()
    }

    /// A picture.
    var svg: String {
        let size = width + 2 * Self.quietZone
        var path = ""
        for y in 0..<width {
            for x in 0..<width where isDark(x, y) {
                path += "M\(x + Self.quietZone) \(y + Self.quietZone)h1v1h-1z"
            }
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size) \(size)" shape-rendering="crispEdges">\
            <rect width="\(size)" height="\(size)" fill="#fff"/><path d="\(path)" fill="#000"/></svg>
            """
    }
}
