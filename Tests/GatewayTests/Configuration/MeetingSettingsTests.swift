import Testing

@testable import Gateway

@Suite struct MeetingSettingsTests {
    @Test(arguments: [
        ("mqtts://broker.example", true, "broker.example", 8883 as UInt16),
        ("mqtt://127.0.0.1:11883/", false, "127.0.0.1", 11883), ("mqtts://[::1]:1", true, "::1", 1),
        ("MQTTS://Broker.example:99", true, "Broker.example", 99),
    ])
    func `A broker's address has a host and a port`(text: String, isSecure: Bool, host: String, port: UInt16) throws {
        let address = try #require(Configuration.BrokerAddress(text))
        #expect(address.isSecure == isSecure && address.host == host && address.port == port)
        #expect(Configuration.BrokerAddress(address.description) == address)
    }

    @Test(arguments: [
        "", "broker.example", "https://broker.example", "mqtts://", "mqtts://a:0", "mqtts://a:70000", "mqtts://a/b",
        "mqtts://name:password@a", "mqtts://a?b", "mqtts://a#b",
    ])
    func `What is no broker's address is refused`(text: String) {
        #expect(Configuration.BrokerAddress(text) == nil)
    }

    @Test func `A meeting point is where the door and where pages connect to`() throws {
        let configuration = try load(
            """
            meeting:
              url: mqtts://broker.example
              page_broker_url: wss://broker.example:9443/mqtt
              topic: homes/7
            """)
        #expect(configuration.meeting.url?.description == "mqtts://broker.example:8883")
        #expect(configuration.meeting.pageBrokerOrigin == "wss://broker.example:9443")
        #expect(configuration.meeting.topic == "homes/7")
        #expect(Configuration().meeting.url == nil && Configuration().meeting.pageBrokerOrigin == nil)
        #expect(
            problems("meeting: { url: \"mqtts://broker.example\" }") == [
                "door.yaml:1:17: meeting.url: wants meeting.page_broker_url beside it, the same broker as browsers reach it"
            ])
    }

    @Test(arguments: ["", "a/+/b", "a#", "/a", "a/", "a//b", "$SYS", "a b", String(repeating: "a", count: 65)])
    func `What no topic may begin with is refused`(topic: String) {
        #expect(problems("meeting: { topic: \"\(topic)\" }").count == 1)
    }

    @Test(arguments: [
        "https://a", "wss://", "wss://a b", "wss://a;script-src 'unsafe-inline'/", "wss://name@a", "wss://a/#b",
    ])
    func `What is no address of a WebSocket is refused`(url: String) {
        #expect(problems("meeting: { page_broker_url: \"\(url)\" }").count == 1)
    }

    @Test func `Passwords are not repeated where they are wrong`() {
        let secret = String(repeating: "s", count: 513)
        for key in ["password", "page_password"] {
            let text = problems("", overrides: ["meeting.\(key)=\(secret)"])
            #expect(text.count == 1 && !text[0].contains("sss"))
        }
    }
}
