public import Wire

/// How often codes may be tried: by address, with waits that grow, and in total.
///
/// Waits are bounded, so that a stranger behind the household's own address keeps nobody out for ever. The total is kept
/// apart for addresses of this network and for all others: who has many addresses on the Internet can use up the one, and
/// whoever stands in the house still has the other.
public struct GuessThrottle: Sendable {
    /// So many guesses an address has without waiting.
    static let freeGuesses = 5
    /// The wait after them, which doubles with each guess,
    static let firstWait = Duration.seconds(1)
    /// up to this.
    static let longestWait = Duration.seconds(60)
    /// An address that was quiet for so long is a new one.
    static let memory = Duration.seconds(3600)
    /// The most guesses of all addresses of a kind at once,
    static let totalBurst = 30
    /// and the time until there is another.
    static let totalInterval = Duration.seconds(2)
    /// The most addresses that are remembered.
    static let maximumAddresses = 1024

    private struct Address {
        var guesses = 0
        var lastGuess: Instant
        var nextGuess: Instant
    }

    private struct Bucket {
        var level = 0
        var leaked: Instant?

        /// The time until there is room; zero where one was taken.
        mutating func take(at now: Instant) -> Duration {
            if let leaked, level > 0 {
                let drops = Int((now - leaked).nanoseconds / GuessThrottle.totalInterval.nanoseconds)
                level = max(0, level - drops)
                self.leaked = leaked + .nanoseconds(Int64(drops) * GuessThrottle.totalInterval.nanoseconds)
            }
            if level == 0 { leaked = now }
            guard level < GuessThrottle.totalBurst else {
                return GuessThrottle.totalInterval - (now - (leaked ?? now))
            }
            level += 1
            return .zero
        }
    }

    private var addresses: [Source: Address] = [:]
    private var near = Bucket()
    private var far = Bucket()

    /// A throttle that nobody has met yet.
    public init() {}

    /// Counts a guess from `address` (an IP address as text); throws where it has to wait, and then counts nothing. A
    /// guess counts before it is known to be wrong, so that many at once get no further than one after the other.
    public mutating func admit(from address: String, at now: Instant) throws(IdentityError) {
        let source = Source(address)
        addresses = addresses.filter { now - $0.value.lastGuess < Self.memory }
        var entry = addresses[source] ?? Address(lastGuess: now, nextGuess: now)
        guard entry.nextGuess <= now else { throw .tooManyGuesses(wait: entry.nextGuess - now) }
        let wait = source.isNear ? near.take(at: now) : far.take(at: now)
        guard wait == .zero else { throw .tooManyGuesses(wait: wait) }
        entry.guesses += 1
        entry.lastGuess = now
        entry.nextGuess = now + Self.wait(after: entry.guesses)
        if addresses[source] == nil, addresses.count >= Self.maximumAddresses,
            let oldest = addresses.min(by: { $0.value.lastGuess < $1.value.lastGuess })
        {
            // forgetting an address gives it its free guesses again; the total still holds
            addresses[oldest.key] = nil
        }
        addresses[source] = entry
    }

    /// Forgets the guesses of an address from which the right code came.
    public mutating func forgive(_ address: String) {
        addresses[Source(address)] = nil
    }

    /// Forgets everything: somebody at the device itself has asked for a new code, and none of the guesses was at that.
    public mutating func reset() {
        self = GuessThrottle()
    }

    static func wait(after guesses: Int) -> Duration {
        guard guesses >= freeGuesses else { return .zero }
        return min(longestWait, firstWait * (1 << min(guesses - freeGuesses, 20)))
    }
}

extension GuessThrottle {
    /// Where a guess came from: whoever has an IPv6 address has 2⁶⁴ of them.
    private struct Source: Hashable {
        let network: [UInt8]
        let isNear: Bool

        init(_ text: String) {
            guard let address = IPAddress(text) else {
                network = Array(text.utf8.prefix(64))
                isNear = false
                return
            }
            let bytes = address.bytes
            network = Array(bytes.prefix(bytes.count == 4 ? 4 : 8))
            isNear = address.isLoopback || address.isLinkLocal || Self.isPrivate(bytes)
        }

        /// RFC 1918 §3 and RFC 4193 §3.1.
        private static func isPrivate(_ bytes: [UInt8]) -> Bool {
            switch bytes.count {
            case 4:
                bytes[0] == 10 || bytes[0] == 172 && bytes[1] & 0xF0 == 16 || bytes[0] == 192 && bytes[1] == 168
            default:
                bytes[0] & 0xFE == 0xFC
            }
        }
    }
}
