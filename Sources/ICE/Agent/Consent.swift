import Wire

/// The freshness of the peer's consent to be sent to (RFC 7675), and whether the selected pair still shows life.
struct Consent {
    /// When the last answered check was answered.
    private(set) var grantedAt: Instant
    /// When the pair last showed life: an answered check, a check of the peer, media.
    private(set) var heardAt: Instant
    /// When the next check is due.
    private(set) var nextCheckAt: Instant
    /// When the first check went out that nothing has answered since.
    private(set) var unansweredSince: Instant?
    private(set) var roundTrip: Duration
    private let configuration: ICEConfiguration

    init(
        grantedAt: Instant, roundTrip: Duration?, nextCheckAt: Instant, configuration: ICEConfiguration, at now: Instant
    ) {
        self.grantedAt = grantedAt
        self.roundTrip = roundTrip ?? .zero
        self.nextCheckAt = nextCheckAt
        self.configuration = configuration
        heardAt = now
    }

    /// RFC 7675 §5.1: "each period between consent checks MUST be randomized … between 0.8 and 1.2 times" the interval,
    /// so that peers do not fall into step.
    static func interval(_ configuration: ICEConfiguration, random: any RandomSource) -> Duration {
        let mean = configuration.consentInterval
        return mean * 4 / 5 + mean * random.below(4096) / 4096 * 2 / 5
    }

    /// When consent runs out unless a check is answered.
    var expiresAt: Instant { grantedAt + configuration.consentTimeout }

    /// When the pair counts as silent; nil while no check is unanswered. Two checks must have gone unanswered, for one
    /// may be lost on a good path.
    var disconnectsAt: Instant? {
        unansweredSince.map { max(heardAt + configuration.disconnectedTimeout, $0 + unansweredInterval * 2) }
    }

    /// When a check is due, or consent runs out.
    var dueAt: Instant { min(nextCheckAt, expiresAt) }

    func isDisconnected(at now: Instant) -> Bool {
        disconnectsAt.map { now >= $0 } ?? false
    }

    /// An unanswered check is followed sooner, so that silence is noticed, and its end.
    private var unansweredInterval: Duration { max(configuration.unansweredConsentInterval, roundTrip * 2) }

    mutating func checkSent(at now: Instant) {
        unansweredSince = unansweredSince ?? now
        nextCheckAt = now + unansweredInterval
    }

    mutating func checkAnswered(roundTrip: Duration?, nextCheckAt: Instant, at now: Instant) {
        grantedAt = now
        heardAt = now
        unansweredSince = nil
        self.nextCheckAt = nextCheckAt
        self.roundTrip = roundTrip ?? self.roundTrip
    }

    /// The path is in doubt: a check is due at once.
    mutating func checkSoon(at now: Instant) {
        nextCheckAt = now
    }

    mutating func heard(at now: Instant) {
        heardAt = max(heardAt, now)
    }
}
