import Board
import Foundation
import Media
import Testing
import Wire

/// The real driver: gpio-sim's chip of 8 lines, of which 3 is called BUTTON and 4 CHIME.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["LAB_GPIOCHIP"] != nil))
struct SimulatedLineTests {
    private let folder = ProcessInfo.processInfo.environment["LAB_GPIOSYS"] ?? ""

    /// Sets what drives the button's line; it is active low.
    private func press(_ isPressed: Bool) throws {
        try write(isPressed ? "pull-down" : "pull-up", to: "\(folder)/sim_gpio3/pull")
    }

    private func write(_ text: String, to path: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path), "\(path)")
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    @Test func `The board's button is found by its name`() throws {
        let chips = GPIOChips.list()
        #expect(chips.problems.isEmpty)
        let line = try chips.buttonLine()
        #expect(line.offset == 3 && line.name == "BUTTON" && line.chipLabel == "doorbell-gpio")
        #expect(chips.chips.first { $0.path == line.chipPath }?.lines.count == 8)
        #expect(try chips.line("4", chip: "doorbell-gpio").name == "CHIME")
    }

    @Test func `A press is told soon after its debounce period`() throws {
        let button = try GPIOButton(try GPIOChips.list().buttonLine())
        #expect(!button.isPressed)
        #expect(try button.nextPress(timeout: .zero) == nil)
        for _ in 0..<3 {
            let before = MonotonicClock.now
            try press(true)
            let press = try #require(try button.nextPress(timeout: .seconds(2)))
            #expect(press - before >= .milliseconds(30) && MonotonicClock.now - before < .milliseconds(100))
            #expect(button.isPressed)
            try self.press(false)
            #expect(try button.nextPress(timeout: .milliseconds(60)) == nil)
            #expect(!button.isPressed)
        }
    }

    @Test func `A burst of bounces is one press, and longer than the kernel's queue loses none`() throws {
        let button = try GPIOButton(try GPIOChips.list().buttonLine(), debounce: .milliseconds(50))
        for _ in 0..<40 {
            try press(true)
            try press(false)
        }
        try press(true)
        #expect(try button.nextPress(timeout: .seconds(2)) != nil)
        #expect(try button.nextPress(timeout: .milliseconds(150)) == nil)
        #expect(button.isPressed)
        try press(false)
        #expect(try button.nextPress(timeout: .milliseconds(150)) == nil)
        #expect(!button.isPressed)
    }

    @Test func `A spike rings nobody`() throws {
        let button = try GPIOButton(try GPIOChips.list().buttonLine())
        try press(true)
        try press(false)
        #expect(try button.nextPress(timeout: .milliseconds(100)) == nil)
    }

    @Test func `An active-high button is pressed by a high level`() throws {
        let line = try GPIOChips.list().buttonLine()
        let button = try GPIOButton(line, active: .high, bias: .pullDown, debounce: .zero)
        try press(false)
        #expect(try button.nextPress(timeout: .seconds(2)) != nil)
    }

    @Test func `A line in use is refused, and who has it is seen`() throws {
        let line = try GPIOChips.list().buttonLine()
        let button = try GPIOButton(line)
        do throws(DeviceError) {
            _ = try GPIOButton(line)
            Issue.record("two have it")
        } catch {
            #expect(error.description.contains("busy") && !error.isGone, "\(error)")
        }
        let seen = try GPIOChips.list().line("BUTTON", chip: nil)
        #expect(seen.isUsed && seen.consumer == "doorward")
        #expect(try button.nextPress(timeout: .zero) == nil)
    }

    @Test func `An output drives its line, and lets go of it inactive`() throws {
        let line = try GPIOChips.list().line("CHIME", chip: nil)
        func level() throws -> String { try String(contentsOfFile: "\(folder)/sim_gpio4/value", encoding: .utf8) }
        do {
            let chime = try GPIOOutput(line)
            #expect(try level() == "0\n")
            try chime.set(true)
            #expect(try level() == "1\n")
            try chime.set(false)
            #expect(try level() == "0\n")
            try chime.set(true)
        }
        #expect(try level() == "0\n")
        let lamp = try GPIOOutput(line, active: .low)
        #expect(try level() == "1\n")
        try lamp.set(true)
        #expect(try level() == "0\n")
    }

    @Test func `A chip that vanishes is an error that says so`() throws {
        let button = try GPIOButton(try GPIOChips.list().buttonLine())
        let live = "/sys/kernel/config/gpio-sim/doorbell/live"
        try write("0", to: live)
        do throws(DeviceError) {
            _ = try button.nextPress(timeout: .seconds(2))
            Issue.record("it is still there")
        } catch {
            #expect(error.isGone, "\(error)")
        }
        // For the tests that follow.
        try write("1", to: live)
    }
}
