import FoundationEssentials
import Testing
import Web

@testable import Gateway

/// A browser's side of the HTTP interface, with its cookie, or a program's, with its token.
struct Visitor {
    let port: UInt16
    var cookie: String?
    var token: String?
    /// What the browser says whose page it is; nil for no browser.
    var origin: String?

    init(_ daemon: TestDaemon) throws {
        port = try #require(daemon.port)
        origin = "http://127.0.0.1:\(port)"
    }

    func send(_ method: String, _ path: String, _ body: String? = nil, type: String = "application/json") throws
        -> HTTPResponse
    {
        var headers: [HTTPResponse.Header] = []
        if let cookie { headers.append(.init("Cookie", "other=1; \(cookie)")) }
        if let token { headers.append(.init("Authorization", "Bearer \(token)")) }
        if let origin { headers.append(.init("Origin", origin)) }
        if body != nil { headers.append(.init("Content-Type", type)) }
        return try HTTPClient(timeout: .seconds(60)).send(
            method, to: .init(isSecure: false, host: "127.0.0.1", port: port, path: path), headers: headers,
            body: Array((body ?? "").utf8))
    }

    /// Pairs with a code of the daemon's own, and goes on as the owner.
    mutating func pair(by state: String, name: String = "Anna") throws {
        let words = try #require(ControlSocket.ask("pair", at: [state + "/control"])).split(separator: " ")
        try #require(words.first == "ok" && words.count == 3)
        try comeIn(try send("POST", "/api/pair", #"{"code":"\#(words[1])","name":"\#(name)","device":"Test"}"#))
    }

    /// Takes the session of an answer.
    mutating func comeIn(_ answer: HTTPResponse) throws {
        try #require(answer.status == 200, "\(answer.text)")
        let cookie = try #require(answer.header("set-cookie"))
        self.cookie = String(cookie.prefix { $0 != ";" })
    }

    /// Invites, and returns the link's secret.
    func invite(_ body: String) throws -> String {
        let answer = try send("POST", "/api/invitations", body)
        try #require(answer.status == 201, "\(answer.text)")
        let link = try #require(try answer.object()["link"])
        return String(try #require(link.split(separator: "=").last))
    }
}

extension HTTPResponse {
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The strings of a JSON object.
    func object() throws -> [String: String] {
        try JSONDecoder().decode([String: Text].self, from: Data(body)).compactMapValues(\.value)
    }

    private struct Text: Decodable {
        let value: String?
        init(from decoder: any Decoder) throws {
            value = try? decoder.singleValueContainer().decode(String.self)
        }
    }
}
