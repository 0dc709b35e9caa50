import COpenSSL
import Wire

/// The functions of Noise_…_25519_AESGCM_SHA256 (Noise specification, revision 34, §12).
enum NoiseFunctions {
    /// How many bytes AES-GCM adds to what it encrypts.
    static let tagBytes = 16

    /// SHA-256.
    static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        precondition(EVP_Digest(bytes, bytes.count, &result, nil, EVP_sha256(), nil) == 1, "OpenSSL has SHA-256")
        return result
    }

    /// §4.3, HKDF with two outputs (RFC 5869 with an empty info).
    static func derive(_ chainingKey: [UInt8], _ material: [UInt8]) -> (first: [UInt8], second: [UInt8]) {
        let key = authenticate(material, by: chainingKey)
        let first = authenticate([1], by: key)
        return (first, authenticate(first + [2], by: key))
    }

    /// HMAC-SHA256 (RFC 2104).
    private static func authenticate(_ bytes: [UInt8], by key: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        let isDone = HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &result, nil) != nil
        precondition(isDone, "OpenSSL has HMAC-SHA256")
        return result
    }

    /// AES-256-GCM: `plaintext` encrypted, and the tag behind it.
    static func encrypt(_ plaintext: [UInt8], key: [UInt8], counter: UInt64, associated: [UInt8] = []) -> [UInt8] {
        let context = start(key: key, counter: counter, associated: associated, encrypts: true)
        defer { EVP_CIPHER_CTX_free(context) }
        var result = [UInt8](repeating: 0, count: plaintext.count + tagBytes)
        var count: Int32 = 0
        let isDone = result.withUnsafeMutableBufferPointer { buffer in
            guard let output = buffer.baseAddress else { return false }
            return EVP_CipherUpdate(context, output, &count, plaintext, Int32(plaintext.count)) == 1
                && EVP_CipherFinal_ex(context, output + plaintext.count, &count) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_GET_TAG, Int32(tagBytes), output + plaintext.count) == 1
        }
        precondition(isDone, "AES-GCM encrypts whatever it is given")
        return result
    }

    /// What `ciphertext`, with its tag behind it, says; nil where it was not encrypted with this key, counter and
    /// associated data.
    static func decrypt(
        _ ciphertext: ArraySlice<UInt8>, key: [UInt8], counter: UInt64, associated: [UInt8] = []
    ) -> [UInt8]? {
        guard ciphertext.count >= tagBytes else { return nil }
        let body = Array(ciphertext.dropLast(tagBytes))
        var tag = Array(ciphertext.suffix(tagBytes))
        let context = start(key: key, counter: counter, associated: associated, encrypts: false)
        defer {
            EVP_CIPHER_CTX_free(context)
            ERR_clear_error()
        }
        var result = [UInt8](repeating: 0, count: body.count + tagBytes)
        var count: Int32 = 0
        guard EVP_CipherUpdate(context, &result, &count, body, Int32(body.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagBytes), &tag) == 1
        else { preconditionFailure("AES-GCM decrypts whatever it is given") }
        var rest = [UInt8](repeating: 0, count: tagBytes)
        guard EVP_CipherFinal_ex(context, &rest, &count) == 1 else { return nil }
        result.removeLast(tagBytes)
        return result
    }

    /// §12.4: the nonce is 32 bits of zeros and the counter, most significant byte first.
    private static func start(key: [UInt8], counter: UInt64, associated: [UInt8], encrypts: Bool) -> OpaquePointer {
        var nonce: [UInt8] = [0, 0, 0, 0]
        nonce.append(uint64: counter)
        var count: Int32 = 0
        guard let context = EVP_CIPHER_CTX_new(),
            EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, encrypts ? 1 : 0) == 1,
            EVP_CipherUpdate(context, nil, &count, associated, Int32(associated.count)) == 1
        else { preconditionFailure("OpenSSL has AES-256-GCM") }
        return context
    }
}
