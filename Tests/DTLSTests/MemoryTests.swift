import COpenSSL
import DTLS
import Glibc
import Synchronization
import Testing
import Wire

/// Counts the associations that OpenSSL keeps, by the thread that made them: other tests have theirs.
enum AssociationCounter {
    private static let alive = Mutex<[pthread_t: Int]>([:])

    private static let registration = CRYPTO_get_ex_new_index(
        CRYPTO_EX_INDEX_SSL, 0, nil,
        { _, _, _, _, _, _ in AssociationCounter.alive.withLock { $0[pthread_self(), default: 0] += 1 } }, nil,
        { _, _, _, _, _, _ in AssociationCounter.alive.withLock { $0[pthread_self(), default: 0] -= 1 } })

    /// How many this thread made since the first call and has not freed.
    static var count: Int {
        precondition(registration >= 0)
        return alive.withLock { $0[pthread_self(), default: 0] }
    }
}

@Suite("Memory")
struct MemoryTests {
    @Test("is given back by every association, finished or not")
    func associations() {
        let before = AssociationCounter.count
        for number in 0..<400 {
            associate(number)
            #expect(AssociationCounter.count == before)
        }
    }

    private func associate(_ number: Int) {
        weak var client: DTLSTransport?
        do {
            let link = SimulatedLink(seed: UInt64(number))
            client = link.client.transport
            if number % 4 == 0 { link.filter = { _, number in number < 1 } }
            if number % 10 == 5 {
                link.handle(.remoteFingerprints([certificates.stranger.fingerprint()]), client: true)
            }
            link.connect(limit: .seconds(1))
            if number % 3 == 0 { link.handle(.close, client: true) }
            #expect(client != nil)
        }
        #expect(client == nil)
    }
}
