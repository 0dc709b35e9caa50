/// The letters of the test card: drawn on a grid of 5 by 7 points with a row more for descenders and three more for
/// marks, and stroked with a round pen that cuts the corners, so that they are smooth at any size.
enum CardFont {
    /// Points from the top of a capital to the base line.
    static let capHeight = 7
    /// Rows of points above a capital, for its mark.
    static let marksHeight = 3
    private static let rowCount = marksHeight + capHeight + 1
    private static let columnCount = 5
    /// Half the pen's width, in points.
    private static let pen = 0.47

    /// `text` in letters whose points are `scale` pixels apart, with `marksHeight` rows of points above the capitals.
    static func mask(of text: some StringProtocol, scale: Double) -> Mask {
        var strokes: [PenStroke] = []
        var start = 0
        for letter in text.unicodeScalars.map(Letter.init) {
            strokes += letter.strokes.map { $0.moved(right: Double(start) + 0.5, down: 0.5, scale: scale) }
            start += letter.width + 1
        }
        return Mask(
            width: Int((Double(max(1, start - 1)) * scale).rounded(.up)),
            height: Int((Double(rowCount) * scale).rounded(.up)), strokes: strokes, radius: pen * scale)
    }

    /// How wide `mask(of:scale:)` is, in points.
    static func width(of text: some StringProtocol) -> Int {
        max(1, text.unicodeScalars.reduce(-1) { $0 + Letter($1).width + 1 })
    }

    private struct Letter {
        let strokes: [PenStroke]
        /// Columns of points, without the gap to the next letter.
        let width: Int

        init(_ scalar: Unicode.Scalar) {
            let points = CardFont.points(of: scalar)
            let used = (0..<columnCount).filter { column in points.contains { $0[column] } }
            if ("0"..."9").contains(scalar) {
                // All digits are as wide as each other, so that a clock stands still.
                width = columnCount
                strokes = PenStroke.strokes(through: points)
            } else if let first = used.first, let last = used.last {
                width = last - first + 1
                strokes = PenStroke.strokes(through: points.map { Array($0[first...last]) })
            } else {
                width = 3
                strokes = []
            }
        }
    }

    /// The letter's points, row by row from the topmost mark down.
    private static func points(of scalar: Unicode.Scalar) -> [[Bool]] {
        let (base, mark) = parts[scalar] ?? (scalar, nil)
        var columns = columns(of: base)
        let isSmall = ("a"..."z").contains(base)
        // The dot of the i gives way to the mark.
        if mark != nil, base == "i" { columns &= 0xfefe_fefe_fe }
        var points = (0..<rowCount).map { row in
            (0..<columnCount).map { column -> Bool in
                guard row >= marksHeight else { return false }
                let bit = 8 * (columnCount - 1 - column) + row - marksHeight
                return columns >> bit & 1 == 1
            }
        }
        for (row, column) in mark?.points ?? [] {
            points[row + (isSmall && mark != .cedilla ? 2 : 0)][column] = true
        }
        return points
    }

    /// One byte a column from left to right, the lowest bit on top. A box for what is not known.
    private static func columns(of scalar: Unicode.Scalar) -> UInt64 {
        switch scalar {
        case "ß": 0x7e_01_49_56_20
        case "–", "—": 0x08_08_08_08_08
        case "’", "‘": 0x00_00_07_00_00
        case "·", "•": 0x00_00_08_00_00
        case "…": 0x40_00_40_00_40
        case " "..."~": ascii[Int(scalar.value) - 0x20]
        default: 0x7f_41_41_41_7f
        }
    }

    private enum Mark {
        case grave, acute, circumflex, tilde, diaeresis, ring, cedilla

        /// Row and column; two rows above a capital, one row apart from it.
        var points: [(Int, Int)] {
            switch self {
            case .grave: [(0, 1), (1, 2)]
            case .acute: [(0, 3), (1, 2)]
            case .circumflex: [(1, 1), (0, 2), (1, 3)]
            case .tilde: [(1, 0), (0, 1), (1, 2), (1, 3), (0, 4)]
            case .diaeresis: [(1, 1), (1, 3)]
            case .ring: [(0, 2), (1, 1), (1, 3), (2, 2)]
            case .cedilla: [(10, 2), (10, 1)]
            }
        }
    }

    /// Letters of western Europe, as a letter and its mark.
    private static let parts: [Unicode.Scalar: (Unicode.Scalar, Mark?)] = {
        let marks: [(Mark, String, String)] = [
            (.grave, "ÀÈÌÒÙàèìòù", "AEIOUaeiou"), (.acute, "ÁÉÍÓÚÝáéíóúý", "AEIOUYaeiouy"),
            (.circumflex, "ÂÊÎÔÛâêîôû", "AEIOUaeiou"), (.tilde, "ÃÑÕãñõ", "ANOano"),
            (.diaeresis, "ÄËÏÖÜäëïöüÿ", "AEIOUaeiouy"), (.ring, "Åå", "Aa"), (.cedilla, "Çç", "Cc"),
        ]
        var parts: [Unicode.Scalar: (Unicode.Scalar, Mark?)] = [:]
        for (mark, letters, bases) in marks {
            for (letter, base) in zip(letters.unicodeScalars, bases.unicodeScalars) { parts[letter] = (base, mark) }
        }
        return parts
    }()

    /// From the space to the tilde.
    private static let ascii: [UInt64] = [
        0x00_00_00_00_00, 0x00_00_5f_00_00, 0x00_07_00_07_00, 0x14_7f_14_7f_14, 0x24_2a_7f_2a_12, 0x23_13_08_64_62,
        0x36_49_56_20_50, 0x00_00_07_00_00, 0x00_1c_22_41_00, 0x00_41_22_1c_00, 0x14_08_3e_08_14, 0x08_08_3e_08_08,
        0x00_80_40_00_00, 0x08_08_08_08_08, 0x00_00_40_00_00, 0x20_10_08_04_02, 0x3e_41_41_41_3e, 0x00_42_7f_40_00,
        0x62_51_49_49_46, 0x22_41_49_49_36, 0x18_14_12_7f_10, 0x27_45_45_45_39, 0x3c_4a_49_49_30, 0x01_71_09_05_03,
        0x36_49_49_49_36, 0x06_49_49_29_1e, 0x00_00_14_00_00, 0x00_80_54_00_00, 0x08_14_22_41_00, 0x14_14_14_14_14,
        0x00_41_22_14_08, 0x02_01_51_09_06, 0x3e_41_5d_55_1e, 0x7c_12_11_12_7c, 0x7f_49_49_49_36, 0x3e_41_41_41_22,
        0x7f_41_41_41_3e, 0x7f_49_49_49_41, 0x7f_09_09_09_01, 0x3e_41_49_49_7a, 0x7f_08_08_08_7f, 0x00_41_7f_41_00,
        0x20_40_41_3f_01, 0x7f_08_14_22_41, 0x7f_40_40_40_40, 0x7f_02_0c_02_7f, 0x7f_04_08_10_7f, 0x3e_41_41_41_3e,
        0x7f_09_09_09_06, 0x3e_41_51_21_5e, 0x7f_09_19_29_46, 0x26_49_49_49_32, 0x01_01_7f_01_01, 0x3f_40_40_40_3f,
        0x1f_20_40_20_1f, 0x3f_40_38_40_3f, 0x63_14_08_14_63, 0x03_04_78_04_03, 0x61_51_49_45_43, 0x00_7f_41_41_00,
        0x02_04_08_10_20, 0x00_41_41_7f_00, 0x04_02_01_02_04, 0x40_40_40_40_40, 0x00_01_02_04_00, 0x20_54_54_54_78,
        0x7f_48_44_44_38, 0x38_44_44_44_28, 0x38_44_44_48_7f, 0x38_54_54_54_18, 0x08_7e_09_01_00, 0x18_a4_a4_a4_7c,
        0x7f_08_04_04_78, 0x00_44_7d_40_00, 0x40_80_84_7d_00, 0x7f_10_28_44_00, 0x00_41_7f_40_00, 0x7c_04_78_04_78,
        0x7c_08_04_04_78, 0x38_44_44_44_38, 0xfc_24_24_24_18, 0x18_24_24_24_fc, 0x7c_08_04_04_08, 0x48_54_54_54_24,
        0x04_3f_44_44_20, 0x3c_40_40_20_7c, 0x1c_20_40_20_1c, 0x3c_40_30_40_3c, 0x44_28_10_28_44, 0x1c_a0_a0_a0_7c,
        0x44_64_54_4c_44, 0x00_08_36_41_00, 0x00_00_7f_00_00, 0x00_41_36_08_00, 0x04_02_04_08_04,
    ]
}
