internal import CMosquitto
internal import Glibc

/// One connection to the broker: from looking up its name to its end. Used by the client's thread alone; libmosquitto calls
/// back on it, from within the calls that are made here.
final class MQTTConnection {
    private let client: MQTTClient
    private let mosquitto: OpaquePointer
    /// When the broker had let this client in and subscribed it.
    private(set) var connectedAt: Duration?
    /// What ends the connection.
    private var problem: MQTTProblem?
    /// The last error that libmosquitto logged, which says more than its error codes do.
    private var complaint: String?
    /// What the broker has not acknowledged, by packet identifier.
    private var unacknowledged: [Int32: (topic: String, bytes: Int)] = [:]
    private var unacknowledgedBytes = 0

    /// How long to wait for something to happen, in milliseconds, so that the broker is asked in time whether it is there.
    private static let pollMilliseconds: Int32 = 2000

    init(_ client: MQTTClient) {
        self.client = client
        guard let mosquitto = mosquitto_new(client.configuration.clientID, true, nil) else {
            preconditionFailure("there is memory for a client")
        }
        self.mosquitto = mosquitto
        mosquitto_user_data_set(mosquitto, Unmanaged.passUnretained(self).toOpaque())
        mosquitto_int_option(mosquitto, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5)
        mosquitto_int_option(mosquitto, MOSQ_OPT_TCP_NODELAY, 1)
        listen()
    }

    deinit {
        mosquitto_destroy(mosquitto)
    }

    // MARK: The course of it

    /// Connects, and stays so for as long as it goes; what ended it, nil where the client is to stop.
    func run() -> MQTTProblem? {
        if let problem = connect() { return problem }
        while problem == nil {
            if client.isStopping {
                sayGoodbye()
                return nil
            }
            publishWaiting()
            step()
        }
        return problem
    }

    private func connect() -> MQTTProblem? {
        let configuration = client.configuration
        if configuration.usesTLS {
            let code =
                if let authorities = configuration.authorities {
                    mosquitto_tls_set(mosquitto, authorities, nil, nil, nil, nil)
                } else {
                    mosquitto_int_option(mosquitto, MOSQ_OPT_TLS_USE_OS_CERTS, 1)
                }
            guard code == MOSQ_ERR_SUCCESS.code else {
                return MQTTProblem("the file of its authorities cannot be read", isRefusal: true)
            }
        }
        if !configuration.username.isEmpty {
            mosquitto_username_pw_set(mosquitto, configuration.username, configuration.password)
        }
        if let will = configuration.will {
            mosquitto_will_set_v5(
                mosquitto, will.topic, Int32(will.payload.count), will.payload, 1, will.isRetained, nil)
        }
        var properties: OpaquePointer?
        defer { mosquitto_property_free_all(&properties) }
        mosquitto_property_add_int32(
            &properties, MQTT_PROP_MAXIMUM_PACKET_SIZE.code, UInt32(clamping: configuration.maximumPacketBytes))
        errno = 0
        let code = mosquitto_connect_bind_v5(
            mosquitto, configuration.host, Int32(configuration.port),
            Int32(clamping: configuration.keepAlive.components.seconds), nil, properties)
        return code == MOSQ_ERR_SUCCESS.code ? nil : describe(code)
    }

    /// Waits for something to happen, and sees to it.
    private func step() {
        let socket = mosquitto_socket(mosquitto)
        guard socket >= 0 else { return fail(MOSQ_ERR_CONN_LOST.code) }
        // what is not read waits at the broker
        var events = client.isFull ? 0 : Int16(POLLIN)
        if mosquitto_want_write(mosquitto) { events |= Int16(POLLOUT) }
        var descriptors = [
            pollfd(fd: socket, events: events, revents: 0),
            pollfd(fd: client.waker, events: Int16(POLLIN), revents: 0),
        ]
        poll(&descriptors, 2, Self.pollMilliseconds)
        if descriptors[1].revents != 0 { doorward_mqtt_sleep(client.waker) }
        let happened = Int32(descriptors[0].revents)
        var code = MOSQ_ERR_SUCCESS.code
        if happened & (POLLIN | POLLERR | POLLHUP) != 0 { code = mosquitto_loop_read(mosquitto, 1) }
        if code == MOSQ_ERR_SUCCESS.code, happened & POLLOUT != 0 { code = mosquitto_loop_write(mosquitto, 1) }
        if code == MOSQ_ERR_SUCCESS.code { code = mosquitto_loop_misc(mosquitto) }
        if code != MOSQ_ERR_SUCCESS.code { fail(code) }
    }

    private func publishWaiting() {
        guard connectedAt != nil else { return }
        for message in client.takeOutbox() {
            let limits = MQTTClient.Limits.self
            guard unacknowledged.count < limits.messages,
                unacknowledgedBytes + message.payload.count <= limits.messageBytes
            else { return end(MQTTProblem("it takes nothing any more")) }
            var properties: OpaquePointer?
            defer { mosquitto_property_free_all(&properties) }
            if let expiry = message.expiry {
                mosquitto_property_add_int32(
                    &properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.code, UInt32(clamping: expiry.components.seconds))
            }
            var id: Int32 = 0
            let code = mosquitto_publish_v5(
                mosquitto, &id, message.topic, Int32(message.payload.count), message.payload, 1, message.isRetained,
                properties)
            guard code == MOSQ_ERR_SUCCESS.code else { return fail(code) }
            unacknowledged[id] = (message.topic, message.payload.count)
            unacknowledgedBytes += message.payload.count
        }
    }

    /// Sends what waits, and the DISCONNECT after which the broker publishes the will all the same: whoever waits for this
    /// client is to know that it is gone.
    private func sayGoodbye() {
        publishWaiting()
        // MQTT 5 §3.14.2.1: with 0 the will would be forgotten
        mosquitto_disconnect_v5(mosquitto, MQTT_RC_DISCONNECT_WITH_WILL_MSG.code, nil)
        while mosquitto_want_write(mosquitto), case let socket = mosquitto_socket(mosquitto), socket >= 0 {
            var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
            guard poll(&descriptor, 1, MQTTClient.Limits.farewellMilliseconds) > 0,
                mosquitto_loop_write(mosquitto, 1) == MOSQ_ERR_SUCCESS.code
            else { return }
        }
    }

    // MARK: What the broker says

    private func listen() {
        mosquitto_connect_v5_callback_set(mosquitto) { _, this, code, _, _ in
            MQTTConnection.at(this).wasLetIn(code)
        }
        mosquitto_subscribe_v5_callback_set(mosquitto) { _, this, _, count, codes, _ in
            MQTTConnection.at(this).wasSubscribed(codes.flatMap { count > 0 ? $0.pointee : nil } ?? 128)
        }
        mosquitto_message_v5_callback_set(mosquitto) { _, this, message, _ in
            guard let message = message?.pointee, let topic = message.topic else { return }
            let payload = UnsafeRawBufferPointer(start: message.payload, count: Int(max(0, message.payloadlen)))
            MQTTConnection.at(this).client.tell(
                .message(
                    MQTTMessage(topic: String(cString: topic), payload: Array(payload), isRetained: message.retain)))
        }
        mosquitto_publish_v5_callback_set(mosquitto) { _, this, id, code, _ in
            MQTTConnection.at(this).wasAcknowledged(id, code)
        }
        mosquitto_disconnect_v5_callback_set(mosquitto) { _, this, code, _ in
            MQTTConnection.at(this).wasDisconnected(code)
        }
        mosquitto_log_callback_set(mosquitto) { _, this, level, text in
            guard level & Int32(MOSQ_LOG_ERR | MOSQ_LOG_WARNING) != 0, let text else { return }
            let connection = MQTTConnection.at(this)
            // the first says what is wrong, those after it what follows from that
            if connection.complaint == nil { connection.complaint = String(cString: text) }
        }
    }

    private static func at(_ this: UnsafeMutableRawPointer?) -> MQTTConnection {
        guard let this else { preconditionFailure("a callback knows its connection") }
        return Unmanaged<MQTTConnection>.fromOpaque(this).takeUnretainedValue()
    }

    private func wasLetIn(_ code: Int32) {
        guard code == 0 else {
            // many brokers, Mosquitto among them, say of a wrong password that the client is not authorised
            let isStranger = code == MQTT_RC_NOT_AUTHORIZED.code
            return end(
                MQTTProblem(
                    Self.words(for: isStranger ? MQTT_RC_BAD_USERNAME_OR_PASSWORD.code : code), isRefusal: true))
        }
        let code = mosquitto_subscribe_v5(mosquitto, nil, client.configuration.subscription, 1, 0, nil)
        if code != MOSQ_ERR_SUCCESS.code { fail(code) }
    }

    private func wasSubscribed(_ code: Int32) {
        guard code < 128 else {
            let topic = client.configuration.subscription
            return end(MQTTProblem("it may not read \(topic) (\(Self.words(for: code)))", isRefusal: true))
        }
        guard connectedAt == nil else { return }
        connectedAt = MQTTLoop.now
        client.tell(.connected)
    }

    private func wasAcknowledged(_ id: Int32, _ code: Int32) {
        guard let (topic, bytes) = unacknowledged.removeValue(forKey: id) else { return }
        unacknowledgedBytes -= bytes
        guard code >= 128 else { return }
        client.tell(.unpublished(topic: topic, MQTTProblem(Self.words(for: code), isRefusal: true)))
    }

    private func wasDisconnected(_ code: Int32) {
        guard code != 0 else { return }
        // a reason code of the broker's, or a negative or small error of the library's
        if code >= 128 {
            end(MQTTProblem("it ended the connection: \(Self.words(for: code))"))
        } else {
            fail(code)
        }
    }

    // MARK: What is wrong

    private func end(_ problem: MQTTProblem) {
        if self.problem == nil { self.problem = problem }
    }

    private func fail(_ code: Int32) {
        end(describe(code))
    }

    private func describe(_ code: Int32) -> MQTTProblem {
        switch code {
        case MOSQ_ERR_EAI.code: return MQTTProblem("its name \(client.configuration.host) cannot be looked up")
        case MOSQ_ERR_ERRNO.code where errno != 0: return MQTTProblem(String(cString: strerror(errno)))
        case MOSQ_ERR_TLS.code:
            let complaint = complaint ?? "TLS failed"
            if complaint.contains("certificate verify failed") || complaint.contains("verification failed") {
                return MQTTProblem(
                    "no authority that is trusted vouches for its certificate, or that is for another name",
                    isRefusal: true)
            }
            return MQTTProblem(complaint, isRefusal: true)
        case MOSQ_ERR_CONN_LOST.code:
            return MQTTProblem(connectedAt == nil ? "it hung up at once" : "the connection was lost")
        case MOSQ_ERR_KEEPALIVE.code: return MQTTProblem("it does not answer")
        default: return MQTTProblem(String(cString: mosquitto_strerror(code)))
        }
    }

    /// A reason code (MQTT 5 §2.4) in words.
    private static func words(for code: Int32) -> String {
        switch UInt32(bitPattern: code) {
        case MQTT_RC_BAD_USERNAME_OR_PASSWORD.rawValue: "wrong user name or password"
        case MQTT_RC_NOT_AUTHORIZED.rawValue: "this user may not"
        case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION.rawValue: "it does not speak MQTT 5"
        case MQTT_RC_SESSION_TAKEN_OVER.rawValue: "another door came with the same key"
        case MQTT_RC_SERVER_SHUTTING_DOWN.rawValue: "it is shutting down"
        default: String(cString: mosquitto_reason_string(code))
        }
    }
}

extension mosq_err_t {
    fileprivate var code: Int32 { Int32(truncatingIfNeeded: rawValue) }
}

extension mqtt5_property {
    fileprivate var code: Int32 { Int32(bitPattern: rawValue) }
}

extension mqtt5_return_codes {
    fileprivate var code: Int32 { Int32(bitPattern: rawValue) }
}
