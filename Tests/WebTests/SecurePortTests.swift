import Certificates
import Testing
import Web

/// What the plain port does where there is a secure one. (TLS itself: Tests/Interop/test_https.py.)
@Suite struct SecurePortTests {
    private let server: TestServer

    init() throws {
        let authority = try CertificateAuthority(name: "Test", names: [])
        let certificate = try authority.issue(for: .init(names: ["localhost"]), at: 1_795_910_400)
        server = try TestServer {
            $0.securePort = 0
            $0.credentials = TLSCredentials(pem: certificate.pem)
        }
    }

    private var secure: UInt16 { server.server.securePort }

    private func ask(
        _ path: String, host: String, method: String = "GET", headers: [String] = []
    ) throws -> TestClient.Answer {
        let client = try TestClient(server)
        let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Content-Length: 0"] + headers
        client.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        return try #require(try client.readAnswer(toHead: method == "HEAD"))
    }

    @Test(arguments: ["/", "/index.html", "/app.js", "/api/status", "/whep", "/nowhere", "/%0d%0aEvil: 1"])
    func `A person who comes by plain HTTP is told how to get to HTTPS`(path: String) throws {
        let answer = try ask(path, host: "door.test:8080", headers: ["Accept: text/html,application/xhtml+xml"])
        #expect(answer.status == 307)
        #expect(answer.headers["location"] == "/certificate")
        #expect(answer.headers["evil"] == nil)
    }

    @Test(arguments: [
        ("GET", "door.test:8080", "/api/status", "https://door.test:PORT/api/status"),
        ("POST", "Door.Test", "/whep?a=b%20c&d=%2F", "https://door.test:PORT/whep?a=b%20c&d=/"),
        ("GET", "[fd00::1]:8080", "/metrics", "https://[fd00::1]:PORT/metrics"),
        ("GET", "127.0.0.1.evil.example", "/", "https://127.0.0.1.evil.example:PORT/"),
        ("GET", "10.0.0.1", "/a%22%3Cb", "https://10.0.0.1:PORT/a%22%3Cb"),
    ])
    func `A program is sent to the same address under HTTPS, with its method`(
        method: String, host: String, path: String, location: String
    ) throws {
        let answer = try ask(path, host: host, method: method)
        #expect(answer.status == 308)
        #expect(answer.headers["location"] == location.replacing("PORT", with: "\(secure)"))
    }

    @Test(arguments: [
        ("Door.Test:8080", "door.test"), ("door", "door"), ("10.0.0.1:80", "10.0.0.1"), ("[FD00::1]:8080", "[fd00::1]"),
        ("[fd00::1]", "[fd00::1]"), ("", ""),
    ])
    func `The name that was asked for is known without its port`(host: String, name: String) {
        #expect(HTTPRequest(method: "GET", path: "/", host: host).hostName == name)
    }

    @Test func `No WebSocket opens over plain HTTP`() throws {
        let client = try TestClient(server)
        #expect(try client.upgrade(host: "door.test").status == 403)
        #expect(server.server.counters.refusedSockets == 1)
    }

    @Test(arguments: ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]", "door.localhost"])
    func `On the machine itself plain HTTP is as good`(host: String) throws {
        #expect(try ask("/", host: host, headers: ["Accept: text/html"]).status == 200)
        let client = try TestClient(server)
        #expect(try client.upgrade(host: host).status == 101)
    }

    @Test func `The page that explains comes over plain HTTP, and may try HTTPS`() throws {
        let page = try ask("/certificate", host: "door.test", headers: ["Accept: text/html"])
        #expect(page.status == 200)
        #expect(page.headers["content-type"] == "text/html; charset=utf-8")
        #expect(page.headers["content-security-policy"]?.contains(" https://door.test:\(secure);") == true)
        let texts = ["/strings.js", "/language.js", "/english.js", "/german.js", "/formats.js"]
        for file in ["/certificate.js", "/style.css", "/icon.svg"] + texts {
            #expect(try ask(file, host: "door.test").status == 200, "\(file)")
        }
        let client = try TestClient(server)
        client.send("GET /certificate/status HTTP/1.1\r\nHost: door.test\r\nAccept: text/html\r\n\r\n")
        let (id, request) = try server.nextRequest()
        #expect(request.path == "/certificate/status")
        #expect(!request.isSecure)
        server.server.respond(to: id, with: HTTPResponse(status: 200, text: "told"))
        #expect(try client.readAnswer()?.text == "told")
    }

    @Test func `Without a secure port there is nothing to explain`() throws {
        let plain = try TestServer()
        #expect(plain.server.securePort == 0)
        #expect(try TestClient.request(plain, "GET", "/").status == 200)
        let client = try TestClient(plain)
        client.send("GET /certificate HTTP/1.1\r\nHost: door.test\r\nAccept: text/html\r\n\r\n")
        #expect(try plain.nextRequest().1.path == "/certificate")
    }

    @Test(arguments: ["", "nonsense"])
    func `A certificate that cannot be used keeps the server from starting`(pem: String) throws {
        var configuration = WebServerConfiguration(address: "127.0.0.1", port: 0)
        configuration.securePort = 0
        configuration.credentials = TLSCredentials(pem: pem)
        let server = WebServer(configuration: configuration) { _ in }
        #expect(throws: WebError.system("the certificate for HTTPS cannot be used")) { try server.start() }
    }
}
