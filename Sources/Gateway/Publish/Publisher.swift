import SDP
import Web
import Wire

/// Publishes to one WHIP server (RFC 9725). Requests take as long as the server does, and so are made on a thread of the
/// publisher's own; all else is the loop's.
///
/// ```
/// waiting ─ time ─► gathering ─ addresses of servers known, or patience over ─► offering ─ 201 ─► published
///    ▲                  │                                                          │ refused         │ lost
///    └──────────────────┴──────────────────────────────────────────────────────────┴─────────────────┘
/// ```
final class Publisher {
    /// How far it is.
    enum State {
        /// It tries again at that time.
        case waiting(until: Instant)
        /// The offer waits for the addresses that STUN and TURN servers tell.
        case gathering(SessionID, until: Instant)
        /// The server has the offer.
        case offering(SessionID)
        /// The server has taken it.
        case published(SessionID, WHEPClient.Session)
        /// The daemon stops.
        case stopped
    }

    /// What the server said to an offer.
    typealias Answer = Result<WHEPClient.Session, WHEPClient.Failure>

    private enum Job: Sendable {
        case offer(String, then: @Sendable (Answer) -> Void)
        case trickle(TrickleFragment, WHEPClient.Session)
        case end(WHEPClient.Session)
        case stop
    }

    var state: State
    var delays = PublishDelays()
    /// Candidates that the server was not told of yet.
    var candidates: [TrickleFragment] = []

    private let jobs = Handover<Job>(capacity: 64)
    private let ended = Handover<Bool>(capacity: 1)
    private let thread: WorkerThread

    /// How long the daemon waits at its own end for the server to take the good-bye.
    private static let farewell = Duration.milliseconds(1500)

    /// Publishes to `url`, with `token` where that is not empty.
    init(url: String, token: String, at now: Instant) {
        state = .waiting(until: now)
        let client = WHEPClient(token: token.isEmpty ? nil : token, as: .publisher)
        thread = WorkerThread(name: "publish") { [jobs, ended] stop in
            while !stop.isRequested {
                guard let job = jobs.take(timeout: .seconds(600)) else { continue }
                switch job {
                case .offer(let offer, let then):
                    then(Result { () throws(WHEPClient.Failure) in try client.call(url, offer: offer) })
                case .trickle(let fragment, let session):
                    _ = client.trickle(fragment, to: session)
                case .end(let session):
                    // what the server does not hear it finds out by itself
                    try? client.hangUp(session)
                case .stop:
                    ended.give(true)
                    return
                }
            }
        }
    }

    /// The peer that media goes by; nil while there is none.
    var session: SessionID? {
        switch state {
        case .gathering(let id, _), .offering(let id), .published(let id, _): id
        case .waiting, .stopped: nil
        }
    }

    /// When something is to be done.
    var deadline: Instant? {
        switch state {
        case .waiting(let until), .gathering(_, let until): until
        case .offering, .published, .stopped: nil
        }
    }

    /// For people.
    var inWords: String {
        switch state {
        case .waiting: "waiting"
        case .gathering, .offering: "offering"
        case .published: "published"
        case .stopped: "stopped"
        }
    }

    /// Offers `offer`; `then` is told on the publisher's thread.
    func offer(_ offer: String, then: @escaping @Sendable (Answer) -> Void) {
        jobs.give(.offer(offer, then: then))
    }

    /// Tells the server of the candidates that it was not told of.
    func trickle() {
        guard case .published(_, let session) = state else { return }
        for fragment in candidates { jobs.give(.trickle(fragment, session)) }
        candidates = []
    }

    /// Gives back what the server took (RFC 9725 §4.2).
    func end(_ session: WHEPClient.Session) {
        jobs.give(.end(session))
    }

    /// Says good-bye and ends the thread; a server that takes longer than a moment is not waited for.
    func stop() {
        if case .published(_, let session) = state { end(session) }
        state = .stopped
        jobs.give(.stop)
        if ended.take(timeout: Self.farewell) != nil { thread.join() }
    }
}
