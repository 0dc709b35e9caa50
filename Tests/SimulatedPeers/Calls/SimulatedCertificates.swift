import CSeededRandom
import DTLS

/// Certificates take time to make, and what is simulated does not depend on whose they are; but their lengths count, so
/// that they are the same in every process.
enum SimulatedCertificates {
    static let all: [DTLSCertificate] = {
        seeded_random_begin(1)
        defer { seeded_random_end() }
        return (0..<2).map { _ in try! DTLSCertificate(generatedAt: 0) }
    }()
}
