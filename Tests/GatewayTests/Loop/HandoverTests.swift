import Media
import Testing
import Wire

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct HandoverTests {
    @Test func `Values come out in the order they went in`() {
        let queue = Handover<Int>(capacity: 3)
        for value in 1...3 { #expect(queue.give(value) == nil) }
        #expect((1...3).map { _ in queue.take(timeout: .zero) } == [1, 2, 3])
        #expect(queue.dropCount == 0)
    }

    @Test func `What has waited longest gives way and is counted`() {
        let queue = Handover<Int>(capacity: 2)
        #expect((1...5).map { queue.give($0) } == [nil, nil, 1, 2, 3])
        #expect(queue.dropCount == 3)
        #expect(queue.take(timeout: .zero) == 4)
        #expect(queue.take(timeout: .zero) == 5)
    }

    @Test func `An empty queue is waited for as long as was said`() {
        let queue = Handover<Int>(capacity: 1)
        let before = MonotonicClock.now
        #expect(queue.take(timeout: .milliseconds(30)) == nil)
        #expect(MonotonicClock.now - before >= .milliseconds(30))
        #expect(queue.take(timeout: .zero) == nil)
        #expect(queue.take(timeout: .seconds(-1)) == nil)
    }

    @Test func `Who waits gets what comes`() {
        let queue = Handover<Int>(capacity: 1)
        let taker = Record<Int?>()
        let thread = WorkerThread(name: "taker") { _ in taker.append(queue.take(timeout: .seconds(60))) }
        queue.give(7)
        thread.join()
        #expect(taker.values == [7])
    }

    @Test func `Closing wakes who waits, for good`() {
        let queue = Handover<Int>(capacity: 1)
        let taken = Record<Int?>()
        let thread = WorkerThread(name: "taker") { _ in
            taken.append(queue.take(timeout: .seconds(3600)))
            taken.append(queue.take(timeout: .seconds(3600)))
        }
        queue.close()
        thread.join()
        #expect(taken.values == [nil, nil])
    }

    @Test func `What is left in a closed queue is not taken`() {
        let queue = Handover<Int>(capacity: 2)
        queue.give(1)
        queue.close()
        #expect(queue.take(timeout: .zero) == nil)
    }

    @Test func `Nothing is lost or doubled between a fast giver and a fast taker`() {
        let count = 20_000
        let queue = Handover<Int>(capacity: count)
        let taker = Record<[Int]>()
        let thread = WorkerThread(name: "taker") { _ in
            taker.append((0..<count).compactMap { _ in queue.take(timeout: .seconds(60)) })
        }
        for value in 0..<count { queue.give(value) }
        thread.join()
        #expect(taker.values == [Array(0..<count)])
    }
}
