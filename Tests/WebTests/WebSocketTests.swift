import Testing
import Web

@Suite struct WebSocketTests {
    @Test func textGoesBothWays() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        let answer = try client.upgrade()
        #expect(answer.status == 101)
        // RFC 6455 §1.3, for the key that this client sends.
        #expect(answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let socket = try server.nextSocket()
        client.send(.text("Grüß Gott 🔔"))
        #expect(try server.nextMessage() == "Grüß Gott 🔔")
        server.server.send("zurück 🏠", to: socket)
        #expect(try client.readText() == "zurück 🏠")
    }

    @Test func aMessageRightBehindTheHandshakeIsNotLost() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        var bytes = Array("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".utf8)
        bytes += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".utf8
        for text in ["one", "two"] {
            let payload = TestClient.mask(Array(text.utf8))
            bytes += client.header(.text(text), length: payload.count) + payload
        }
        client.send(bytes)
        #expect(try server.nextMessage() == "one")
        #expect(try server.nextMessage() == "two")
    }

    @Test func anEmptyMessageIsAMessage() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        let socket = try server.nextSocket()
        client.send(.text(""))
        client.send(.text("next"))
        #expect(try server.nextMessage() == "")
        #expect(try server.nextMessage() == "next")
        server.server.send("", to: socket)
        #expect(try client.readText() == "")
    }

    @Test(arguments: [1, 125, 126, 4095, 4096, 4097, 8192, 65_535, 65_536])
    func messagesUpToTheLimitArriveWhole(size: Int) throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        let socket = try server.nextSocket()
        let text = String(repeating: "abcdefghij", count: size / 10 + 1).prefix(size).description
        client.send(.text(text))
        #expect(try server.nextMessage() == text)
        server.server.send(text, to: socket)
        #expect(try client.readText() == text)
    }

    @Test func fragmentsArePutTogetherWithPingsBetweenThem() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        // Cut within a character: UTF-8 is checked over the whole message.
        let bytes = Array("Tür 🚪 offen".utf8)
        client.send(TestClient.Frame(opcode: 1, isFinal: false, payload: Array(bytes[..<6])))
        client.send(TestClient.Frame(opcode: 9, payload: [1, 2, 3]))
        client.send(TestClient.Frame(opcode: 0, isFinal: false, payload: Array(bytes[6..<7])))
        client.send(TestClient.Frame(opcode: 0, isFinal: true, payload: Array(bytes[7...])))
        #expect(try server.nextMessage() == "Tür 🚪 offen")
        #expect(try client.readFrame() == TestClient.Frame(opcode: 10, payload: [1, 2, 3]))
    }

    @Test func aMessageOverTheLimitIsRefusedWith1009() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        client.send(.text(String(repeating: "x", count: 65_537)))
        #expect(try client.readClose() == 1009)
        let (_, reason) = try server.nextClosed()
        #expect(reason == .closedHere(1009))
        #expect(server.server.counters.faultySockets == 1)
    }

    @Test func aFrameThatAnnouncesTooMuchIsRefusedBeforeItArrives() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        client.send(client.header(.text(""), length: 1 << 40) + [UInt8](repeating: 0x20, count: 8192))
        #expect(try client.readClose() == 1009)
    }

    @Test func fragmentsOverTheLimitTogetherAreRefused() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        let piece = [UInt8](repeating: 0x61, count: 30_000)
        client.send(TestClient.Frame(opcode: 1, isFinal: false, payload: piece))
        client.send(TestClient.Frame(opcode: 0, isFinal: false, payload: piece))
        client.send(TestClient.Frame(opcode: 0, isFinal: true, payload: piece))
        #expect(try client.readClose() == 1009)
    }

    @Test func binaryIsRefusedWith1003() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        client.send(TestClient.Frame(opcode: 2, payload: [1, 2, 3]))
        #expect(try client.readClose() == 1003)
    }

    @Test func whatIsNotUTF8IsRefusedWith1007() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        client.send(TestClient.Frame(opcode: 1, payload: [0x61, 0xC0, 0xAF]))
        #expect(try client.readClose() == 1007)
    }

    @Test(arguments: [
        TestClient.Frame(opcode: 0, payload: [1]), TestClient.Frame(opcode: 3, payload: [1]),
        TestClient.Frame(opcode: 9, isFinal: false, payload: [1]), TestClient.Frame(opcode: 0x41, payload: [1]),
    ])
    func framesAgainstTheProtocolAreRefusedWith1002(frame: TestClient.Frame) throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        client.send(frame)
        #expect(try client.readClose() == 1002)
    }

    @Test func aPagesCloseIsAnsweredAndTold() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        let socket = try server.nextSocket()
        client.send(TestClient.Frame(opcode: 8, payload: [0x03, 0xE9] + Array("away".utf8)))
        #expect(try client.readFrame()?.code == 1001)
        let (closed, reason) = try server.nextClosed()
        #expect(closed == socket)
        #expect(reason == .closedByPeer(1001))
    }

    @Test func aPageThatVanishesIsTold() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        let socket = try server.nextSocket()
        client.reset()
        let (closed, reason) = try server.nextClosed()
        #expect(closed == socket)
        #expect(reason == .lost)
    }

    @Test func closingSendsWhatWasSentBeforeAndThenTheReason() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        _ = try client.upgrade()
        let socket = try server.nextSocket()
        for number in 1...50 { server.server.send("\(number)", to: socket) }
        server.server.close(socket, code: 1008, reason: String(repeating: "ü", count: 100))
        server.server.send("too late", to: socket)
        for number in 1...50 { #expect(try client.readText() == "\(number)") }
        let frame = try #require(try client.readFrame())
        #expect(frame.opcode == 8)
        #expect(frame.code == 1008)
        #expect(String(validating: frame.payload.dropFirst(2), as: UTF8.self) == String(repeating: "ü", count: 61))
        let (_, reason) = try server.nextClosed()
        #expect(reason == .closedHere(1008))
    }

    @Test func aPageThatNoLongerAnswersPingsCountsAsLost() throws {
        let server = try TestServer {
            $0.pingInterval = .seconds(1)
            $0.silenceLimit = .seconds(2)
        }
        let client = try TestClient(server)
        _ = try client.upgrade()
        #expect(try client.readFrame()?.opcode == 9, "it is asked")
        let (_, reason) = try server.nextClosed()
        #expect(reason == .lost)
        #expect(try client.readFrame() == nil)
    }

    @Test func aPageThatAnswersPingsStays() throws {
        let server = try TestServer {
            $0.pingInterval = .seconds(1)
            $0.silenceLimit = .seconds(2)
        }
        let client = try TestClient(server)
        _ = try client.upgrade()
        let socket = try server.nextSocket()
        for _ in 0..<3 {
            let ping = try #require(try client.readFrame())
            #expect(ping.opcode == 9)
            client.send(TestClient.Frame(opcode: 10, payload: ping.payload))
        }
        server.server.send("still here", to: socket)
        #expect(try client.readText() == "still here")
    }

    @Test func aPageThatDoesNotReadIsClosedAndTheOthersAreServed() throws {
        let server = try TestServer { $0.maximumQueuedBytes = 200_000 }
        let slow = try TestClient(server, receiveBuffer: 4096)
        _ = try slow.upgrade()
        let slowSocket = try server.nextSocket()
        let quick = try TestClient(server)
        _ = try quick.upgrade()
        let quickSocket = try server.nextSocket()
        let text = String(repeating: "x", count: 50_000)
        // The system's buffers take a few megabytes before the queue fills.
        var sent = 0
        while server.server.counters.slowSockets == 0, sent < 2000 {
            server.server.send(text, to: slowSocket)
            server.server.send(text, to: quickSocket)
            #expect(try quick.readText()?.utf8.count == text.utf8.count)
            sent += 1
        }
        let (closed, reason) = try server.nextClosed()
        #expect(closed == slowSocket)
        #expect(reason == .tooSlow)
        server.server.send("on", to: quickSocket)
        #expect(try quick.readText() == "on")
    }

    @Test(arguments: [
        ("http://door.test", "door.test", 101), ("https://door.test", "door.test", 101),
        ("http://DOOR.test", "door.TEST", 101), ("http://door.test:8080", "door.test:8080", 101),
        ("http://door.test", "door.test:80", 101), ("https://door.test:443", "door.test", 101),
        ("http://[::1]:8080", "[::1]:8080", 101), ("https://other.example:8443", "door.test", 101),
        ("http://evil.example", "door.test", 403), ("http://door.test:81", "door.test", 403),
        ("http://door.test.evil.example", "door.test", 403), ("null", "door.test", 403),
        ("file://", "door.test", 403), ("https://door.test:80", "door.test", 403),
    ])
    func onlyItsOwnPagesMayOpenTheSocket(origin: String, host: String, status: Int) throws {
        let server = try TestServer { $0.allowedOrigins = ["https://other.example:8443"] }
        let client = try TestClient(server)
        let answer = try client.upgrade(host: host, headers: ["Origin: \(origin)"])
        #expect(answer.status == status)
        #expect(server.server.counters.refusedSockets == (status == 101 ? 0 : 1))
    }

    @Test func aHandshakeElsewhereOrOfAnotherVersionIsRefused() throws {
        let server = try TestServer()
        #expect(try TestClient(server).upgrade(path: "/").status == 404)
        #expect(try TestClient(server).upgrade(path: "/whep").status == 404)
        let old = try TestClient(server)
        old.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n"
        )
        let answer = try #require(try old.readAnswer())
        #expect(answer.status == 426)
        #expect(answer.headers["sec-websocket-version"] == "13")
        #expect(server.events.count == 0)
    }

    @Test func moreSocketsThanAllowedAreRefusedUntilOneCloses() throws {
        let server = try TestServer { $0.maximumSockets = 2 }
        let first = try TestClient(server)
        let second = try TestClient(server)
        #expect(try first.upgrade().status == 101)
        #expect(try second.upgrade().status == 101)
        #expect(try TestClient(server).upgrade().status == 503)
        first.send(TestClient.Frame(opcode: 8, payload: []))
        _ = try server.nextClosed()
        #expect(try TestClient(server).upgrade().status == 101)
    }

    @Test func manyPagesAreServedAtOnce() throws {
        let server = try TestServer()
        let clients = try (0..<64).map { _ in try TestClient(server) }
        var sockets: [WebSocketID] = []
        for client in clients {
            #expect(try client.upgrade().status == 101)
            sockets.append(try server.nextSocket())
        }
        for (client, socket) in zip(clients, sockets) {
            client.send(.text("\(socket)"))
            #expect(try server.nextMessage() == "\(socket)")
        }
        for socket in sockets { server.server.send("to \(socket)", to: socket) }
        for (client, socket) in zip(clients, sockets) { #expect(try client.readText() == "to \(socket)") }
    }
}
