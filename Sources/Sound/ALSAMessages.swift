import CALSA

/// What alsa-lib has to say beyond its error codes, which it would write to standard error.
enum ALSAMessages {
    /// Keeps messages from now on, each for the thread that caused it.
    static func keep() {
        doorward_alsa_keep_messages()
    }

    /// The last message of this thread, which is then forgotten; nil for none.
    static func take() -> String? {
        guard let message = doorward_alsa_message(), message.pointee != 0 else { return nil }
        defer { message.pointee = 0 }
        return String(cString: message)
    }
}
