/// What a shell on the board can ask of the household.
public enum HouseholdCommand: Equatable, Sendable {
    /// Make a pairing code.
    case pair
    /// List everybody and everything.
    case people
    /// Make a bearer token for the program of this name.
    case token(String)
    /// Send away who or what has this identifier.
    case revoke(String)

    /// The line for the control socket.
    var question: String {
        switch self {
        case .pair: "pair"
        case .people: "people"
        case .token(let name): "token \(name)"
        case .revoke(let name): "revoke \(name)"
        }
    }

    /// What is printed for the daemon's answer, the code or the token by itself on a line.
    func text(for answer: String) -> String? {
        switch self {
        case .people, .token, .revoke: return answer + "\n"
        case .pair:
            let words = answer.split(separator: " ").map(String.init)
            guard words.count == 2 else { return nil }
            let (code, address) = (words[0], words[1])
            let picture = QRCode("\(address)#pair=\(code)")?.terminalText ?? ""
            return "\(picture)Scan this, or open \(address) and enter the code\n\(code)\n"
        }
    }
}
