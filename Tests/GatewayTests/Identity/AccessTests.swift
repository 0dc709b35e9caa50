import Identity
import Testing
import Web

@testable import Gateway

/// What each endpoint answers to whom.
@Suite(.timeLimit(.minutes(3))) struct AccessTests {
    private let folder = TemporaryFolder()
    private var state: String { folder.path + "/state" }

    private func start() -> TestDaemon {
        TestDaemon(state: state) { $0.web.authentication = .household }
    }

    private func address(_ endpoint: Endpoint) -> String { endpoint.path.replacing("*", with: "someone") }

    @Test
    func `Without a session nothing answers but the sign-in page, what it asks, and a browser's question for leave`()
        throws
    {
        let daemon = start()
        let stranger = try Visitor(daemon)
        let open = Endpoint.all.filter { $0.access == .anyone }.map { "\($0.method) \($0.path)" }
        #expect(
            Set(open) == ["GET /certificate/*", "POST /api/pair", "POST /api/join", "OPTIONS /whep", "OPTIONS /whep/*"])
        var forged = stranger
        forged.token = String(repeating: "x", count: 43)
        forged.cookie = "doorward-00000000=\(String(repeating: "x", count: 43))"
        for visitor in [stranger, forged] {
            for endpoint in Endpoint.all where endpoint.access != .anyone {
                let answer = try visitor.send(
                    endpoint.method, address(endpoint), ["POST", "PUT"].contains(endpoint.method) ? "{}" : nil)
                #expect(answer.status == 401, "\(endpoint.method) \(endpoint.path)")
                #expect(answer.header("www-authenticate")?.hasPrefix("Bearer") == true)
            }
            for path in [
                "/ws", "/api", "/api/", "/api/nothing", "/nothing", "/whep/a/b", "/metrics/x", "/household.json",
            ] {
                #expect(try visitor.send("GET", path).status == 401, "\(path)")
            }
            for method in ["PUT", "DELETE", "PATCH"] {
                #expect(
                    try visitor.send(method, "/api/pair", method == "DELETE" ? nil : "{}").status == 401, "\(method)")
            }
        }
        for path in ["/", "/index.html", "/sign-in.js", "/style.css"] {
            #expect(try stranger.send("GET", path).status == 200, "\(path)")
        }
        daemon.stop()
    }

    @Test func `The first to pair is the owner, by a cookie that no script reads and no other site sends`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        #expect(try owner.send("GET", "/api/me").text.contains(#""isNew":true"#))
        try owner.pair(by: state)
        let me = try owner.send("GET", "/api/me")
        #expect(try me.object()["role"] == "owner")
        #expect(try me.object()["name"] == "Anna")
        let cookie = try #require(me.header("set-cookie"))
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] { #expect(cookie.contains(attribute)) }
        #expect(!cookie.contains("Secure"))
        var proxied = owner
        proxied.origin = "https://127.0.0.1:\(owner.port)"
        #expect(try proxied.send("GET", "/api/me").header("set-cookie")?.hasSuffix("; Secure") == true)
        #expect(try Visitor(daemon).send("GET", "/api/me").text.contains(#""isNew":false"#))
        // and after a restart
        daemon.stop()
        let again = start()
        var same = try Visitor(again)
        same.cookie = owner.cookie
        #expect(try same.send("GET", "/api/me").status == 200)
        #expect(try same.send("POST", "/api/sign-out", "{}").status == 204)
        #expect(try same.send("GET", "/api/me").status == 401)
        again.stop()
    }

    @Test func `What each role may do is what the table says`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        var visitors: [(visitor: Visitor, permissions: Set<Permission>)] = [(owner, Set(Permission.allCases))]
        for (body, permissions) in [
            (#"{"name":"Ben","role":"member"}"#, [.call, .operate, .inspect]),
            (#"{"name":"Gus","role":"guest","until":\#(Timestamp.now.seconds + 3600)}"#, [.call]),
        ] as [(String, Set<Permission>)] {
            var visitor = try Visitor(daemon)
            let secret = try owner.invite(body)
            try visitor.comeIn(try visitor.send("POST", "/api/join", #"{"invitation":"\#(secret)"}"#))
            visitors.append((visitor, permissions))
        }
        var program = try Visitor(daemon)
        program.origin = nil
        program.token = try owner.send("POST", "/api/programs", #"{"name":"Home"}"#).object()["token"]
        visitors.append((program, [.call, .inspect]))
        for (visitor, permissions) in visitors {
            for endpoint in Endpoint.all {
                guard case .caller(let permission) = endpoint.access, endpoint.path != "/api/sign-out" else { continue }
                let status = try visitor.send(
                    endpoint.method, address(endpoint), ["POST", "PUT"].contains(endpoint.method) ? "{}" : nil
                )
                .status
                #expect(
                    (status == 403) != permissions.contains(permission),
                    "\(endpoint.method) \(endpoint.path): \(status)")
                #expect(status != 401)
            }
            #expect(try visitor.send("GET", "/nothing").status == 404)
            #expect(try visitor.send("PUT", "/api/people", "{}").status == 405)
        }
        daemon.stop()
    }

    @Test func `A page of another origin changes nothing`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1", nil] {
            var foreign = owner
            foreign.origin = origin
            for endpoint in Endpoint.all where !["GET", "OPTIONS"].contains(endpoint.method) {
                let answer = try foreign.send(
                    endpoint.method, address(endpoint), ["POST", "PUT"].contains(endpoint.method) ? "{}" : nil)
                #expect(answer.status == 403, "\(endpoint.method) \(endpoint.path) from \(origin ?? "nowhere")")
                #expect(answer.text.contains("foreign_origin"))
            }
        }
        #expect(try owner.send("GET", "/api/people").text.contains("Anna"))
        // what a form of a foreign page could send is no JSON
        #expect(try owner.send("POST", "/api/programs", #"{"name":"x"}"#, type: "text/plain").status == 400)
        daemon.stop()
    }

    @Test func `Guessing is throttled, and whoever stands at the device gets through`() throws {
        let daemon = start()
        var visitor = try Visitor(daemon)
        let statuses = try (0..<8).map { _ in
            try visitor.send("POST", "/api/pair", #"{"code":"0000-0000","name":"Eve"}"#).status
        }
        #expect(statuses == Array(repeating: 403, count: 5) + Array(repeating: 429, count: 3))
        let refused = try visitor.send("POST", "/api/pair", #"{"code":"0000-0000"}"#)
        #expect(Int(refused.header("retry-after") ?? "") ?? 0 >= 1)
        try visitor.pair(by: state)
        #expect(try visitor.send("GET", "/api/me").status == 200)
        daemon.stop()
    }

    @Test func `A stolen invitation works once, and whoever comes in is seen and sent away`() throws {
        let daemon = start()
        var owner = try Visitor(daemon)
        try owner.pair(by: state)
        let secret = try owner.invite(#"{"name":"Ben"}"#)
        let body = #"{"invitation":"\#(secret)"}"#
        var thief = try Visitor(daemon)
        try thief.comeIn(try thief.send("POST", "/api/join", body))
        #expect(try Visitor(daemon).send("POST", "/api/join", body).status == 403)
        let person = try #require(try thief.send("GET", "/api/me").object()["id"])
        #expect(try owner.send("DELETE", "/api/people/\(person)").status == 204)
        #expect(try thief.send("GET", "/api/me").status == 401)
        let me = try #require(try owner.send("GET", "/api/me").object()["id"])
        #expect(try owner.send("DELETE", "/api/people/\(me)").status == 409)
        daemon.stop()
    }

    @Test func `The shell on the board lists, makes tokens and revokes`() throws {
        let daemon = start()
        let ask = { (question: String) in ControlSocket.ask(question, at: [state + "/control"]) ?? "" }
        #expect(ask("people") == "ok nobody has paired yet")
        #expect(ask("pair") == ask("pair"), "the first code is the same until it is used")
        let token = ask("token Home").split(separator: " ")
        try #require(token.count == 2 && token[0] == "ok")
        var program = try Visitor(daemon)
        program.token = String(token[1])
        #expect(try program.send("GET", "/metrics").status == 200)
        #expect(ask("people").contains("Home, a program"))
        #expect(ask("revoke Home") == "ok it may no longer come in")
        #expect(try program.send("GET", "/metrics").status == 401)
        #expect(ask("revoke Home") == "error There is no such entry.")
        #expect(ask("token ") == "error A name has 1 to 64 characters.")
        daemon.stop()
    }

    @Test func `Where the owner leaves it to something else everybody may come in, and nobody has to`() throws {
        let daemon = TestDaemon(state: state)
        let visitor = try Visitor(daemon)
        #expect(try visitor.send("GET", "/api/status").status == 200)
        #expect(try visitor.send("GET", "/api/me").object()["role"] == "anybody")
        #expect(try visitor.send("GET", "/api/people").status == 403)
        #expect(try visitor.send("POST", "/api/pair", #"{"code":"0000-0000"}"#).status == 409)
        #expect(ControlSocket.ask("pair", at: [state + "/control"])?.hasPrefix("error") == true)
        var foreign = visitor
        foreign.origin = "https://evil.example"
        #expect(try foreign.send("POST", "/whep", "v=0", type: "application/sdp").status == 403)
        daemon.stop()
        #expect(TemporaryFolder.names(in: state) == ["certificate.pem"])
    }
}
