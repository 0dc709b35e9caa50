/// Why a handshake came to nothing.
public enum NoiseError: Error, Hashable, Sendable {
    /// A message is shorter than what must be in it, or longer than any may be.
    case badLength
    /// A public key is none that a secret can be shared with.
    case badKey
    /// A part does not decrypt: it was changed on the way, or is not for this key or this conversation.
    case notAuthentic
}

/// What both sides have after a handshake: a key for each direction.
public struct NoiseTransportKeys: Hashable, Sendable {
    /// What this side encrypts with, 32 bytes.
    public let sending: [UInt8]
    /// What the other side encrypts with, 32 bytes.
    public let receiving: [UInt8]
}

/// Noise_IK_25519_AESGCM_SHA256 (Noise specification, revision 34, §7.5):
///
/// ```
/// IK:
///   <- s
///   ...
///   -> e, es, s, ss
///   <- e, ee, se
/// ```
///
/// The initiator knows the responder's static key beforehand. Who cannot use that key learns nothing from the first
/// message; who has read it knows the initiator's static key, and that its owner wrote the message — now or, as a message
/// can be repeated, once. Only what is encrypted with the keys after the second message is certain to be new.
enum NoiseIK {
    static let name = "Noise_IK_25519_AESGCM_SHA256"
    /// §3: no message is longer.
    static let maximumBytes = 65_535

    static func start(responder: [UInt8], prologue: [UInt8]) -> SymmetricState {
        var state = SymmetricState(protocol: name)
        state.mix(hash: prologue)
        state.mix(hash: responder)
        return state
    }

    /// §5.2, SymmetricState with its CipherState.
    struct SymmetricState: Sendable {
        private var chainingKey: [UInt8]
        private(set) var hash: [UInt8]
        private var key: [UInt8] = []
        private var counter: UInt64 = 0

        init(protocol name: String) {
            // a name of at most 32 bytes is padded; this one has 28
            let bytes = Array(name.utf8)
            hash = bytes + [UInt8](repeating: 0, count: 32 - bytes.count)
            chainingKey = hash
        }

        mutating func mix(hash bytes: [UInt8]) {
            hash = NoiseFunctions.hash(hash + bytes)
        }

        mutating func mix(key material: [UInt8]?) throws(NoiseError) {
            guard let material else { throw .badKey }
            (chainingKey, key) = NoiseFunctions.derive(chainingKey, material)
            counter = 0
        }

        mutating func encrypt(_ plaintext: [UInt8]) -> [UInt8] {
            let ciphertext = NoiseFunctions.encrypt(plaintext, key: key, counter: counter, associated: hash)
            counter += 1
            mix(hash: ciphertext)
            return ciphertext
        }

        mutating func decrypt(_ ciphertext: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
            guard
                let plaintext = NoiseFunctions.decrypt(ciphertext, key: key, counter: counter, associated: hash)
            else { throw .notAuthentic }
            counter += 1
            mix(hash: Array(ciphertext))
            return plaintext
        }

        /// The keys of the initiator's direction and of the responder's.
        func split() -> (initiator: [UInt8], responder: [UInt8]) {
            let (initiator, responder) = NoiseFunctions.derive(chainingKey, [])
            return (initiator, responder)
        }
    }
}

/// The side that is called: the door.
public struct NoiseResponder: Sendable {
    private let remoteEphemeral: [UInt8]
    private var state: NoiseIK.SymmetricState
    /// The initiator's static public key, which is proven to be his.
    public let remoteKey: [UInt8]
    /// What the initiator said along with it.
    public let payload: [UInt8]

    /// Reads the first message, as the owner of `keys`; both sides have to name the same `prologue`.
    public init(keys: X25519KeyPair, prologue: [UInt8], message: ArraySlice<UInt8>) throws(NoiseError) {
        let keyBytes = X25519KeyPair.keyBytes
        let sealedKeyBytes = keyBytes + NoiseFunctions.tagBytes
        guard message.count >= keyBytes + sealedKeyBytes + NoiseFunctions.tagBytes,
            message.count <= NoiseIK.maximumBytes
        else { throw .badLength }
        var state = NoiseIK.start(responder: keys.publicKey, prologue: prologue)
        let ephemeral = Array(message.prefix(keyBytes))
        state.mix(hash: ephemeral)
        try state.mix(key: keys.secret(with: ephemeral))
        let remoteKey = try state.decrypt(message.dropFirst(keyBytes).prefix(sealedKeyBytes))
        try state.mix(key: keys.secret(with: remoteKey))
        payload = try state.decrypt(message.dropFirst(keyBytes + sealedKeyBytes))
        remoteEphemeral = ephemeral
        self.remoteKey = remoteKey
        self.state = state
    }

    /// Writes the second message, with an `ephemeral` pair that was made for it alone.
    public func answer(
        _ payload: [UInt8], ephemeral: X25519KeyPair
    ) throws(NoiseError) -> (message: [UInt8], keys: NoiseTransportKeys) {
        var state = state
        state.mix(hash: ephemeral.publicKey)
        try state.mix(key: ephemeral.secret(with: remoteEphemeral))
        try state.mix(key: ephemeral.secret(with: remoteKey))
        let message = ephemeral.publicKey + state.encrypt(payload)
        let keys = state.split()
        return (message, NoiseTransportKeys(sending: keys.responder, receiving: keys.initiator))
    }
}

/// The side that calls: the page, and here what tests it.
public struct NoiseInitiator: Sendable {
    private let keys: X25519KeyPair
    private let ephemeral: X25519KeyPair
    private var state: NoiseIK.SymmetricState
    /// The first message.
    public let message: [UInt8]

    /// Calls the owner of the public key `responder`, as the owner of `keys`, with an `ephemeral` pair that was made for
    /// this alone.
    public init(
        keys: X25519KeyPair, responder: [UInt8], prologue: [UInt8], payload: [UInt8], ephemeral: X25519KeyPair
    ) throws(NoiseError) {
        var state = NoiseIK.start(responder: responder, prologue: prologue)
        state.mix(hash: ephemeral.publicKey)
        try state.mix(key: ephemeral.secret(with: responder))
        let sealedKey = state.encrypt(keys.publicKey)
        try state.mix(key: keys.secret(with: responder))
        message = ephemeral.publicKey + sealedKey + state.encrypt(payload)
        self.keys = keys
        self.ephemeral = ephemeral
        self.state = state
    }

    /// Reads the second message.
    public func finish(
        _ message: ArraySlice<UInt8>
    ) throws(NoiseError) -> (payload: [UInt8], keys: NoiseTransportKeys) {
        let keyBytes = X25519KeyPair.keyBytes
        guard message.count >= keyBytes + NoiseFunctions.tagBytes, message.count <= NoiseIK.maximumBytes else {
            throw .badLength
        }
        var state = state
        let remote = Array(message.prefix(keyBytes))
        state.mix(hash: remote)
        try state.mix(key: ephemeral.secret(with: remote))
        try state.mix(key: keys.secret(with: remote))
        let payload = try state.decrypt(message.dropFirst(keyBytes))
        let split = state.split()
        return (payload, NoiseTransportKeys(sending: split.initiator, receiving: split.responder))
    }
}
