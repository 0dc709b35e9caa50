internal import CMosquitto
internal import Glibc

/// The client's thread: one connection after the other, with pauses between.
struct MQTTLoop {
    private let client: MQTTClient

    init(_ client: MQTTClient) {
        self.client = client
    }

    func run() {
        while !client.isStopping {
            let began = Self.now
            var connection: MQTTConnection? = MQTTConnection(client)
            let problem = connection?.run()
            let lasted = connection?.connectedAt.map { Self.now - max($0, began) }
            connection = nil
            guard let problem, !client.isStopping else { return }
            let pause = client.pause(lasted)
            client.tell(.disconnected(problem, retryAfter: pause))
            wait(pause)
        }
    }

    /// Waits so long, or until the client is to stop.
    private func wait(_ pause: Duration) {
        let end = Self.now + pause
        while !client.isStopping, case let left = end - Self.now, left > .zero {
            var descriptor = pollfd(fd: client.waker, events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, Int32(clamping: left.components.seconds * 1000 + 1000))
            doorward_mqtt_sleep(client.waker)
        }
    }

    /// The time since some moment in the past.
    static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
