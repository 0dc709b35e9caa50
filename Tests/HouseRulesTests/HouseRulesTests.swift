import Testing

/// What keeps the cores free of I/O, and every room to its place (README, "How the source is laid out").
@Suite struct HouseRulesTests {
    private let tree = SourceTree()

    /// Rooms that are given the time and their random numbers, and do no I/O.
    private static let cores: Set = [
        "Wire", "ICE", "RTP", "Congestion", "SDP", "DTLS", "SRTP", "SCTP", "PeerConnection", "Calls",
        "Certificates", "Identity", "Meeting",
    ]

    /// Modules of the system, for every room but the cores.
    private static let systemModules: Set = ["Glibc", "Synchronization", "FoundationEssentials"]

    /// Which rooms and C modules each room may import.
    private static let allowedImports: [String: Set<String>] = {
        var table: [String: Set<String>] = [
            "Wire": [], "ICE": ["Wire"], "RTP": ["Wire"], "Congestion": ["Wire"], "SDP": ["Wire"],
            "SCTP": ["Wire"],
            "SRTP": ["Wire", "COpenSSL"],
            "Certificates": ["Wire", "COpenSSL"],
            "DTLS": ["Wire", "COpenSSL", "SRTP"],  // the handshake makes SRTP's keys (RFC 5764)
            "PeerConnection": ["Wire", "ICE", "RTP", "Congestion", "SDP", "DTLS", "SRTP", "SCTP"],
            "Calls": ["Wire", "PeerConnection"],
            "Identity": ["Wire"],
            "Meeting": ["Wire", "COpenSSL"],
            "Media": ["Wire"],
            "Camera": ["Wire", "Media", "CV4L2", "CTurboJPEG"],
            "Codecs": ["Wire", "Media", "CX264", "COpus"],
            "Sound": ["Wire", "Media", "CALSA"],
            "Board": ["Wire", "Media", "CGPIOD"],
            "Web": ["CWebSockets", "CPage"],
            "MQTT": ["CMosquitto"],
            "doorward": ["Gateway"],
        ]
        let rooms = Set(table.keys).subtracting(["doorward"])
        table["Gateway"] = rooms.union(["CLinux", "CYAML", "COpenSSL", "CQREncode"])
        return table
    }()

    /// Rooms that hand memory to C.
    private static let unsafeRooms: Set = [
        "DTLS", "SRTP", "Certificates", "Camera", "Sound", "Codecs", "Board", "Web", "Meeting", "MQTT",
    ]

    /// The Gateway's files that hand memory to C: libyaml, and the system calls that have no other form.
    private static let unsafeFiles: Set = [
        "Sources/Gateway/Configuration/YAMLNode.swift", "Sources/Gateway/Log/Log.swift",
        "Sources/Gateway/Loop/Handover.swift", "Sources/Gateway/Network/TCPStream.swift",
        "Sources/Gateway/Network/UDPSocket.swift",
    ]

    private static func unsafeNames(in code: String) -> [String] {
        code.matches(of: /\w*[uU]nsafe\w*/).map { String($0.0) }
    }

    /// What reads a clock, draws a random number, starts a thread or writes a log.
    private static func impureNames(in code: String) -> [String] {
        let names = code.matches(
            of:
                /\bDate\(|\.now\b|\b\w*Clock\b\(|\b(?:Continuous|Suspending)Clock\b|\bSystemRandomNumberGenerator\b|\.random\((?:in:|\)|using:)|\.randomElement\(|\.shuffled?\(|\bgettimeofday\b|\bclock_gettime\b|\bTask\s*[{.]|\bThread\b|\bDispatch\w+|\b(?:debugP|p)rint\(/
                .wordBoundaryKind(.simple)  // to Unicode's default, "Task.sleep" is one word
        )
        return names.map { String($0.0) }
    }

    @Test func `every room is known, and every known room is there`() throws {
        #expect(try tree.rooms() == Set(Self.allowedImports.keys).union(["C"]))
        #expect(try tree.swiftFiles().count > 100)
    }

    @Test func `a room imports only what lies below it`() throws {
        for file in try tree.swiftFiles() {
            let allowed = try #require(Self.allowedImports[file.room], "\(file) lies in no known room")
            let system = Self.cores.contains(file.room) ? [] : Self.systemModules
            for module in file.imports {
                #expect(allowed.contains(module) || system.contains(module), "\(file) imports \(module)")
            }
        }
    }

    @Test func `a core reads no clock, draws no random number, starts no thread and writes no log`() throws {
        for file in try tree.swiftFiles() where Self.cores.contains(file.room) {
            #expect(Self.impureNames(in: file.code).isEmpty, "\(file)")
        }
    }

    @Test func `unsafe pointers stay where memory is handed to C`() throws {
        for file in try tree.swiftFiles() {
            let mayUse = Self.unsafeRooms.contains(file.room) || Self.unsafeFiles.contains(file.path)
            #expect(mayUse || Self.unsafeNames(in: file.code).isEmpty, "\(file)")
        }
    }

    @Test func `every exception for unsafe pointers is still needed`() throws {
        let files = try tree.swiftFiles().filter { !Self.unsafeNames(in: $0.code).isEmpty }
        #expect(Self.unsafeFiles.subtracting(files.map(\.path)).isEmpty)
        #expect(Self.unsafeRooms.subtracting(files.map(\.room)).isEmpty)
    }

    @Test func `no type has its module's name, or says only that it helps`() throws {
        for file in try tree.swiftFiles() {
            for type in file.code.matches(
                of: /\b(?:struct|class|enum|actor|protocol|typealias)\s+(\w+)/.wordBoundaryKind(.simple))
            {
                #expect(String(type.1) != file.room, "\(file)")
                #expect(type.1.firstMatch(of: /(?:Manager|Helper|Helpers|Util|Utils|Utilities)$/) == nil, "\(file)")
            }
        }
    }

    @Test func `the top level holds what a reader looks for, and nothing else`() throws {
        #expect(
            try tree.topLevelEntries() == [
                "Package.swift", "Sources", "Tests", "board", "systemd", "README.md", "LICENSE",
            ])
    }

    // MARK: The rules themselves

    @Test func `comments are no code, and what looks like one in a string is`() {
        let code = SourceFile.withoutComments(
            """
            let a = "https://x" + Date() // UnsafeRawPointer
            /* withUnsafeBytes
            */ let b = "\\"// \\(Instant.now)"
            """)
        #expect(Self.unsafeNames(in: code).isEmpty)
        #expect(Self.impureNames(in: code) == ["Date(", ".now"])
    }

    @Test(arguments: [
        "bytes.withUnsafeBytes { }", "UnsafeMutablePointer<Int>.allocate(capacity: 1)", "unsafeBitCast(a, to: b)",
        "nonisolated(unsafe) var x = 1", "withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { _ in }",
    ])
    func `an unsafe pointer is seen`(code: String) {
        #expect(!Self.unsafeNames(in: code).isEmpty)
    }

    @Test(arguments: [
        "let d = Date()", "Instant.now", "ContinuousClock().measure {}", "var g = SystemRandomNumberGenerator()",
        "Int.random(in: 0..<3)", "Bool.random()", "list.shuffled()", "list.randomElement()", "Task { }",
        "Thread.sleep()", "DispatchQueue.main", "print(1)",
    ])
    func `a clock, a random number, a thread and a log are seen`(code: String) {
        #expect(!Self.impureNames(in: code).isEmpty)
    }

    @Test func `an import is seen whatever stands before it`() {
        let file = SourceFile(
            path: "Sources/ICE/Agent/X.swift",
            code:
                "public import Wire\n@preconcurrency import Glibc\nimport struct FoundationEssentials.Data\n let x = 1")
        #expect(file.room == "ICE")
        #expect(file.imports == ["Wire", "Glibc", "FoundationEssentials"])
    }
}
