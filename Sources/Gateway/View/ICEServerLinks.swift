import Calls

extension ICEServer {
    /// The ICE servers in a `Link` field (RFC 8288, WHEP §4.6): `<turn:example.net>; rel="ice-server";
    /// username="u"; credential="c"; credential-type="password", <stun:…>; rel="ice-server"`.
    package static func links(in field: String) -> [ICEServer] {
        var rest = field[...]
        var servers: [ICEServer] = []
        while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
            let url = String(rest[rest.index(after: start)..<end])
            rest = rest[rest.index(after: end)...]
            var parameters: [String: String] = [:]
            while let (name, value) = parameter(from: &rest) { parameters[name] = value }
            guard parameters["rel"]?.lowercased().split(separator: " ").contains("ice-server") == true else { continue }
            servers.append(
                ICEServer(urls: [url], username: parameters["username"], credential: parameters["credential"]))
        }
        return servers
    }

    /// Takes `; name=value` or `; name="value"` off the front; nil where the next link begins, or nothing is left.
    private static func parameter(from rest: inout Substring) -> (String, String)? {
        rest = rest.drop { $0 == " " || $0 == "\t" }
        guard rest.first == ";" else { return nil }
        rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
        let name = rest.prefix { $0 != "=" && $0 != ";" && $0 != "," }
        rest = rest.dropFirst(name.count)
        let key = name.filter { $0 != " " }.lowercased()
        guard rest.first == "=" else { return (key, "") }
        rest = rest.dropFirst().drop { $0 == " " }
        guard rest.first == "\"" else {
            let value = rest.prefix { $0 != ";" && $0 != "," && $0 != " " }
            rest = rest.dropFirst(value.count)
            return (key, String(value))
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
            // RFC 9110 §5.6.4: a backslash makes the next character mean itself
            if character == "\\", let next = rest.popFirst() {
                value.append(next)
            } else {
                value.append(character)
            }
        }
        return (key, value)
    }
}
