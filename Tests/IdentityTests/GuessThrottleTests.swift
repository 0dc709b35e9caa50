import Testing
import Wire

@testable import Identity

@Suite struct GuessThrottleTests {
    private var throttle = GuessThrottle()
    private let start = Instant(nanoseconds: 1_000_000_000_000)

    private mutating func isAdmitted(_ address: String, at now: Instant) -> Bool {
        (try? throttle.admit(from: address, at: now)) != nil
    }

    @Test mutating func `An address has some guesses, then waits longer and longer, but never for ever`() {
        var now = start
        var waits: [Duration] = []
        for _ in 0..<20 {
            do throws(IdentityError) {
                while true { try throttle.admit(from: "203.0.113.9", at: now) }
            } catch {
                guard case .tooManyGuesses(let wait) = error else { return }
                waits.append(wait)
                now += wait
            }
        }
        #expect(waits.first == .seconds(1))
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(waits.max() == .seconds(60))
    }

    @Test mutating func `Many at once get no further than one after the other`() {
        #expect((0..<100).count { _ in isAdmitted("203.0.113.9", at: start) } == 5)
    }

    @Test mutating func `A stranger with many addresses does not keep the house out`() {
        let admitted = (0..<2000).count { isAdmitted("203.0.\($0 / 250).\($0 % 250)", at: start) }
        #expect(admitted == 30)
        #expect(!isAdmitted("198.51.100.1", at: start))
        for address in ["192.168.1.4", "10.0.0.2", "172.16.3.4", "127.0.0.1", "fd00::1", "fe80::1"] {
            #expect(isAdmitted(address, at: start), "\(address)")
        }
        #expect(isAdmitted("198.51.100.1", at: start + .seconds(2)))
    }

    @Test mutating func `Whoever has an IPv6 network has one address`() {
        #expect((0..<100).count { isAdmitted("2001:db8:1:2::\($0)", at: start) } == 5)
        #expect(isAdmitted("2001:db8:1:3::1", at: start))
    }

    @Test mutating func `The right code, a new one and a quiet hour make an address new`() {
        for _ in 0..<5 { _ = isAdmitted("203.0.113.9", at: start) }
        #expect(!isAdmitted("203.0.113.9", at: start))
        throttle.forgive("203.0.113.9")
        #expect(isAdmitted("203.0.113.9", at: start))
        for _ in 0..<5 { _ = isAdmitted("203.0.113.9", at: start) }
        throttle.reset()
        #expect(isAdmitted("203.0.113.9", at: start))
        for _ in 0..<5 { _ = isAdmitted("203.0.113.9", at: start) }
        #expect((0..<10).count { _ in isAdmitted("203.0.113.9", at: start + .seconds(3601)) } == 5)
    }

    /// However a stranger goes about it, the guesses stay far below what 40 bits are.
    @Test(arguments: 0..<20 as Range<UInt64>)
    mutating func `Guesses are bounded in total, whoever makes them`(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var now = start
        var admitted = 0
        let span = Duration.seconds(900)
        while now - start < span {
            now += .milliseconds(random.below(400))
            let address = random.below(3) == 0 ? "192.168.1.\(random.below(250))" : "203.0.\(random.below(250)).1"
            if isAdmitted(address, at: now) { admitted += 1 }
        }
        #expect(admitted <= 2 * (30 + 450 + 1))
        #expect(admitted > 100)
    }
}
