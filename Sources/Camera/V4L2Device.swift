import CV4L2
import Glibc
import Media

/// An open V4L2 device file; closed with the object.
final class V4L2Device {
    let path: String
    let descriptor: Int32
    let capability: v4l2_capability

    /// Opens the file at `path` and asks what it is.
    init(path: String) throws(DeviceError) {
        let descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw DeviceError("\(path): \(Self.text(of: code))", isGone: [ENOENT, ENODEV, ENXIO].contains(code))
        }
        self.path = path
        self.descriptor = descriptor
        var capability = v4l2_capability()
        let code = Self.control(descriptor, CV4L2_QUERYCAP, &capability)
        self.capability = capability
        guard code == 0 else { throw DeviceError("\(path): is not a video device") }
    }

    deinit {
        close(descriptor)
    }

    /// Performs an ioctl, again where a signal interrupted it. Returns 0, or what went wrong as in `errno`.
    func control<Argument>(_ request: UInt, _ argument: inout Argument) -> Int32 {
        Self.control(descriptor, request, &argument)
    }

    /// The error of an action that the driver answered with `code`.
    func error(_ action: String, code: Int32) -> DeviceError {
        DeviceError("\(path): \(action): \(Self.text(of: code))", isGone: code == ENODEV)
    }

    private static func control<Argument>(_ descriptor: Int32, _ request: UInt, _ argument: inout Argument) -> Int32 {
        withUnsafeMutablePointer(to: &argument) { pointer in
            while cv4l2_ioctl(descriptor, request, pointer) < 0 {
                if errno != EINTR { return errno }
            }
            return 0
        }
    }

    private static func text(of code: Int32) -> String { String(cString: strerror(code)) }

    /// The text in a fixed array of characters, as far as it goes.
    static func string<Characters>(from characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
