import Certificates
import Media
import Web
import Wire

/// The web server, and the names it is reached by.
extension Daemon {
    func startWeb() throws(StartError) {
        let settings = configuration.web
        let loop = loop
        var serverConfiguration = WebServerConfiguration(
            address: settings.address?.description ?? "", port: settings.port, pageFolder: settings.folder)
        serverConfiguration.connectableOrigins = [configuration.meeting.pageBrokerOrigin].compactMap(\.self)
        if settings.https {
            serverConfiguration.securePort = settings.httpsPort
            serverConfiguration.credentials = try prepareHTTPS(at: MonotonicClock.now)
        }
        let server = WebServer(
            configuration: serverConfiguration,
            onLog: { [log] line in log.debug("web: \(line)") },
            mayOpen: { [doorkeeper] request in doorkeeper.flatMap { Self.refusal(of: request, by: $0) } },
            onEvent: { [loop] event in loop.submit { $0.handle(event) } })
        do throws(WebError) {
            try server.start()
        } catch {
            throw StartError(description: "cannot serve the page: \(error)")
        }
        web = server
        tellAddresses(of: server)
    }

    /// Says in the log where the page can be opened.
    private func tellAddresses(of server: WebServer) {
        let isLimited = configuration.web.address.map { !$0.isUnspecified && !$0.isLoopback } ?? false
        let local = isLimited ? nil : "http://localhost:\(server.port)/"
        guard configuration.web.https else {
            // this machine first, where browsers allow the microphone without HTTPS
            for host in [local].compactMap(\.self) + outwardHosts.map({ "http://\($0):\(server.port)/" }) {
                log.info("page: \(host)")
            }
            return
        }
        let hosts = outwardHosts.isEmpty ? ["localhost"] : outwardHosts
        for host in hosts { log.info("page: https://\(host):\(server.securePort)/") }
        if let local { log.info("page: on this machine also \(local)") }
        guard let certificatePage, let authority = certificates?.authority else { return }
        log.info("certificate: each device has to trust the door once; how, says \(certificatePage)")
        log.info("certificate: the fingerprint to compare there is \(authority.fingerprint)")
    }

    /// By what others may know this machine, as in a URL: its addresses, and its name in the home network.
    var outwardHosts: [String] {
        let inURL = { (address: IPAddress) in address.isIPv6 ? "[\(address)]" : "\(address)" }
        if let address = configuration.web.address, !address.isUnspecified {
            return address.isLoopback ? [] : [inURL(address)]
        }
        let outward = NetworkInterface.current().map(\.address).filter { address in
            // what our own authority may not vouch for is of no use
            let isShown = certificates.map { $0.isOwners || $0.current?.subjects.addresses.contains(address) == true }
            return !address.isLoopback && !address.isLinkLocal && isShown ?? true
        }
        return outward.map(inURL) + HostNames.current.prefix(1)
    }
}
