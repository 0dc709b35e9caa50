import CLinux
import Glibc
import Wire

/// An address of a network interface that is up.
struct NetworkInterface: Hashable {
    let name: String
    let address: IPAddress
    let isPointToPoint: Bool

    /// Every address that a viewer could reach this machine by, of those that `filter` lets through. Loopback counts
    /// only where there is nothing else or it is named (RFC 8445 §5.1.1.1: MUST NOT be gathered, which would leave a
    /// machine without a network unable to show its own page).
    static func reachable(_ filter: InterfaceFilter) -> [NetworkInterface] {
        let all = current().filter(filter.admits)
        let outward = all.filter { !$0.address.isLoopback || filter.names($0.name) }
        return outward.isEmpty ? all : outward
    }

    /// Every address of every interface that is up, except unusable ones (unspecified, IPv4 link-local of a failed DHCP
    /// is kept).
    static func current() -> [NetworkInterface] {
        final class Found { var interfaces: [NetworkInterface] = [] }
        let found = Found()
        linux_interfaces(
            { context, name, flags, address in
                guard let context, let name, let address else { return }
                let ip = SocketAddress(address.pointee).ip
                guard !ip.isUnspecified else { return }
                Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().interfaces.append(
                    NetworkInterface(
                        name: String(cString: name), address: ip,
                        isPointToPoint: flags & UInt32(IFF_POINTOPOINT) != 0))
            }, Unmanaged.passUnretained(found).toOpaque())
        return found.interfaces
    }
}
