import Wire

/// What one pair of local and remote credentials has: an ICE restart begins a new one (RFC 8445 §9).
struct ICESession {
    /// One side's credentials with the key of its messages.
    struct Authentication {
        let credentials: ICECredentials
        let key: STUNKey

        init(_ credentials: ICECredentials) {
            self.credentials = credentials
            key = STUNKey(password: credentials.password)
        }
    }

    /// How far the controlling side has come (RFC 8445 §8.1.1).
    enum Nomination: Equatable {
        /// No valid pair, or a better one is waited for until then.
        case open(until: Instant?)
        /// The check with USE-CANDIDATE of this pair is on its way.
        case inProgress(pair: Int)
        /// "It MUST NOT nominate another candidate pair for same component of the data stream within the ICE session."
        case concluded
    }

    /// A check that came before the remote credentials did (RFC 8445 §7.3: it is answered, and triggers a check later).
    struct EarlyCheck {
        let path: Path
        let senderFragment: String
        var priority: UInt32
        var nominates: Bool
    }

    /// Counts the sessions of an agent from 0.
    let number: Int
    let local: Authentication
    var remote: Authentication?
    var localCandidates: [ICECandidate] = []
    /// What the peer is told of: the local candidates as they are seen from outside, each with its base.
    var told: [(base: Base, candidate: ICECandidate)] = []
    var remoteCandidates: [ICECandidate] = []
    /// Remote candidates whose names were asked for.
    var unresolved: [ICECandidate] = []
    var checkList = CheckList()
    var gatherer = Gatherer()
    var nomination = Nomination.open(until: nil)
    var earlyChecks: [EarlyCheck] = []
    /// Whether the peer has told a candidate, be it one that cannot be used, or that it has none.
    var hasHeardOfCandidates = false
    var hasEndOfRemoteCandidates = false
    /// When an agent with nothing left to check fails (RFC 8863 §4); nil before the remote credentials are known.
    var patienceEnds: Instant?
    var isPatienceOver = false
    /// Consent has expired, or the selected pair's socket is gone: this session is over.
    var isOver = false

    init(number: Int, credentials: ICECredentials) {
        self.number = number
        local = Authentication(credentials)
    }

    func remoteCandidate(at path: Path) -> ICECandidate? {
        remoteCandidates.first { $0.socketAddress == path.remote.unscoped && $0.isTCP == (path.stream != nil) }
    }

    /// The host candidate of `base`.
    func localCandidate(of base: Base) -> ICECandidate? {
        localCandidate(at: base.address, of: base)
    }

    /// The candidate of `base`, or of another with the same transport, that stands for the address `address`.
    func localCandidate(at address: SocketAddress, of base: Base) -> ICECandidate? {
        localCandidates.first {
            $0.socketAddress == address.unscoped && $0.transport == base.transport.candidateTransport
        }
    }
}

/// What is known of the remote side of a session that has not begun: it lacks the remote credentials, or an ICE restart
/// of this side that answers the peer's.
struct UpcomingRemote {
    var credentials: ICECredentials?
    var candidates: [ICECandidate] = []
    var hasEndOfCandidates = false
}

/// The pair that everything goes by, with the credentials it was found with: it may outlive its session by an ICE
/// restart.
struct SelectedPath {
    let session: Int
    let pairID: Int
    let local: ICESession.Authentication
    let remote: ICESession.Authentication
    var pair: ICECandidatePair
    /// When the peer last nominated it (controlled), or it was selected.
    var nominatedAt: Instant
    var consent: Consent

    var path: Path { Path(local: pair.localAddress, remote: pair.remoteAddress, stream: pair.stream) }

    func runs(on path: Path) -> Bool { self.path.isSame(as: path) }
}
