import COpenSSL
import Identity

/// SHA-256 and scrypt by OpenSSL.
struct OpenSSLHashing: SecretHashing {
    /// scrypt's cost (RFC 7914 §2): with blocks of 8 it takes 16 MB, and a twentieth of a second on a desktop, a fifth on a
    /// board. To try all 2⁴⁰ codes takes one processor 1700 years.
    private static let cost: UInt64 = 1 << 14
    private static let blockSize: UInt64 = 8
    private static let memoryLimit: UInt64 = 32 << 20

    func digest(_ secret: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        precondition(EVP_Digest(secret, secret.count, &result, nil, EVP_sha256(), nil) == 1, "OpenSSL has SHA-256")
        return result
    }

    func stretch(_ code: [UInt8], salt: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        let code = code.map { CChar(bitPattern: $0) }
        let status = EVP_PBE_scrypt(
            code, code.count, salt, salt.count, Self.cost, Self.blockSize, 1, Self.memoryLimit, &result, result.count)
        // its only failures are parameters out of range, which these are not, and want of memory
        precondition(status == 1, "scrypt has the 16 MB it needs")
        return result
    }
}
