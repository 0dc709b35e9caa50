import FoundationEssentials
import Meeting

/// The door's key pair for meetings, in the state folder.
struct MeetingKey {
    private let folder: StateFolder

    /// The key of `folder`, which is there.
    init(in folder: StateFolder) {
        self.folder = folder
    }

    /// The pair that was kept, or a new one, which is kept. Throws where there is one that cannot be used: a new one would
    /// make the door a stranger to every page that knows it.
    func load() throws(StateError) -> X25519KeyPair {
        guard let bytes = try folder.read(folder.meetingKeyFile, limit: 1024) else {
            let pair = X25519KeyPair(random: SystemRandomSource())
            try folder.replace(folder.meetingKeyFile, with: Array((pair.privateKey.base64URL + "\n").utf8))
            return pair
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let key = [UInt8](base64URL: trimmed(text[...])), let pair = X25519KeyPair(privateKey: key) else {
            throw StateError(
                description:
                    "\(folder.meetingKeyFile) is damaged; put back a copy of it, or move it away, whereupon every "
                    + "page has to be opened at home once")
        }
        return pair
    }
}

extension [UInt8] {
    /// The bytes in base64url without padding (RFC 4648 §5).
    var base64URL: String {
        String(
            Data(self).base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    /// The bytes that `text` stands for; nil where that is not base64url without padding.
    init?(base64URL text: String) {
        guard !text.contains(where: { "+/=".contains($0) }) else { return nil }
        let standard = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: standard + padding) else { return nil }
        self = Array(data)
    }
}
