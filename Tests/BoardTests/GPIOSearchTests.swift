import Board
import Media
import Testing

@Suite struct GPIOSearchTests {
    private func chip(_ number: Int, _ label: String, _ names: [String?], used: Set<Int> = []) -> GPIOChip {
        let path = "/dev/gpiochip\(number)"
        return GPIOChip(
            path: path, label: label,
            lines: names.enumerated().map { index, name in
                GPIOLine(
                    chipPath: path, chipLabel: label, offset: UInt32(index), name: name,
                    consumer: used.contains(index) ? "gpio-keys" : nil, isUsed: used.contains(index))
            })
    }

    private func problem(_ body: () throws(DeviceError) -> GPIOLine) -> String? {
        do throws(DeviceError) {
            _ = try body()
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: ["gpiochip1", "/dev/gpiochip1", "pinctrl-bcm2711"])
    func `A line is found by its name or its offset on a chip with any of its names`(chipName: String) throws {
        let chips = GPIOChips(chips: [
            chip(0, "expander", ["A", "B"]), chip(1, "pinctrl-bcm2711", ["ID_SDA", "GPIO17", nil]),
        ])
        #expect(try chips.line("GPIO17", chip: chipName).offset == 1)
        #expect(try chips.line("2", chip: chipName).chipPath == "/dev/gpiochip1")
        #expect(try chips.line("GPIO17", chip: nil).chipLabel == "pinctrl-bcm2711")
    }

    @Test func `An offset alone means the pin controller, or the only chip`() throws {
        let expander = chip(0, "expander", ["A", "B"])
        #expect(try GPIOChips(chips: [expander]).line("1", chip: nil).name == "B")
        let board = GPIOChips(chips: [expander, chip(4, "pinctrl-rp1", ["ID_SDA", "GPIO1"])])
        #expect(try board.line("1", chip: nil).name == "GPIO1")
        let ambiguous = GPIOChips(chips: [expander, chip(1, "other", ["C", "D"])])
        #expect(
            problem { () throws(DeviceError) in try ambiguous.line("1", chip: nil) }
                == "GPIO line 1 may be on any of gpiochip0 (expander), gpiochip1 (other): say which chip")
    }

    @Test func `What is not there is said`() {
        let chips = GPIOChips(chips: [chip(0, "expander", ["A", "B"]), chip(1, "other", ["A"])])
        func find(_ line: String, _ chip: String?) -> String? {
            problem { () throws(DeviceError) in try chips.line(line, chip: chip) }
        }
        #expect(find("C", nil) == "no GPIO line is called C")
        #expect(find("A", "gpiochip9") == "there is no GPIO chip gpiochip9")
        #expect(find("7", "expander") == "/dev/gpiochip0 (expander) has 2 lines, none with offset 7")
        #expect(find("A", nil)?.hasPrefix("several GPIO lines are called A: line 0, A, of /dev/gpiochip0") == true)
        #expect(
            problem { () throws(DeviceError) in try GPIOChips(chips: []).line("A", chip: nil) }
                == "the board has no GPIO chip")
        let forbidden = DeviceError("cannot open the GPIO chip /dev/gpiochip0: Permission denied")
        #expect(
            problem { () throws(DeviceError) in try GPIOChips(chips: [], problems: [forbidden]).buttonLine() }
                == forbidden.description)
    }

    @Test func `The line that sounds most like a doorbell is the button`() throws {
        let chips = GPIOChips(chips: [
            chip(0, "expander", ["PWR_BUTTON", "BUTTON", "bell", "DOOR-BELL"]),
            chip(1, "other", ["DOORBELL_BUTTON"]),
        ])
        #expect(try chips.buttonLine().name == "DOOR-BELL")
        #expect(try GPIOChips(chips: [chip(0, "x", ["BTN_1", "user button"])]).buttonLine().name == "BTN_1")
    }

    @Test(arguments: [["GPIO17", "ID_SDA", nil], ["POWER_BUTTON", "RESET_BTN", "BUTTON_LED"], ["LABEL", "DOOR"], []])
    func `No line is taken on a guess`(names: [String?]) {
        let chips = GPIOChips(chips: [chip(0, "pinctrl-bcm2711", names)])
        #expect(
            problem { () throws(DeviceError) in try chips.buttonLine() }
                == "none of the board's \(names.count) GPIO lines is named like a bell's button")
    }

    @Test func `A line in use is not taken, and who has it is said`() {
        let chips = GPIOChips(chips: [chip(0, "expander", ["BUTTON"], used: [0])])
        #expect(
            problem { () throws(DeviceError) in try chips.buttonLine() }
                == "line 0, BUTTON, of /dev/gpiochip0 (expander) is used by gpio-keys")
    }
}
