import Glibc
import Media
import Testing
import Wire

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
    private actor Owner {
        private let loop: Loop
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

        init(_ loop: Loop) {
            self.loop = loop
        }
    }
    private typealias Loop = EventLoop<Owner>

    /// Runs a loop on a thread of its own until `turn`, which is told how often it was called before, stops it.
    private func run(
        prepare: @escaping @Sendable (Loop) -> Void = { _ in },
        turn: @escaping @Sendable (Loop, Int) -> Instant?
    ) {
        onOwnThread {
            let loop = Loop()
            loop.adopt()
            prepare(loop)
            Owner(loop).assumeIsolated { owner in
                var turns = 0
                loop.run(as: owner) { _ in
                    defer { turns += 1 }
                    return turn(loop, turns)
                }
            }
        }
    }

    // MARK: Work from other threads

    @Test func `Work runs in the order it was handed over, and all of it before the loop stops`() {
        let order = Record<Int>()
        run { loop in
            for number in 0..<100 { loop.submit { _ in order.append(number) } }
            loop.stop()
        } turn: { _, _ in
            Issue.record("the loop was stopped before its first turn")
            return nil
        }
        #expect(order.values == Array(0..<100))
    }

    @Test func `Work that hands over more work is followed by it before the turn`() {
        let order = Record<String>()
        run { loop in
            loop.submit { _ in
                order.append("first")
                loop.submit { _ in order.append("second") }
            }
        } turn: { loop, _ in
            order.append("turn")
            loop.stop()
            return nil
        }
        #expect(order.values == ["first", "second", "turn"])
    }

    @Test func `Work of each thread keeps its order`() {
        let order = Record<(thread: Int, number: Int)>()
        let count = 2000
        run { loop in
            for thread in 0..<2 {
                _ = WorkerThread(name: "giver") { _ in
                    for number in 0..<count { loop.submit { _ in order.append((thread, number)) } }
                }
            }
        } turn: { loop, _ in
            if order.values.count == 2 * count { loop.stop() }
            return nil
        }
        for thread in 0..<2 {
            #expect(order.values.filter { $0.thread == thread }.map(\.number) == Array(0..<count))
        }
    }

    @Test func `Work wakes a loop that sleeps`() {
        let turns = Record<Int>()
        run { loop in
            _ = WorkerThread(name: "giver") { _ in loop.submit { _ in loop.stop() } }
        } turn: { _, turn in
            turns.append(turn)
            return nil
        }
        #expect(turns.values.count <= 1)
    }

    @Test func `Work that has time wakes no loop that will wake before`() {
        let done = Record<Int>()
        let asked = Record<Instant>()
        let woken = Record<Instant>()
        run { loop, turn in
            let now = MonotonicClock.now
            if let last = asked.values.last, now < last { woken.append(now) }
            if turn == 0 {
                _ = WorkerThread(name: "giver") { _ in
                    for number in 0..<10 { loop.submit(due: now + .seconds(50)) { _ in done.append(number) } }
                }
            }
            if done.values.count == 10 { loop.stop() }
            asked.append(now + .milliseconds(20))
            return asked.values.last
        }
        #expect(done.values == Array(0..<10))
        #expect(woken.values.isEmpty)
    }

    @Test func `Work that is due before the loop would wake is done by then`() {
        let start = MonotonicClock.now
        run { loop, turn in
            if turn == 0 {
                _ = WorkerThread(name: "giver") { _ in
                    loop.submit(due: start + .milliseconds(20)) { _ in loop.stop() }
                }
            }
            return start + .seconds(50)
        }
        #expect(MonotonicClock.now - start < .seconds(50))
    }

    @Test func `Work that has time is taken with what has none, in order`() {
        let start = MonotonicClock.now
        let order = Record<Int>()
        run { loop in
            _ = WorkerThread(name: "giver") { _ in
                loop.submit(due: start + .seconds(50)) { _ in order.append(1) }
                loop.submit { _ in order.append(2) }
            }
        } turn: { loop, _ in
            if order.values.count == 2 { loop.stop() }
            return nil
        }
        #expect(order.values == [1, 2])
        #expect(MonotonicClock.now - start < .seconds(50))
    }

    @Test func `Stopping from another thread wakes a loop that sleeps`() {
        run { loop in
            _ = WorkerThread(name: "stopper") { _ in loop.stop() }
        } turn: { _, _ in
            nil
        }
    }

    // MARK: Timers

    @Test func `A turn comes at the deadline that the one before asked for, not earlier`() {
        let times = Record<(asked: Instant, came: Instant)>()
        let asked = Record<Instant>()
        run { loop, turn in
            let now = MonotonicClock.now
            if let last = asked.values.last { times.append((last, now)) }
            guard turn < 3 else {
                loop.stop()
                return nil
            }
            asked.append(now + .milliseconds(5))
            return asked.values.last
        }
        #expect(times.values.count == 3)
        for time in times.values { #expect(time.came >= time.asked) }
    }

    @Test(arguments: [Instant(nanoseconds: .min), .zero, Instant(nanoseconds: 1)])
    func `A deadline in the past is due at once, each time`(deadline: Instant) {
        let turns = Record<Int>()
        run { loop, turn in
            turns.append(turn)
            if turn == 3 { loop.stop() }
            return deadline
        }
        #expect(turns.values == [0, 1, 2, 3])
    }

    @Test func `A deadline that was just now is due at once`() {
        run { loop, turn in
            if turn == 200 { loop.stop() }
            return MonotonicClock.now
        }
    }

    @Test func `The same deadline asked for again still comes`() {
        let deadline = MonotonicClock.now + .milliseconds(20)
        let turns = Record<Instant>()
        run { loop in
            // turns that come in between, for work
            _ = WorkerThread(name: "giver") { _ in for _ in 0..<10 { loop.submit { _ in } } }
        } turn: { loop, _ in
            let now = MonotonicClock.now
            turns.append(now)
            if now >= deadline { loop.stop() }
            return deadline
        }
        #expect(turns.values.last.map { $0 >= deadline } == true)
    }

    @Test func `An earlier deadline replaces a later one, and none takes it back`() {
        let start = MonotonicClock.now
        let turns = Record<Int>()
        run { loop, turn in
            turns.append(turn)
            switch turn {
            case 0:
                loop.submit { _ in }  // wakes the next turn
                return start + .seconds(3600)
            case 1: return MonotonicClock.now + .milliseconds(5)
            case 2:
                _ = WorkerThread(name: "stopper") { _ in loop.submit { _ in loop.stop() } }
                return nil
            default: return nil
            }
        }
        #expect(MonotonicClock.now - start < .seconds(50))
        #expect(turns.values == [0, 1, 2])
    }

    @Test func `The latest of all instants is no overflow`() {
        run { loop in
            _ = WorkerThread(name: "stopper") { _ in loop.submit { _ in loop.stop() } }
        } turn: { _, _ in
            Instant(nanoseconds: .max)
        }
    }

    // MARK: Descriptors

    /// A pipe, whose ends are closed with it.
    private final class Pipe: Sendable {
        let reader: Int32
        let writer: Int32

        init() {
            var ends: [Int32] = [0, 0]
            precondition(pipe(&ends) == 0, "a pipe can be made")
            (reader, writer) = (ends[0], ends[1])
        }

        func fill() { write(writer, "x", 1) }

        func drain() {
            var byte: UInt8 = 0
            read(reader, &byte, 1)
        }

        deinit {
            close(reader)
            close(writer)
        }
    }

    @Test func `A descriptor that becomes readable calls its handler, as often as it does`() {
        let pipe = Pipe()
        let calls = Record<Readiness>()
        run { loop in
            loop.watch(pipe.reader, for: .readable) { _, readiness in
                pipe.drain()
                calls.append(readiness)
                if calls.values.count < 3 { pipe.fill() } else { loop.stop() }
            }
            pipe.fill()
        } turn: { _, _ in
            nil
        }
        #expect(calls.values == [.readable, .readable, .readable])
    }

    @Test func `A second handler replaces the first`() {
        let pipe = Pipe()
        let calls = Record<String>()
        run { loop in
            loop.watch(pipe.reader, for: .readable) { _, _ in calls.append("first") }
            loop.watch(pipe.reader, for: .readable) { _, _ in
                calls.append("second")
                loop.stop()
            }
            pipe.fill()
        } turn: { _, _ in
            nil
        }
        #expect(calls.values == ["second"])
    }

    @Test func `A descriptor that was forgotten calls nobody`() {
        let pipe = Pipe()
        let calls = Record<String>()
        run { loop in
            loop.watch(pipe.reader, for: .readable) { _, _ in
                calls.append("called")
                loop.forget(pipe.reader)  // and it stays readable
            }
            pipe.fill()
        } turn: { loop, turn in
            if turn == 20 { loop.stop() }
            return MonotonicClock.now
        }
        #expect(calls.values == ["called"])
    }

    @Test func `One handler can forget another that is ready in the same moment`() {
        let pipes = [Pipe(), Pipe()]
        let calls = Record<Int>()
        run { loop in
            for (number, pipe) in pipes.enumerated() {
                loop.watch(pipe.reader, for: .readable) { _, _ in
                    calls.append(number)
                    for pipe in pipes { loop.forget(pipe.reader) }
                }
                pipe.fill()
            }
        } turn: { loop, turn in
            if turn == 20 { loop.stop() }
            return MonotonicClock.now
        }
        #expect(calls.values.count == 1)
    }

    @Test func `The other side's end is told as readiness`() throws {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        let reader = ends[0]
        close(ends[1])
        let calls = Record<Readiness>()
        run { loop in
            loop.watch(reader, for: .readable) { _, readiness in
                calls.append(readiness)
                loop.forget(reader)
                loop.stop()
            }
        } turn: { _, _ in
            nil
        }
        close(reader)
        #expect(calls.values.first?.contains(.readable) == true)
    }

    @Test func `A descriptor that can be written to calls its handler`() {
        let pipe = Pipe()
        let calls = Record<Readiness>()
        run { loop in
            loop.watch(pipe.writer, for: .writable) { _, readiness in
                calls.append(readiness)
                loop.stop()
            }
        } turn: { _, _ in
            nil
        }
        #expect(calls.values == [.writable])
    }
}
