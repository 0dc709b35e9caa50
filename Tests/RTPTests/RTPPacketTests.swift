import RTP
import Testing
import Wire

@Suite("RTP packets")
struct RTPPacketTests {
    private let header = RTPHeader(
        marker: true, payloadType: 96, sequenceNumber: 0x1234, timestamp: 0xDEAD_BEEF, ssrc: 0xCAFE_BABE,
        contributingSources: [1, 2])

    @Test("RFC 3550 §5.1: the fixed header's bytes")
    func headerBytes() throws {
        var bytes: [UInt8] = []
        header.write(to: &bytes)
        #expect(
            bytes == [
                0x82, 0xE0, 0x12, 0x34, 0xDE, 0xAD, 0xBE, 0xEF, 0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 1, 0, 0, 0, 2,
            ])
        let packet = try RTPPacket((bytes + [9, 8, 7])[...])
        #expect(packet.header == header)
        #expect(Array(packet.payload) == [9, 8, 7])
    }

    @Test("RFC 3550 §5.1: padding is cut off, and one longer than the payload is an error")
    func padding() throws {
        var bytes: [UInt8] = []
        RTPHeader(marker: false, payloadType: 0, sequenceNumber: 1, timestamp: 2, ssrc: 3).write(to: &bytes)
        bytes[0] |= 0x20
        #expect(try Array(RTPPacket((bytes + [5, 0, 0, 3])[...]).payload) == [5])
        #expect(try RTPPacket((bytes + [0, 0, 3])[...]).payload.isEmpty)
        #expect(throws: RTPError.padding) { try RTPPacket((bytes + [0, 0, 4])[...]) }
        #expect(throws: RTPError.padding) { try RTPPacket((bytes + [1, 0])[...]) }
        #expect(throws: RTPError.padding) { try RTPPacket(bytes[...]) }
    }

    @Test("Every truncation of a header is an error")
    func truncation() throws {
        var bytes: [UInt8] = []
        var values = HeaderExtensionValues()
        values.transportSequenceNumber = 7
        var map = HeaderExtensionMap()
        map[.transportSequenceNumber] = 5
        header.write(to: &bytes, extensions: values, map: map)
        for count in 0..<bytes.count {
            #expect(throws: RTPError.truncated) { try RTPPacket(bytes.prefix(count)) }
        }
        #expect(try RTPPacket(bytes[...]).payload.isEmpty)
    }

    @Test("Another version is an error")
    func version() {
        #expect(throws: RTPError.version) { try RTPPacket([UInt8](repeating: 0x40, count: 12)[...]) }
    }

    @Test("A slice in the middle of a buffer parses like a whole one")
    func slices() throws {
        var bytes: [UInt8] = [1, 2, 3]
        header.write(to: &bytes)
        bytes += [42]
        let packet = try RTPPacket(bytes[3...])
        #expect(packet.header == header)
        #expect(packet.payload.startIndex == bytes.count - 1)
    }

    @Test("RFC 8285 §4.2: the one-byte form of all extensions comes back")
    func oneByteExtensions() throws {
        let (values, map) = allExtensions(offset: 1)
        var bytes: [UInt8] = []
        header.write(to: &bytes, extensions: values, map: map)
        #expect(bytes[20..<22] == [0xBE, 0xDE])
        #expect(bytes.count % 4 == 0)
        #expect(try RTPPacket(bytes[...]).extensionValues(map) == values)
    }

    @Test("RFC 8285 §4.3: identifiers above 14 and long values take the two-byte form and come back")
    func twoByteExtensions() throws {
        let (values, map) = allExtensions(offset: 12)
        var bytes: [UInt8] = []
        header.write(to: &bytes, extensions: values, map: map)
        #expect(bytes[20..<22] == [0x10, 0x00])
        #expect(try RTPPacket(bytes[...]).extensionValues(map) == values)

        var long = HeaderExtensionValues()
        long.mid = Array("a media identification".utf8)
        var one = HeaderExtensionMap()
        one[.mid] = 1
        bytes = []
        header.write(to: &bytes, extensions: long, map: one)
        #expect(try RTPPacket(bytes[...]).extensionValues(one) == long)
    }

    @Test("Values that were not negotiated are not sent, and without any there is no extension")
    func unnegotiatedExtensions() throws {
        let (values, _) = allExtensions(offset: 1)
        var bytes: [UInt8] = []
        header.write(to: &bytes, extensions: values, map: HeaderExtensionMap())
        #expect(bytes.count == 20)
        #expect(bytes[0] & 0x10 == 0)
    }

    @Test("RFC 8285 §4.2: padding is passed over; ID 15 and ID 0 with a length end the extension")
    func extensionTerminators() throws {
        #expect(try elements(0xBEDE, [0, 0x10, 7, 0, 0, 0x20, 9, 0]) == [1: [7], 2: [9]])
        #expect(try elements(0xBEDE, [0x10, 7, 0xF0, 1, 0x20, 9, 0, 0]) == [1: [7]])
        #expect(try elements(0xBEDE, [0x10, 7, 0x01, 1, 1, 0x20, 9, 0]) == [1: [7]])
    }

    @Test("RFC 8285 §4.3: a two-byte element may be empty, and application bits are ignored")
    func twoByteElements() throws {
        #expect(try elements(0x1007, [1, 0, 0, 15, 2, 3, 4, 0]) == [1: [], 15: [3, 4]])
    }

    @Test("An element longer than the extension ends it, and an unknown profile has no elements")
    func brokenElements() throws {
        #expect(try elements(0xBEDE, [0x10, 7, 0x2F, 1]) == [1: [7]])
        #expect(try elements(0x1000, [1, 1, 7, 200]) == [1: [7]])
        #expect(try elements(0x4242, [0x10, 7, 0, 0]) == [:])
    }

    @Test("RFC 6464 §3: audio level and voice activity share a byte")
    func audioLevel() {
        #expect(AudioLevel(decibelsBelowOverload: 42, isVoice: true).byte == 0x80 | 42)
        #expect(AudioLevel(byte: 0x80 | 42) == AudioLevel(decibelsBelowOverload: 42, isVoice: true))
        #expect(AudioLevel(decibelsBelowOverload: 200, isVoice: false).byte == 127)
    }

    @Test("The absolute send time counts 2⁻¹⁸ s and wraps at 64 s")
    func absoluteSendTime() {
        #expect(AbsoluteSendTime(Instant(nanoseconds: 1_500_000_000)).rawValue == 3 << 17)
        #expect(AbsoluteSendTime(Instant(nanoseconds: 65_500_000_000)).rawValue == 3 << 17)
        #expect(AbsoluteSendTime(Instant(nanoseconds: Int64.max)).rawValue <= 0xFF_FFFF)
        #expect(AbsoluteSendTime(Instant(nanoseconds: -1)).rawValue == 0xFF_FFFF)
    }

    private func elements(_ profile: UInt16, _ data: [UInt8]) throws -> [UInt8: [UInt8]] {
        var bytes: [UInt8] = []
        RTPHeader(marker: false, payloadType: 0, sequenceNumber: 1, timestamp: 2, ssrc: 3).write(to: &bytes)
        bytes[0] |= 0x10
        bytes.append(uint16: profile)
        bytes.append(uint16: UInt16(data.count / 4))
        let packet = try RTPPacket((bytes + data)[...])
        return Dictionary(uniqueKeysWithValues: packet.extensionElements.map { ($0.identifier, Array($0.bytes)) })
    }

    private func allExtensions(offset: UInt8) -> (HeaderExtensionValues, HeaderExtensionMap) {
        var values = HeaderExtensionValues()
        values.mid = Array("video0".utf8)
        values.absoluteSendTime = AbsoluteSendTime(rawValue: 0x12_3456)
        values.transportSequenceNumber = 0xABCD
        values.audioLevel = AudioLevel(decibelsBelowOverload: 30, isVoice: true)
        values.playoutDelay = PlayoutDelay(minimum: 0, maximum: 4095)
        var map = HeaderExtensionMap()
        for (index, kind) in HeaderExtension.allCases.enumerated() { map[kind] = UInt8(index) + offset }
        return (values, map)
    }
}
