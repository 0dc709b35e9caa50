import CLinux
import Glibc
import Media
import Synchronization
import Wire

/// The one thread that owns every socket, timer and peer: epoll, one timer, and an inbox for work from other threads.
///
/// It is the executor of the `Daemon` actor, so the compiler checks that nothing else touches what the loop owns.
final class EventLoop: SerialExecutor {
    /// What a descriptor became ready for.
    struct Readiness: OptionSet, Sendable {
        let rawValue: UInt32
        static let readable = Readiness(rawValue: UInt32(LINUX_READABLE))
        static let writable = Readiness(rawValue: UInt32(LINUX_WRITABLE))
    }

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var work: [@Sendable () -> Void] = []
        var isStopped = false

        var isEmpty: Bool { jobs.isEmpty && work.isEmpty }
    }

    private let epoll: Int32
    private let wake: Int32
    private let timer: Int32
    private let inbox = Mutex(Inbox())
    private let handlers = Mutex<[Int32: @Sendable (Readiness) -> Void]>([:])
    private let thread = Mutex<pthread_t?>(nil)

    /// Opens the loop's descriptors; it runs once `run` is called.
    init() {
        epoll = linux_epoll_create()
        wake = linux_eventfd()
        timer = linux_timerfd()
        precondition(epoll >= 0 && wake >= 0 && timer >= 0, "epoll, eventfd and timerfd exist since Linux 2.6.27")
        linux_epoll_watch(epoll, wake, Readiness.readable.rawValue)
        linux_epoll_watch(epoll, timer, Readiness.readable.rawValue)
    }

    deinit {
        for descriptor in [epoll, wake, timer] { close(descriptor) }
    }

    /// Now, by `CLOCK_MONOTONIC`.
    static var now: Instant { MonotonicClock.now }

    /// Makes the calling thread the loop's, which `run` then runs on.
    func adopt() {
        thread.withLock { $0 = pthread_self() }
        linux_name_thread("loop")
    }

    /// Runs on the thread that was adopted until `stop`. After each batch of events `turn` does what they led to and
    /// returns when it next wants to run, nil for not before another event.
    func run(turn: () -> Instant?) {
        checkIsolated()
        var ready = [linux_ready](repeating: linux_ready(), count: 64)
        // what the timer is set to: 0 for nothing, nil where it has fired and is ready until it is set again
        var armed: Int64? = 0
        while !drainInbox() {
            let deadline = turn()
            // a deadline of 0 would disarm the timer; one in the past fires at once, and again
            let nanoseconds = deadline.map { max($0.nanoseconds, 1) } ?? 0
            if nanoseconds != armed || nanoseconds > 0 && nanoseconds <= Self.now.nanoseconds {
                armed = nanoseconds
                linux_timerfd_set(timer, nanoseconds)
            }
            let count = linux_epoll_wait(epoll, &ready, Int32(ready.count))
            for event in ready.prefix(Int(max(count, 0))) {
                if event.descriptor == timer { armed = nil } else { dispatch(event) }
            }
        }
    }

    private func dispatch(_ event: linux_ready) {
        switch event.descriptor {
        case wake: linux_eventfd_clear(wake)
        default:
            var readiness = Readiness(rawValue: event.events)
            // an error or hang-up is found by the read or write that it makes fail
            if event.events & UInt32(LINUX_BROKEN) != 0 { readiness.formUnion([.readable, .writable]) }
            handlers.withLock { $0[event.descriptor] }?(readiness)
        }
    }

    /// Runs what other threads handed over; true once stopped.
    private func drainInbox() -> Bool {
        while true {
            let taken: Inbox? = inbox.withLock { inbox in
                guard !inbox.isEmpty || inbox.isStopped else { return nil }
                defer { inbox = Inbox(isStopped: inbox.isStopped) }
                return inbox
            }
            guard let taken else { return false }
            for job in taken.jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            for item in taken.work { item() }
            if taken.isStopped { return true }
        }
    }

    /// Makes `run` return after the work that is already in the inbox.
    func stop() {
        inbox.withLock { $0.isStopped = true }
        linux_eventfd_signal(wake)
    }

    /// Hands `work` to the loop's thread; it runs after what was handed over before.
    func submit(_ work: @escaping @Sendable () -> Void) {
        hand { $0.work.append(work) }
    }

    /// Puts something into the inbox. The loop is woken for the first thing in it, and takes with that what came since.
    private func hand(_ put: (inout sending Inbox) -> Void) {
        let isFirst = inbox.withLock { inbox in
            defer { put(&inbox) }
            return inbox.isEmpty
        }
        if isFirst { linux_eventfd_signal(wake) }
    }

    /// Calls `handler` on the loop's thread whenever `descriptor` is ready for one of `readiness`; a second call
    /// replaces the first.
    func watch(_ descriptor: Int32, for readiness: Readiness, _ handler: @escaping @Sendable (Readiness) -> Void) {
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
