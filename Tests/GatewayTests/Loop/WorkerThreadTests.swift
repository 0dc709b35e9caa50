import Glibc
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct WorkerThreadTests {
    @Test func `The body runs on a thread of the name given`() {
        let names = Record<String>()
        WorkerThread(name: "encoder") { _ in
            names.append(text(of: "/proc/thread-self/comm") ?? "")
        }.join()
        #expect(names.values == ["encoder\n"])
    }

    @Test func `Joining asks the body to return and waits until it has`() {
        let steps = Record<String>()
        let thread = WorkerThread(name: "worker") { stop in
            while !stop.isRequested { sched_yield() }
            steps.append("returned")
        }
        thread.join()
        steps.append("joined")
        #expect(steps.values == ["returned", "joined"])
    }

    @Test func `A thread that was asked to stop can still be waited for`() {
        let steps = Record<String>()
        let thread = WorkerThread(name: "worker") { stop in
            while !stop.isRequested { sched_yield() }
            steps.append("returned")
        }
        thread.requestStop()
        thread.join()
        thread.join()
        #expect(steps.values == ["returned"])
    }
}
