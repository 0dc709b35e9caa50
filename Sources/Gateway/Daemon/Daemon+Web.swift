import Web
import Wire

/// The web server, and the names it is reached by.
extension Daemon {
    func startWeb() throws(StartError) {
        let settings = configuration.web
        let loop = loop
        let server = WebServer(
            configuration: WebServerConfiguration(
                address: settings.address?.description ?? "", port: settings.port, pageFolder: settings.folder),
            onLog: { [log] line in log.debug("web: \(line)") },
            onEvent: { [self] event in loop.submit { self.assumeIsolated { $0.handle(event) } } })
        do throws(WebError) {
            try server.start()
        } catch {
            throw StartError(description: "cannot serve the page: \(error)")
        }
        web = server
        for address in pageAddresses(port: server.port) { log.info("page: \(address)") }
    }

    /// Where the page can be opened: this machine first, where browsers allow the microphone without HTTPS.
    private func pageAddresses(port: UInt16) -> [String] {
        let url = { (host: String) in "http://\(host):\(port)/" }
        if let address = configuration.web.address, !address.isUnspecified {
            return [url(address.isIPv6 ? "[\(address)]" : "\(address)")]
        }
        let outward = NetworkInterface.current().map(\.address).filter { !$0.isLoopback && !$0.isLinkLocal }
        return [url("localhost")] + outward.map { url($0.isIPv6 ? "[\($0)]" : "\($0)") }
    }

    // MARK: Requests

    func answer(_ request: HTTPRequest, as id: RequestID, at now: Instant) {
        if let response = response(to: request, as: id, at: now) { web?.respond(to: id, with: response) }
    }

    /// What is answered at once; nil where that takes its time.
    private func response(to request: HTTPRequest, as id: RequestID, at now: Instant) -> HTTPResponse? {
        let parts = request.path.split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("whep", 1): return answerWHEP(request, as: id, at: now)
        case ("whep", 2): return answerWHEPResource(parts[1], request, at: now)
        case ("api", 2) where parts[1] == "status":
            guard request.method == "GET" else { return .notAllowed("GET") }
            return status(at: now)
        case ("metrics", 1):
            guard request.method == "GET" else { return .notAllowed("GET") }
            return metrics(at: now)
        default: return HTTPResponse(status: 404, text: "There is nothing here.\n")
        }
    }
}

extension HTTPResponse {
    /// 405 with what is allowed.
    static func notAllowed(_ methods: String) -> HTTPResponse {
        HTTPResponse(status: 405, text: "Only \(methods).\n", headers: [Header("Allow", methods)])
    }
}
