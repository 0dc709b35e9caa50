import CLinux
import Glibc
import Media
import Synchronization
import Wire

/// What a descriptor became ready for.
struct Readiness: OptionSet, Sendable {
    let rawValue: UInt32
    static let readable = Readiness(rawValue: UInt32(LINUX_READABLE))
    static let writable = Readiness(rawValue: UInt32(LINUX_WRITABLE))
}

/// The one thread that owns every socket, timer and peer: epoll, and an inbox for work from other threads.
///
/// It is the executor of its owner, the `Daemon` actor, so the compiler checks that nothing else touches what the loop
/// owns. What it calls is handed the owner, which is isolated to the loop already: to ask for that each time costs as much
/// as a packet does.
final class EventLoop<Owner: Actor>: SerialExecutor {
    private struct Inbox {
        var jobs: [UnownedJob] = []
        var work: [@Sendable (isolated Owner) -> Void] = []
        var isStopped = false
        /// When the loop must look into it at the latest; nil for not at all.
        var due: Instant?
        /// Until when the loop sleeps at most; nil while it is awake.
        var wakesAt: Instant?

        var isEmpty: Bool { jobs.isEmpty && work.isEmpty }

        /// Takes note of something that is due then. Returns whether the loop must be woken for it.
        mutating func add(due: Instant) -> Bool {
            self.due = min(due, self.due ?? due)
            guard let wakesAt, due < wakesAt else { return false }
            self.wakesAt = due  // once is enough
            return true
        }
    }

    private let epoll: Int32
    private let wake: Int32
    private let inbox = Mutex(Inbox())
    private let handlers = Mutex<[Int32: @Sendable (isolated Owner, Readiness) -> Void]>([:])
    private let thread = Mutex<pthread_t?>(nil)

    /// Opens the loop's descriptors; it runs once `run` is called.
    init() {
        epoll = linux_epoll_create()
        wake = linux_eventfd()
        precondition(epoll >= 0 && wake >= 0, "epoll and eventfd exist since Linux 2.6.27")
        // each signal is told once, so that none needs to be taken back
        linux_epoll_watch(epoll, wake, Readiness.readable.rawValue | UInt32(LINUX_CHANGES))
    }

    deinit {
        for descriptor in [epoll, wake] { close(descriptor) }
    }

    /// Makes the calling thread the loop's, which `run` then runs on.
    func adopt() {
        thread.withLock { $0 = pthread_self() }
        linux_name_thread("loop")
    }

    /// Runs on the thread that was adopted until `stop`. After each batch of events `turn` does what they led to and
    /// returns when it next wants to run, nil for not before another event.
    func run(as owner: isolated Owner, turn: (isolated Owner) -> Instant?) {
        var ready = [linux_ready](repeating: linux_ready(), count: 64)
        while !drainInbox(owner) {
            let deadline = sleep(until: turn(owner))
            let timeout = deadline.map { max(($0 - MonotonicClock.now).nanoseconds, 0) } ?? -1
            let count = linux_epoll_wait(epoll, &ready, Int32(ready.count), timeout)
            for event in ready.prefix(Int(max(count, 0))) where event.descriptor != wake { dispatch(event, owner) }
        }
    }

    /// When the loop, which wants to sleep until `deadline`, is to wake; what is handed over from now on wakes it where that
    /// is due sooner.
    private func sleep(until deadline: Instant?) -> Instant? {
        inbox.withLock { inbox in
            let wakesAt = earliest(deadline, inbox.due)
            inbox.wakesAt = wakesAt ?? Instant(nanoseconds: .max)
            return wakesAt
        }
    }

    private func dispatch(_ event: linux_ready, _ owner: isolated Owner) {
        var readiness = Readiness(rawValue: event.events)
        // an error or hang-up is found by the read or write that it makes fail
        if event.events & UInt32(LINUX_BROKEN) != 0 { readiness.formUnion([.readable, .writable]) }
        let handler = handlers.withLock { $0[event.descriptor] }
        handler?(owner, readiness)
    }

    /// Runs what other threads handed over; true once stopped.
    private func drainInbox(_ owner: isolated Owner) -> Bool {
        while true {
            let taken: Inbox? = inbox.withLock { inbox in
                inbox.wakesAt = nil
                guard !inbox.isEmpty || inbox.isStopped else { return nil }
                defer { inbox = Inbox(isStopped: inbox.isStopped) }
                return inbox
            }
            guard let taken else { return false }
            for job in taken.jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            for work in taken.work { work(owner) }
            if taken.isStopped { return true }
        }
    }

    /// Makes `run` return after the work that is already in the inbox.
    func stop() {
        hand { $0.isStopped = true }
    }

    /// Hands `work` to the loop's thread; it runs after what was handed over before. Where there is time until `due`, the
    /// loop is not woken for it, but takes it when it wakes for something else.
    func submit(due: Instant = .zero, _ work: @escaping @Sendable (isolated Owner) -> Void) {
        hand(due: due) { $0.work.append(work) }
    }

    /// Puts something into the inbox.
    private func hand(due: Instant = .zero, _ put: (inout sending Inbox) -> Void) {
        let wakes = inbox.withLock { inbox in
            put(&inbox)
            return inbox.add(due: due)
        }
        if wakes { linux_eventfd_signal(wake) }
    }

    /// Calls `handler` on the loop's thread whenever `descriptor` is ready for one of `readiness`; a second call
    /// replaces the first.
    func watch(
        _ descriptor: Int32, for readiness: Readiness,
        _ handler: @escaping @Sendable (isolated Owner, Readiness) -> Void
    ) {
        handlers.withLock { $0[descriptor] = handler }
        let result = linux_epoll_watch(epoll, descriptor, readiness.rawValue)
        precondition(result == 0, "epoll takes every socket (\(errno))")
    }

    /// Stops watching `descriptor`; call it before the descriptor is closed.
    func forget(_ descriptor: Int32) {
        handlers.withLock { $0[descriptor] = nil }
        linux_epoll_forget(epoll, descriptor)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        hand { $0.jobs.append(job) }
    }

    func checkIsolated() {
        let isLoop = thread.withLock { $0.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
        precondition(isLoop, "only the loop's thread touches what the loop owns")
    }
}
