import Identity
import Synchronization
import Web
import Wire

/// Knows who belongs to the household, and changes who does.
///
/// Any thread may ask. Changes are made one after another on a thread of their own, because they take as long as scrypt
/// and a disk do:
///
/// ```
/// change ──► copy of the household ──► file ──► the household ──► answer
///                  └─ refused: nothing changed ─────────────────────┘
/// ```
final class Doorkeeper: Sendable {
    /// What a change needs that is random or secret, and the time.
    struct Means {
        let random = SystemRandomSource()
        let hashing = OpenSSLHashing()
        let now: Timestamp
    }

    /// Why nothing was changed.
    enum Refusal: Error {
        /// The household's own reason.
        case household(IdentityError)
        /// It could not be kept, and so it was not done.
        case notKept(StateError)
        /// There is too much to do.
        case busy
    }

    private struct State {
        var household: Household
        var throttle = GuessThrottle()
        /// The code that the first owner is to use, as long as nobody has.
        var firstCode: String?
        /// Whose use is about to be noted.
        var noted: Set<Caller> = []
    }

    /// Whether the household is asked who may do what; otherwise everybody may, but for changing it.
    let isAsked: Bool
    private let file: HouseholdFile?
    private let state: Mutex<State>
    private let thread = ChangeThread(name: "household", capacity: 64)
    /// Is told of every change, on the thread that makes them.
    private let onChange: @Sendable () -> Void

    /// The keeper of the household in `file`, or of one that does not outlive this run. Throws where the file cannot be
    /// understood.
    init(
        file: HouseholdFile?, isAsked: Bool = true, onChange: @escaping @Sendable () -> Void
    ) throws(StateError) {
        let household =
            if let record = try file?.load() {
                Household(record: record)
            } else {
                Household(random: SystemRandomSource())
            }
        self.file = file
        self.isAsked = isAsked
        self.onChange = onChange
        state = Mutex(State(household: household))
    }

    /// Ends the thread; what is being changed is finished first.
    func stop() {
        thread.stop()
    }

    /// The household as it is.
    var household: Household { state.withLock { $0.household } }

    // MARK: Who asks

    /// Who sent `request`; nil where nobody that belongs here did.
    func caller(of request: HTTPRequest, at now: Timestamp) -> Caller? {
        guard isAsked else { return .anybody }
        let household = household
        guard let credential = request.credential(cookie: household.cookieName),
            let caller = household.caller(showing: credential, by: OpenSSLHashing(), at: now)
        else { return nil }
        noteUse(of: caller, at: now)
        return caller
    }

    /// Who is known by a public key; nil where nobody that belongs here is.
    func caller(holding key: [UInt8], at now: Timestamp) -> Caller? {
        household.caller(holding: key, at: now)
    }

    /// Whether `secret` lets somebody in: what is no invitation is not worth the changing thread's time.
    func isInvitation(_ secret: String, at now: Timestamp) -> Bool {
        household.isInvitation(secret, by: OpenSSLHashing(), at: now)
    }

    /// What `caller` may do at `now`.
    func permissions(of caller: Caller, at now: Timestamp) -> Set<Permission> {
        isAsked ? household.permissions(of: caller, at: now) : [.call, .operate, .inspect]
    }

    /// What others see `caller` as; nil where the household does not know.
    func name(of caller: Caller) -> String? {
        switch caller {
        case .person(let id, _): household.person(id)?.name
        case .program(let id): household.record.programs.first { $0.id == id }?.name
        case .anybody: nil
        }
    }

    /// Notes that `caller` was here, where that is news.
    func noteUse(of caller: Caller, at now: Timestamp) {
        guard household.isUseNews(of: caller, at: now), state.withLock({ $0.noted.insert(caller).inserted }) else {
            return
        }
        change { (household, means) throws(IdentityError) in
            household.noteUse(of: caller, at: means.now)
        } then: { [self] _ in
            state.withLock { _ = $0.noted.remove(caller) }
        }
    }

    // MARK: Changes

    /// Makes a change, and tells `then` on the changing thread what came of it, after it can no longer be lost.
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (inout Household, Means) throws(IdentityError) -> Value,
        then: @escaping @Sendable (Result<Value, Refusal>) -> Void
    ) {
        thread.submit {
            then(self.apply(body))
        } orRefuse: {
            then(.failure(.busy))
        }
    }

    private func apply<Value>(
        _ body: (inout Household, Means) throws(IdentityError) -> Value
    ) -> Result<Value, Refusal> {
        let before = household
        var after = before
        let value: Value
        do throws(IdentityError) {
            value = try body(&after, Means(now: .now))
        } catch {
            return .failure(.household(error))
        }
        guard after.record != before.record else { return .success(value) }
        do throws(StateError) {
            try file?.save(after.record)
        } catch {
            return .failure(.notKept(error))
        }
        state.withLock {
            $0.household = after
            if !after.isNew { $0.firstCode = nil }
        }
        onChange()
        return .success(value)
    }

    // MARK: Codes

    /// Makes a pairing code. As long as nobody has paired it is the same one every time.
    func makePairingCode(then: @escaping @Sendable (Result<String, Refusal>) -> Void) {
        state.withLock { $0.throttle.reset() }
        change { [self] (household, means) throws(IdentityError) in
            if household.isNew, let code = state.withLock({ $0.firstCode }) { return code }
            let code = household.makePairingCode(random: means.random, hashing: means.hashing, at: means.now)
            if household.isNew { state.withLock { $0.firstCode = code } }
            return code
        } then: {
            then($0)
        }
    }

    /// Lets in whoever knows the pairing code, unless too many were tried.
    func pair(
        code: String, name: String?, device: String, from address: String, at now: Instant,
        then: @escaping @Sendable (Result<Household.Entry, Refusal>) -> Void
    ) {
        do throws(IdentityError) {
            try admitGuess(from: address, at: now)
        } catch {
            return then(.failure(.household(error)))
        }
        change { (household, means) throws(IdentityError) in
            try household.pair(
                code: code, name: name, device: device, random: means.random, hashing: means.hashing, at: means.now)
        } then: { [self] result in
            switch result {
            case .success, .failure(.household(.nameWanted)), .failure(.household(.badName)):
                // the code was right
                state.withLock { $0.throttle.forgive(address) }
            case .failure: break
            }
            then(result)
        }
    }

    private func admitGuess(from address: String, at now: Instant) throws(IdentityError) {
        let result = state.withLock { state in
            Result { () throws(IdentityError) in try state.throttle.admit(from: address, at: now) }
        }
        try result.get()
    }
}

extension Timestamp {
    /// The time by the system's clock.
    static var now: Timestamp { Timestamp(seconds: WallClock.now.epochMilliseconds / 1000) }
}
