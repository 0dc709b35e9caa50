import CLinux
import Glibc
import Wire

/// The addresses of `host`, of each family the first; blocks while DNS is asked. Empty where there is none.
func resolve(_ host: String, port: UInt16) -> [SocketAddress] {
    if let ip = IPAddress(host) { return [SocketAddress(ip, port: port)] }
    var buffer = [linux_address](repeating: linux_address(), count: 8)
    let count = linux_resolve(host, port, &buffer, Int32(buffer.count))
    let addresses = buffer.prefix(Int(max(count, 0))).map(SocketAddress.init)
    return [addresses.first { !$0.ip.isIPv6 }, addresses.first { $0.ip.isIPv6 }].compactMap(\.self)
}
