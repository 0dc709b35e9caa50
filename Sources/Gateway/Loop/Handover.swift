import Glibc
import Media
import Wire

/// A bounded queue between two threads: the giver never waits (what has waited longest gives way and is counted), the
/// taker does.
final class Handover<Value: Sendable>: @unchecked Sendable {
    // `mutex` guards every stored property below it.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var values: [Value] = []
    private var dropped = 0
    private var isClosed = false
    private let capacity: Int

    /// A queue of at most `capacity` values.
    init(capacity: Int) {
        precondition(capacity > 0, "a queue holds something")
        self.capacity = capacity
        values.reserveCapacity(capacity)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// How many values gave way to newer ones so far.
    var dropCount: Int { locked { dropped } }

    /// Appends `value`; returns the value that gave way to it, if the queue was full.
    @discardableResult
    func give(_ value: Value) -> Value? {
        locked {
            var oldest: Value?
            if values.count == capacity {
                oldest = values.removeFirst()
                dropped += 1
            }
            values.append(value)
            pthread_cond_signal(condition)
            return oldest
        }
    }

    /// Takes the oldest value; waits for one at most `timeout`. Nil when none came, or when the queue is closed.
    func take(timeout: Duration) -> Value? {
        let deadline = (MonotonicClock.now + timeout).nanoseconds
        return locked {
            var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            while values.isEmpty && !isClosed {
                if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
            }
            return values.isEmpty || isClosed ? nil : values.removeFirst()
        }
    }

    /// Wakes the taker for good.
    func close() {
        locked {
            isClosed = true
            pthread_cond_broadcast(condition)
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
