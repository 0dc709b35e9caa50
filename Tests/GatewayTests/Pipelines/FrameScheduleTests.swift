import Media
import RTP
import Testing
import Wire

@testable import Gateway

struct FrameScheduleTests {
    private var schedule = FrameSchedule()

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private mutating func add(sound number: UInt8, due: Int64) {
        let packet = PacketizedFrame(sound: [number], timestamp: 0, captured: at(due))
        schedule.add(.sound(packet), due: at(due))
    }

    private mutating func add(picture number: UInt8, due: Int64) {
        let frame = PacketizedFrame(
            storage: [number], payloads: [0..<1], markedPayload: 0, timestamp: 0, captured: at(due), isKeyFrame: false)
        schedule.add(.picture(frame, of: .main), due: at(due))
    }

    /// What leaves at `milliseconds`.
    private mutating func leaving(at milliseconds: Int64) -> [UInt8] {
        var numbers: [UInt8] = []
        while let frame = schedule.next(at: at(milliseconds)) {
            switch frame {
            case .picture(let frame, _), .sound(let frame): numbers += frame.storage
            }
        }
        return numbers
    }

    @Test mutating func `what two files give ahead of its time leaves in one order, each when it is due`() {
        for (number, due) in [(1, 0), (2, 20), (3, 40), (4, 60)] { add(sound: UInt8(number), due: Int64(due)) }
        for (number, due) in [(11, 0), (12, 33), (13, 66)] { add(picture: UInt8(number), due: Int64(due)) }
        #expect(schedule.deadline == at(0))
        #expect(leaving(at: 0) == [1, 11])
        #expect(schedule.deadline == at(20))
        #expect(leaving(at: 19) == [])
        #expect(leaving(at: 40) == [2, 12, 3])
        add(sound: 5, due: 80)
        #expect(leaving(at: 100) == [4, 13, 5])
        #expect(schedule.deadline == nil)
    }

    @Test mutating func `what was due while nobody watched is left out`() {
        for number in 0..<5 { add(sound: UInt8(number), due: Int64(number) * 20) }
        schedule.skip(to: at(50))
        #expect(schedule.deadline == at(60))
        #expect(leaving(at: 200) == [3, 4])
    }
}
