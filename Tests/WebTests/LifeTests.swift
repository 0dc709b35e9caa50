import Glibc
import Testing
import Web

@Suite struct LifeTests {
    @Test func aPortInUseIsSaidPlainly() throws {
        let server = try TestServer()
        let second = WebServer(configuration: WebServerConfiguration(address: "127.0.0.1", port: server.port)) { _ in }
        let error = #expect(throws: WebError.self) { try second.start() }
        #expect(error == .portInUse(address: "127.0.0.1", port: server.port))
        #expect(error?.description == "another program already listens on port \(server.port) of 127.0.0.1")
    }

    @Test(arguments: ["198.51.100.7", "nonsense", "2001:db8::77"])
    func anAddressThatIsNotThisMachinesIsSaidPlainly(address: String) {
        let server = WebServer(configuration: WebServerConfiguration(address: address, port: 0)) { _ in }
        #expect(throws: WebError.noSuchAddress(address)) { try server.start() }
    }

    @Test func aPageFolderWithoutAPageIsSaidPlainly() {
        let server = WebServer(configuration: WebServerConfiguration(port: 0, pageFolder: "/nowhere")) { _ in }
        #expect(throws: WebError.noPage(folder: "/nowhere")) { try server.start() }
    }

    @Test func withoutAnAddressItListensForBothFamilies() throws {
        let server = try TestServer { $0.address = "" }
        #expect(try TestClient.request(server, "GET", "/").status == 200)
        let client = try TestClient(server)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try server.nextRequest().1.remoteAddress == "127.0.0.1", "not as ::ffff:127.0.0.1")
    }

    @Test func stoppingDeliversWhatWasSentAndClosesEverything() throws {
        let server = try TestServer()
        let page = try TestClient(server)
        _ = try page.upgrade()
        let socket = try server.nextSocket()
        let player = try TestClient(server)
        player.send("POST /whep HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        _ = try server.nextRequest()
        server.server.send("bye", to: socket)
        let start = ContinuousClock.now
        server.server.stop()
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(try page.readText() == "bye")
        #expect(try page.readClose() == 1001)
        #expect(try player.readAnswer()?.status == 503)
        let (closed, reason) = try server.nextClosed()
        #expect(closed == socket)
        #expect(reason == .closedHere(1001))
        let count = server.events.count
        server.server.send("nobody hears", to: socket)
        server.server.stop()
        #expect(server.events.count == count)
    }

    @Test func aServerStopsWhileClientsAreBusyAndMakesRoomForTheNext() throws {
        var port: UInt16 = 0
        for _ in 0..<5 {
            let server = try TestServer { $0.port = port }
            port = server.port
            let readers = try (0..<4).map { _ in try TestClient(server, receiveBuffer: 4096) }
            for reader in readers { reader.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n") }
            try server.answerNext(4) { _ in HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 8_000_000)) }
            let pages = try (0..<8).map { _ in try TestClient(server) }
            for page in pages { _ = try page.upgrade() }
            let start = ContinuousClock.now
            server.server.stop()
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func aServerThatIsForgottenStops() throws {
        var server: TestServer? = try TestServer()
        let port = try #require(server?.port)
        server = nil
        _ = try TestServer { $0.port = port }
    }

    @Test func nothingIsLeftOpenAfterManyConnections() throws {
        let server = try TestServer()
        let connect = {
            let page = try TestClient(server)
            _ = try page.upgrade()
            _ = try server.nextSocket()
            page.send(TestClient.Frame(opcode: 8, payload: []))
            _ = try page.readToEnd()
            _ = try server.nextClosed()
            #expect(try TestClient.request(server, "GET", "/").status == 200)
        }
        for _ in 0..<200 { try connect() }
        // Connections beyond the limit are refused, so 400 in all tell that each gave its place back.
        #expect(server.server.counters.connections == 400)
        #expect(server.server.counters.refusedConnections == 0)
    }
}
