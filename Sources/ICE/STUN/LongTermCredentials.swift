import Wire

/// One side of the long-term credential mechanism (RFC 8489 §9.2): who the client is, and what the server has last
/// challenged it with.
struct LongTermCredentials {
    /// Why a challenge cannot be met.
    enum Refusal: Error {
        /// It has no REALM or no NONCE.
        case incomplete
        /// The nonce promises PASSWORD-ALGORITHMS and they are not there: somebody bids the security down
        /// (RFC 8489 §9.2.5).
        case bidDown
        /// None of the password algorithms is known.
        case unknownAlgorithms
        /// What every request would have to repeat is longer than it may be.
        case tooLong
    }

    /// What every request has for the challenge.
    private struct Challenge {
        let realm: String
        let nonce: String
        let algorithms: [STUNPasswordAlgorithm]?
        let isAnonymous: Bool
    }

    /// RFC 8489 §14.9, §14.10: REALM and NONCE have "fewer than 128 characters", which "can be as long as 763 bytes".
    private static let maximumTextLength = 763
    /// Many times what the algorithms of RFC 8489 §18.5.1 have.
    private static let maximumAlgorithmsLength = 256

    let username: String
    let password: String
    private var challenge: Challenge?
    /// The key of requests and of the responses to them; nil before a challenge has come.
    private(set) var key: STUNKey?

    init(username: String, password: String) {
        self.username = username
        self.password = password
    }

    /// The same challenge for another user, or another password of this one.
    func replaced(username: String, password: String) -> LongTermCredentials {
        var new = LongTermCredentials(username: username, password: password)
        new.challenge = challenge
        new.makeKey()
        return new
    }

    /// The realm of the last challenge.
    var realm: String? { challenge?.realm }

    /// The attributes that authenticate a request with `key`; none before a challenge has come (RFC 8489 §9.2.3.1).
    var attributes: [STUNAttribute] {
        guard let challenge else { return [] }
        var attributes: [STUNAttribute] = [
            challenge.isAnonymous
                ? .userHash(STUNAttribute.userHash(username: username, realm: challenge.realm)) : .username(username),
            .realm(challenge.realm), .nonce(challenge.nonce),
        ]
        if let algorithms = challenge.algorithms, let algorithm = Self.choice(of: algorithms) {
            attributes += [.passwordAlgorithms(algorithms), .passwordAlgorithm(algorithm)]
        }
        return attributes
    }

    /// Takes the challenge of a 401 or 438 response.
    mutating func take(_ response: STUNMessage) throws(Refusal) {
        guard let nonce = response.nonce, let realm = response.realm ?? challenge?.realm else { throw .incomplete }
        let features = Self.securityFeatures(of: nonce)
        let algorithms = response.passwordAlgorithms
        if features & Self.passwordAlgorithmsFeature != 0, algorithms == nil { throw .bidDown }
        if let algorithms, Self.choice(of: algorithms) == nil { throw .unknownAlgorithms }
        let algorithmBytes = algorithms?.reduce(0) { $0 + 4 + $1.parameters.count } ?? 0
        guard realm.utf8.count <= Self.maximumTextLength, nonce.utf8.count <= Self.maximumTextLength,
            algorithmBytes <= Self.maximumAlgorithmsLength
        else { throw .tooLong }
        challenge = Challenge(
            realm: realm, nonce: nonce, algorithms: algorithms,
            isAnonymous: features & Self.usernameAnonymityFeature != 0)
        makeKey()
    }

    private mutating func makeKey() {
        guard let challenge else { return }
        key = STUNKey(
            username: username, realm: challenge.realm, password: password,
            algorithm: challenge.algorithms.flatMap(Self.choice))
    }

    /// "The first algorithm supported on the list" (RFC 8489 §9.2.5).
    private static func choice(of algorithms: [STUNPasswordAlgorithm]) -> STUNPasswordAlgorithm? {
        algorithms.first { $0 == .sha256 || $0 == .md5 }
    }

    // RFC 8489 §18.1: bit 0 is the most significant of 24.
    private static let passwordAlgorithmsFeature: UInt32 = 1 << 23
    private static let usernameAnonymityFeature: UInt32 = 1 << 22

    /// RFC 8489 §9.2: a nonce that begins with "obMatJos2" goes on with the base64 of 24 bits of security features;
    /// none for any other.
    private static func securityFeatures(of nonce: String) -> UInt32 {
        let (prefix, text) = ("obMatJos2", nonce.utf8.dropFirst(9).prefix(4))
        guard nonce.hasPrefix(prefix), text.count == 4 else { return 0 }
        var bits: UInt32 = 0
        for byte in text {
            guard let value = Base64.value(of: byte) else { return 0 }
            bits = bits << 6 | UInt32(value)
        }
        return bits
    }
}

extension STUNKey {
    /// The key of long-term credentials (RFC 8489 §9.2.2, §18.5.1): for MESSAGE-INTEGRITY where no algorithm was agreed
    /// on, else for MESSAGE-INTEGRITY-SHA256. What is configured is taken to be what OpaqueString makes of it, as
    /// browsers do.
    package init(username: String, realm: String, password: String, algorithm: STUNPasswordAlgorithm?) {
        let text = "\(username):\(realm):\(password)".utf8
        let bytes = algorithm == .sha256 ? SHA256.digest(text) : MD5.digest(text)
        self.init(bytes, isSHA256: algorithm != nil)
    }
}

extension STUNAttribute {
    /// RFC 8489 §14.4: what stands for a name that is not to be told.
    package static func userHash(username: String, realm: String) -> [UInt8] {
        SHA256.digest("\(username):\(realm)".utf8)
    }
}

/// Base64 (RFC 4648 §4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The six bits that a character stands for.
    static func value(of character: UInt8) -> UInt8? {
        alphabet.firstIndex(of: character).map(UInt8.init)
    }

    /// The text of `bytes`, padded.
    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index > group.count ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * index) & 0x3F])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
