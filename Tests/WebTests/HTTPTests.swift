import Testing
import Web

@Suite struct HTTPTests {
    @Test func thePageIsServedWithItsTypeAndProtection() throws {
        let server = try TestServer()
        let answer = try TestClient.request(server, "GET", "/")
        #expect(answer.status == 200)
        #expect(answer.text.contains("<!doctype html>"))
        #expect(answer.headers["content-type"] == "text/html; charset=utf-8")
        #expect(answer.headers["cache-control"] == "no-cache")
        #expect(answer.headers["x-content-type-options"] == "nosniff")
        #expect(answer.headers["x-frame-options"] == "DENY")
        #expect(answer.headers["referrer-policy"] == "no-referrer")
        #expect(answer.headers["permissions-policy"]?.contains("microphone=(self)") == true)
        let policy = try #require(answer.headers["content-security-policy"])
        #expect(policy.contains("default-src 'self'"))
        #expect(policy.contains("frame-ancestors 'none'"))
        #expect(policy.contains("ws://door.test"))
        #expect(try TestClient.request(server, "GET", "/index.html").body == answer.body)
    }

    @Test func headAnswersAsGetWithoutTheBody() throws {
        let server = try TestServer()
        let get = try TestClient.request(server, "GET", "/")
        let client = try TestClient(server)
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(try client.readAnswer(toHead: true))
        #expect(head.status == 200)
        #expect(head.headers["content-length"] == "\(get.body.count)")
        #expect(try client.readToEnd() == [])
    }

    @Test func aPageThatDidNotChangeIsNotSentAgain() throws {
        let server = try TestServer()
        let tag = try #require(try TestClient.request(server, "GET", "/").headers["etag"])
        for field in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
            let answer = try TestClient.request(server, "GET", "/", headers: ["If-None-Match: \(field)"])
            #expect(answer.status == 304, "\(field)")
            #expect(answer.headers["etag"] == tag)
            // or the browser would put the policy of other answers in the place of the page's
            #expect(answer.headers["content-security-policy"]?.contains("default-src 'self'") == true)
            #expect(answer.headers["content-length"] == nil)
        }
        #expect(try TestClient.request(server, "GET", "/", headers: ["If-None-Match: \"other\""]).status == 200)
    }

    @Test func aPageIsOnlyRead() throws {
        let server = try TestServer()
        for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
            let answer = try TestClient.request(server, method, "/", body: "")
            #expect(answer.status == 405, "\(method)")
            #expect(answer.headers["allow"] == "GET, HEAD")
        }
    }

    @Test(arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    func everyMethodReachesTheRequestAndItsAnswerTheClient(method: String) throws {
        let server = try TestServer()
        let hasBody = ["POST", "PUT", "PATCH"].contains(method)
        for turn in 1...3 {
            let client = try TestClient(server)
            var text = "\(method) /whep/a%20b/\(turn)?token=x%3Dy&flag HTTP/1.1\r\nHost: door.test:8080\r\n"
            text += "Content-Type: application/sdp\r\nIf-Match: \"tag\"\r\n"
            if hasBody { text += "Content-Length: 5\r\n" }
            client.send("\(text)\r\n\(hasBody ? "v=0\r\n" : "")")
            let (id, request) = try server.nextRequest()
            #expect(request.method == method)
            #expect(request.path == "/whep/a b/\(turn)")
            #expect(request.query == ["token": "x=y", "flag": ""])
            #expect(request.headers["content-type"] == "application/sdp")
            #expect(request.headers["if-match"] == "\"tag\"")
            #expect(request.host == "door.test:8080")
            #expect(request.remoteAddress == "127.0.0.1")
            #expect(request.body == (hasBody ? Array("v=0\r\n".utf8) : []))
            let response = HTTPResponse(
                status: 201, headers: [.init("Location", "/whep/\(turn)"), .init("ETag", "\"1\"")], body: [1, 2, 3])
            server.server.respond(to: id, with: response)
            let answer = try #require(try client.readAnswer(toHead: method == "HEAD"))
            #expect(answer.status == 201)
            #expect(answer.headers["location"] == "/whep/\(turn)")
            #expect(answer.headers["etag"] == "\"1\"")
            #expect(answer.headers["cache-control"] == "no-store")
            #expect(answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
            #expect(answer.body == (method == "HEAD" ? [] : [1, 2, 3]))
        }
    }

    @Test func aBodyOfZeroBytesIsARequestLikeAnyOther() throws {
        let server = try TestServer()
        for method in ["POST", "PATCH", "PUT", "DELETE", "POST"] {
            let client = try TestClient(server)
            client.send("\(method) /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            try server.answerNext { HTTPResponse(status: 200, text: $0.method) }
            #expect(try client.readAnswer()?.text == method)
        }
    }

    @Test func aBodyThatComesInPiecesIsPutTogether() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        let body = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        client.send("POST /whep HTTP/1.1\r\nHo")
        client.send("st: a\r\nContent-Length: 60000\r\n\r\n")
        for start in stride(from: 0, to: body.count, by: 7001) {
            client.send(Array(body[start..<min(start + 7001, body.count)]))
        }
        let (id, request) = try server.nextRequest()
        #expect(request.body == body)
        server.server.respond(to: id, with: HTTPResponse(status: 204))
        let answer = try #require(try client.readAnswer())
        #expect(answer.status == 204)
        #expect(answer.headers["content-length"] == nil)
    }

    @Test(arguments: [65_537, 1_048_576])
    func aBodyOverTheLimitIsReadToItsEndAndRefused(size: Int) throws {
        let server = try TestServer()
        let answer = try TestClient.request(server, "POST", "/whep", body: String(repeating: "x", count: size))
        #expect(answer.status == 413)
        #expect(server.events.count == 0)
    }

    @Test func aHugeBodyIsRefusedWithoutReadingIt() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        client.send("POST /whep HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
        #expect(try client.readAnswer()?.status == 413)
        #expect(try client.readAnswer() == nil, "the connection ends")
    }

    @Test(arguments: [
        ("POST /x HTTP/1.1\r\nHost: a\r\n\r\n", 411),
        ("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400),
        ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\nhello", 400),
        ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("GET /x HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a'; script-src *\r\n\r\n", 400),
        ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
    ])
    func whatIsNoProperRequestIsRefused(request: String, status: Int) throws {
        let server = try TestServer()
        let client = try TestClient(server)
        client.send(request)
        #expect(try client.readAnswer()?.status == status)
        #expect(server.events.count == 0)
        #expect(try TestClient.request(server, "GET", "/").status == 200, "the server goes on")
    }

    @Test(arguments: [
        "\r\n\r\n\r\n", "NONSENSE\r\n\r\n", "GET\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}",
        "GET /\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
    ])
    func noiseEndsItsConnectionAndNothingElse(noise: String) throws {
        let server = try TestServer { $0.requestTimeout = .seconds(1) }
        let client = try TestClient(server)
        client.send(noise)
        _ = try client.readToEnd()
        #expect(server.events.count == 0)
        #expect(try TestClient.request(server, "GET", "/").status == 200)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", "noise", "\r\n\r\n",
    ])
    func whatIsSentBehindARequestIsNotServed(ahead: String) throws {
        let server = try TestServer()
        for first in [
            "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
        ] {
            let client = try TestClient(server)
            client.send(first + String(repeating: ahead, count: 20))
            try server.answerNext { HTTPResponse(status: 200, text: "\($0.body.count)") }
            _ = try client.readToEnd()
        }
        #expect(try TestClient.request(server, "GET", "/").status == 200)
        #expect(server.events.count == 2)
    }

    @Test func anAnswerEndsItsConnection() throws {
        let server = try TestServer()
        for version in ["1.0", "1.1"] {
            let client = try TestClient(server)
            client.send("GET / HTTP/\(version)\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            let answer = try #require(try client.readAnswer())
            #expect(answer.status == 200)
            #expect(answer.headers["connection"] == "close")
            #expect(try client.readToEnd() == [])
        }
    }

    @Test func aClientThatSaidEverythingMayCloseItsSide() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        client.send("GET / HTTP/1.0\r\n\r\n")
        client.endSending()
        #expect(try client.readAnswer()?.status == 200)
    }

    @Test func aLargeAnswerArrivesWhole() throws {
        let server = try TestServer()
        let client = try TestClient(server, receiveBuffer: 4096)
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        client.send("GET /api/big HTTP/1.1\r\nHost: a\r\n\r\n")
        try server.answerNext { _ in HTTPResponse(status: 200, body: body) }
        #expect(try client.readAnswer()?.body == body)
    }

    @Test func whatAHeaderMayNotHoldNeverReachesTheWire() throws {
        let server = try TestServer()
        let client = try TestClient(server)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        try server.answerNext { _ in
            HTTPResponse(
                status: 200,
                headers: [
                    .init("Location", "/a\r\nSet-Cookie: stolen"), .init("Bad Name", "x"), .init("Content-Length", "0"),
                ], body: [7])
        }
        let answer = try #require(try client.readAnswer())
        #expect(answer.headers["location"] == "/a  Set-Cookie: stolen")
        #expect(answer.headers["set-cookie"] == nil)
        #expect(answer.headers["bad name"] == nil)
        #expect(answer.body == [7])
    }

    @Test func aRequestNobodyAnswersIsAnsweredByTheServer() throws {
        let server = try TestServer { $0.requestTimeout = .seconds(1) }
        let client = try TestClient(server)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        let (id, _) = try server.nextRequest()
        #expect(try client.readAnswer()?.status == 504)
        server.server.respond(to: id, with: HTTPResponse(status: 200))
        #expect(try client.readToEnd() == [], "the late answer went nowhere")
    }

    @Test(arguments: [
        "", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    ])
    func aClientThatDalliesLosesItsConnection(beginning: String) throws {
        let server = try TestServer { $0.requestTimeout = .seconds(1) }
        let client = try TestClient(server)
        client.send(beginning)
        #expect(try client.readToEnd() == [])
        #expect(server.events.count == 0)
    }

    @Test func anAnswerToAClientThatLeftGoesNowhere() throws {
        let server = try TestServer()
        var client: TestClient? = try TestClient(server)
        client?.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        let (id, _) = try server.nextRequest()
        client?.reset()
        client = nil
        server.server.respond(to: id, with: HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 100_000)))
        #expect(try TestClient.request(server, "GET", "/").status == 200)
    }

    @Test func moreConnectionsThanAllowedAreRefusedUntilOneEnds() throws {
        let server = try TestServer { $0.maximumConnections = 3 }
        var clients = try (0..<3).map { _ in try TestClient(server) }
        for client in clients { #expect(try client.upgrade().status == 101) }
        #expect(try TestClient(server).readToEnd() == [])
        #expect(server.server.counters.refusedConnections == 1)
        clients.removeLast().reset()
        // The place is free once the server has seen the end, which a refused client can only find out by trying.
        var served = false
        while !served {
            let client = try TestClient(server)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            served = try client.readAnswer()?.status == 200
        }
        #expect(server.server.counters.connections >= 4)
    }
}
