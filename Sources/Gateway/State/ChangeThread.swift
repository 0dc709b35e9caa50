import Synchronization

/// Makes changes one after another on a thread of its own, because they take as long as a disk does. The thread is there from
/// the first change on.
final class ChangeThread: Sendable {
    private struct Change: Sendable {
        let make: @Sendable () -> Void
        let refuse: @Sendable () -> Void
    }

    private struct State {
        var thread: WorkerThread?
        var isStopped = false
    }

    private let name: String
    private let changes: Handover<Change>
    private let state = Mutex(State())

    /// A thread named `name` (at most 15 characters), for which at most `capacity` changes wait.
    init(name: String, capacity: Int) {
        self.name = name
        changes = Handover(capacity: capacity)
    }

    /// Makes a change on the thread, or calls `refuse` where more wait than may, or it is over.
    func submit(_ make: @escaping @Sendable () -> Void, orRefuse refuse: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock { [changes, name] state in
            if state.thread == nil, !state.isStopped {
                state.thread = WorkerThread(name: name) { stop in
                    while !stop.isRequested { changes.take(timeout: .seconds(600))?.make() }
                }
            }
            return state.isStopped
        }
        guard !isStopped else { return refuse() }
        changes.give(Change(make: make, refuse: refuse))?.refuse()
    }

    /// Ends the thread; what is being changed is finished first.
    func stop() {
        let thread = state.withLock { state in
            state.isStopped = true
            return state.thread
        }
        thread?.requestStop()
        changes.close()
        thread?.join()
    }
}
