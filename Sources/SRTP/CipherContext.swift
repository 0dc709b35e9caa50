import COpenSSL

/// An OpenSSL cipher with its key expanded, to be used for packet after packet.
///
/// The calls on it fail only for want of memory or by misuse, hence the preconditions.
final class CipherContext {
    private let context: OpaquePointer

    init(_ cipher: OpaquePointer?, key: [UInt8], encrypts: Bool) {
        guard let context = EVP_CIPHER_CTX_new(),
            EVP_CipherInit_ex(context, cipher, nil, key, nil, encrypts ? 1 : 0) == 1
        else { preconditionFailure("OpenSSL has the cipher") }
        self.context = context
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// Begins a packet.
    func start(iv: UnsafeRawBufferPointer) {
        // −1 keeps the direction; no cipher and no key keep those.
        let result = EVP_CipherInit_ex(context, nil, nil, nil, iv.assumingMemoryBound(to: UInt8.self).baseAddress, -1)
        precondition(result == 1, "a cipher starts")
    }

    /// Authenticates `bytes`, which stay as they are.
    func authenticate(_ bytes: UnsafeRawBufferPointer) {
        var count: Int32 = 0
        let result = EVP_CipherUpdate(
            context, nil, &count, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, Int32(bytes.count))
        precondition(result == 1, "a cipher takes associated data")
    }

    /// Encrypts or decrypts `bytes` in place.
    func update(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress, !bytes.isEmpty else { return }
        var count: Int32 = 0
        let result = EVP_CipherUpdate(context, start, &count, start, Int32(bytes.count))
        precondition(result == 1 && count == bytes.count, "a cipher without padding gives what it takes")
    }

    /// Ends a packet with its tag written to `tag`.
    func finish(writing tag: UnsafeMutableRawBufferPointer) {
        var count: Int32 = 0
        let isDone =
            EVP_CipherFinal_ex(context, tag.assumingMemoryBound(to: UInt8.self).baseAddress, &count) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), tag.baseAddress) == 1
        precondition(isDone, "an AEAD gives a tag")
    }

    /// Ends a packet; says whether `tag` is the right one.
    func finish(verifying tag: UnsafeMutableRawBufferPointer) -> Bool {
        var count: Int32 = 0
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), tag.baseAddress) == 1 else {
            return false
        }
        // Nothing is written: GCM has no last block of its own.
        return EVP_CipherFinal_ex(context, tag.assumingMemoryBound(to: UInt8.self).baseAddress, &count) == 1
    }
}
