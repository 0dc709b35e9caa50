import Wire

/// What people read off one screen and type at another: digits and capitals, without those that look like others
/// (Crockford's base 32).
enum HumanText {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    /// `count` random characters of five bits each.
    static func text(from random: any RandomSource, count: Int) -> String {
        String((0..<count).map { _ in alphabet[random.below(alphabet.count)] })
    }

    /// What was meant by `text`, however it was typed: hyphens, spaces and case do not matter, and a letter that is not
    /// in the alphabet is the digit that it looks like. Nil where it is none of our texts.
    static func canonical(_ text: String, count: Int) -> String? {
        guard text.utf8.count <= 4 * count else { return nil }
        var result = ""
        for character in text.uppercased() {
            switch character {
            case "-", " ": continue
            case "O": result.append("0")
            case "I", "L": result.append("1")
            default:
                guard alphabet.contains(character) else { return nil }
                result.append(character)
            }
        }
        return result.count == count ? result : nil
    }
}
