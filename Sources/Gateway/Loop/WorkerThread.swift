import CLinux
import Glibc
import Synchronization

/// A thread that runs one body until it is told to stop.
final class WorkerThread: Sendable {
    /// Tells a body when to return.
    final class Stop: Sendable {
        private let flag = Atomic(false)
        var isRequested: Bool { flag.load(ordering: .acquiring) }
        fileprivate func request() { flag.store(true, ordering: .releasing) }
    }

    private final class Start {
        let name: String
        let stop: Stop
        let body: @Sendable (Stop) -> Void

        init(name: String, stop: Stop, body: @escaping @Sendable (Stop) -> Void) {
            self.name = name
            self.stop = stop
            self.body = body
        }
    }

    private let stop = Stop()
    private let thread: Mutex<pthread_t?>

    /// Starts a thread named `name` (at most 15 characters). `body` returns soon after its argument asks for it.
    init(name: String, body: @escaping @Sendable (Stop) -> Void) {
        let start = Unmanaged.passRetained(Start(name: name, stop: stop, body: body)).toOpaque()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        // x264 and libjpeg keep little on the stack; the default of 8 MB is address space that a 512 MB board can do
        // without
        pthread_attr_setstacksize(&attributes, 1 << 20)
        var handle = pthread_t()
        let result = pthread_create(
            &handle, &attributes,
            { context in
                let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
                linux_name_thread(start.name)
                start.body(start.stop)
                return nil
            }, start)
        pthread_attr_destroy(&attributes)
        precondition(result == 0, "a thread can be made at start-up: \(String(cString: strerror(result)))")
        thread = Mutex(handle)
    }

    /// Asks the body to return, without waiting for it.
    func requestStop() {
        stop.request()
    }

    /// Asks the body to return and waits until it has.
    func join() {
        stop.request()
        let handle = thread.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let handle { pthread_join(handle, nil) }
    }
}
