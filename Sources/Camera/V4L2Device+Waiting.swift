import CV4L2
import Glibc
import Media
import Wire

/// Waiting for what a driver has to say.
extension V4L2Device {
    /// The events of `wait` that a driver which has stopped by itself reports.
    static let failures = POLLERR | POLLHUP | POLLNVAL

    /// Has changes of the picture's format reported. Few drivers can; the others' pictures do not change by themselves.
    func subscribeToSourceChanges() {
        var subscription = v4l2_event_subscription()
        subscription.type = UInt32(V4L2_EVENT_SOURCE_CHANGE)
        _ = control(CV4L2_SUBSCRIBE_EVENT, &subscription)
    }

    /// Waits for something to happen: the events as `poll` names them, none where nothing did before `deadline`.
    func wait(until deadline: Instant) throws(DeviceError) -> Int32 {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN | POLLPRI), revents: 0)
            // Rounded up, so that the last turn does not spin through a fraction of a millisecond.
            let left = max(0, (deadline - MonotonicClock.now).milliseconds.rounded(.up))
            if poll(&entry, 1, Int32(min(left, Double(Int32.max)))) >= 0 { return Int32(entry.revents) }
            if errno != EINTR { throw error("cannot wait for a picture", code: errno) }
        }
    }

    /// Takes the events that `wait` reports as `POLLPRI`; throws where the picture's format has changed.
    func takeEvents() throws(DeviceError) {
        var event = v4l2_event()
        while control(CV4L2_DQEVENT, &event) == 0 {
            if event.type == UInt32(V4L2_EVENT_SOURCE_CHANGE) {
                throw DeviceError("\(path): the picture's format changed")
            }
        }
    }
}
