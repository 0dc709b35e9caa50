import COpenSSL

/// A cipher of OpenSSL's: the functions of the provider that has it (provider-cipher(7)).
///
/// They are called as they are, without libcrypto's EVP layer above them: for each packet that asks a context for
/// properties by name, comparing names, which with OpenSSL 3.0 takes 100 to 130 ns of the 500 that a packet of 1200 bytes
/// costs and of a small one's 350, and drives other code out of the processor's cache.
struct Cipher: @unchecked Sendable {
    static let aes128CounterMode = Cipher("AES-128-CTR")
    static let aes256CounterMode = Cipher("AES-256-CTR")
    static let aes128GCM = Cipher("AES-128-GCM")
    static let aes256GCM = Cipher("AES-256-GCM")

    fileprivate let functions: doorward_cipher

    private init(_ name: String) {
        var functions = doorward_cipher()
        precondition(doorward_cipher_fetch(name, &functions) == 1, "OpenSSL has \(name)")
        self.functions = functions
    }
}

/// A cipher with its key expanded, to be used for packet after packet.
///
/// The calls on it fail only for want of memory or by misuse, hence the preconditions.
final class CipherContext {
    private let functions: doorward_cipher
    private let context: UnsafeMutableRawPointer
    private let encrypts: Bool

    init(_ cipher: Cipher, key: [UInt8], encrypts: Bool) {
        functions = cipher.functions
        self.encrypts = encrypts
        guard let context = functions.newctx(functions.provider_context),
            (encrypts ? functions.encrypt_init : functions.decrypt_init)(context, key, key.count, nil, 0, nil) == 1
        else { preconditionFailure("a cipher takes its key") }
        self.context = context
    }

    deinit {
        functions.freectx(context)
    }

    /// Begins a packet.
    func start(iv: UnsafeRawBufferPointer) {
        let bytes = iv.assumingMemoryBound(to: UInt8.self).baseAddress
        // No key keeps the one that is there.
        let result = (encrypts ? functions.encrypt_init : functions.decrypt_init)(context, nil, 0, bytes, iv.count, nil)
        precondition(result == 1, "a cipher starts")
    }

    /// Authenticates `bytes`, which stay as they are.
    func authenticate(_ bytes: UnsafeRawBufferPointer) {
        var count = 0
        let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        let result = functions.update(context, nil, &count, bytes.count, start, bytes.count)
        precondition(result == 1, "a cipher takes associated data")
    }

    /// Encrypts or decrypts `bytes` in place.
    func update(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress, !bytes.isEmpty else { return }
        var count = 0
        let result = functions.update(context, start, &count, bytes.count, start, bytes.count)
        precondition(result == 1 && count == bytes.count, "a cipher without padding gives what it takes")
    }

    /// Ends a packet with its tag written to `tag`.
    func finish(writing tag: UnsafeMutableRawBufferPointer) {
        let isDone = finish(tag) && withTag(tag) { functions.get_ctx_params(context, $0) == 1 }
        precondition(isDone, "an AEAD gives a tag")
    }

    /// Ends a packet; says whether `tag` is the right one.
    func finish(verifying tag: UnsafeMutableRawBufferPointer) -> Bool {
        withTag(tag) { functions.set_ctx_params(context, $0) == 1 } && finish(tag)
    }

    /// Ends what is encrypted or decrypted. Nothing is written to `room`: GCM has no last block of its own.
    private func finish(_ room: UnsafeMutableRawBufferPointer) -> Bool {
        var count = 0
        return functions.final(context, room.assumingMemoryBound(to: UInt8.self).baseAddress, &count, room.count) == 1
    }

    /// Calls `body` with the list of parameters in which `tag` is the only one.
    private func withTag(_ tag: UnsafeMutableRawBufferPointer, _ body: (UnsafeMutablePointer<OSSL_PARAM>) -> Bool)
        -> Bool
    {
        var parameters = (doorward_cipher_tag(tag.baseAddress, tag.count), OSSL_PARAM())
        return withUnsafeMutableBytes(of: &parameters) { bytes in
            bytes.withMemoryRebound(to: OSSL_PARAM.self) { body($0.baseAddress!) }
        }
    }
}
