import Board
import Testing
import Wire

@Suite struct DebouncerTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    /// Every change that counts, with its time, when the line's level changes at `edges` (each toggles it) and time is
    /// let pass at every deadline.
    private func changes(period: Int64, edges: [Int64], until end: Int64) -> [(Bool, Instant)] {
        var debouncer = Debouncer(period: .milliseconds(period), level: false)
        var changes: [(Bool, Instant)] = []
        var level = false
        func letTimePass(to time: Instant) {
            while let deadline = debouncer.deadline, deadline <= time {
                if let change = debouncer.timePassed(to: deadline) { changes.append((change, deadline)) }
            }
        }
        for edge in edges {
            letTimePass(to: at(edge))
            level.toggle()
            if let change = debouncer.levelChanged(to: level, at: at(edge)) { changes.append((change, at(edge))) }
        }
        letTimePass(to: at(end))
        return changes
    }

    @Test func `A clean press counts once its period is over`() {
        let found = changes(period: 30, edges: [100, 500], until: 1000)
        #expect(found.map(\.0) == [true, false])
        #expect(found.map(\.1) == [at(130), at(530)])
    }

    @Test func `A bouncing press counts once`() {
        let found = changes(period: 30, edges: [100, 101, 103, 104, 110, 111, 112, 400, 402, 403], until: 1000)
        #expect(found.map(\.0) == [true, false])
        #expect(found.map(\.1) == [at(142), at(433)])
    }

    @Test func `A spike does not count`() {
        #expect(changes(period: 30, edges: [100, 110, 200, 229], until: 1000).isEmpty)
    }

    @Test func `Without a period every edge counts at once`() {
        #expect(changes(period: 0, edges: [1, 2, 3], until: 10).map(\.1) == [at(1), at(2), at(3)])
    }

    @Test func `A press that was noticed late counts though it is over`() {
        var debouncer = Debouncer(period: .milliseconds(30), level: false)
        #expect(debouncer.levelChanged(to: true, at: at(100)) == nil)
        #expect(debouncer.levelChanged(to: false, at: at(200)) == true)
        #expect(debouncer.deadline == at(230))
        #expect(debouncer.timePassed(to: at(230)) == false)
    }

    @Test func `A button that is held down at first is not pressed until it was let go`() {
        var debouncer = Debouncer(period: .milliseconds(30), level: true)
        #expect(debouncer.levelChanged(to: true, at: at(0)) == nil)
        #expect(debouncer.deadline == nil)
        #expect(debouncer.levelChanged(to: false, at: at(10)) == nil)
        #expect(debouncer.timePassed(to: at(40)) == false)
        #expect(debouncer.levelChanged(to: true, at: at(50)) == nil)
        #expect(debouncer.timePassed(to: at(80)) == true)
    }
}
