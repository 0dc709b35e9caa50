import Testing

@testable import Gateway

@Suite struct MeetingKeyTests {
    private let place = TemporaryFolder()
    private var folder: StateFolder { StateFolder(path: place.path) }

    @Test func `The door's key is made once, and kept for its owner's eyes alone`() throws {
        let made = try MeetingKey(in: folder).load()
        #expect(try MeetingKey(in: folder).load() == made)
        #expect(permissions(of: folder.meetingKeyFile) == 0o600)
        let other = TemporaryFolder()
        #expect(try MeetingKey(in: StateFolder(path: other.path)).load() != made)
    }

    @Test(arguments: ["", "AAAA\n", String(repeating: "A", count: 42) + "=\n", String(repeating: "!", count: 43)])
    func `A key that is damaged is not replaced`(text: String) throws {
        put(text, at: folder.meetingKeyFile)
        let error = #expect(throws: StateError.self) { try MeetingKey(in: folder).load() }
        #expect(error?.description.contains("damaged") == true)
        #expect(try folder.read(folder.meetingKeyFile) == Array(text.utf8))
    }

    @Test(arguments: [
        ([], ""), ([0xFB, 0xFF], "-_8"), ([1, 2, 3], "AQID"), ([0xFF, 0xEF, 0xBE, 0x3F], "_---Pw"),
    ])
    func `Bytes are written in base64url without padding, and read again`(bytes: [UInt8], text: String) {
        #expect(bytes.base64URL == text)
        #expect([UInt8](base64URL: text) == bytes)
        #expect([UInt8](base64URL: text + "=") == nil)
        #expect([UInt8](base64URL: text + "*") == nil)
    }
}
