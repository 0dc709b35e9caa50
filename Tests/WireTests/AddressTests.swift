import Testing
import Wire

@Suite struct AddressTests {
    // RFC 5952 §1, §2 and §4, RFC 4291 §2.2 and §2.5.5: what is written, and the one way to write it.
    @Test(arguments: [
        ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
        ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
        ("FF01:0:0:0:0:0:0:101", "ff01::101"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("::", "::"),
        ("1::", "1::"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("0:0:0:0:0:0:13.1.68.3", "::d01:4403"),
        ("0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"),
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("192.0.2.1", "192.0.2.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
    ])
    func `an address is read and written in its canonical form`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", " ", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.-4",
        "+1.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "1.2.3.04", "010.0.0.1", "1.2.3.0000", "１.2.3.4", "1.2.3.4:5", "example",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "1:::2", "12345::", "g::", "+1::",
        "-1::", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.256",
        "fe80::1%eth0", "fe80::1%1", "[::1]", "::1/64", " ::1", "::1 ", "::\u{301}1", "1\u{301}::", "::1\0",
    ])
    func `what is no address is none`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `every address survives being written and read`(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        for _ in 0..<500 {
            let mask = random.next() & random.next()  // groups of zeros in every place
            var words: [UInt64] = [random.next(), random.next()]
            for bit in 0..<8 where mask >> bit & 1 == 0 {
                words[bit / 4] &= ~(UInt64(0xFFFF) << (bit % 4 * 16))
            }
            let wide = IPAddress.v6(high: words[0], low: words[1])
            let narrow = IPAddress.v4(random.uint32())
            #expect(IPAddress(wide.description) == wide)
            #expect(IPAddress(narrow.description) == narrow)
            #expect(IPAddress(wide.description.uppercased()) == wide)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `no text makes the reader trap`(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        let alphabet = Array("0123456789abcdef::::....%+- \u{301}")
        for _ in 0..<2000 {
            let text = String((0..<random.below(24)).map { _ in alphabet[random.below(alphabet.count)] })
            if let address = IPAddress(text) { #expect(IPAddress(address.description) == address) }
        }
    }

    @Test func `the bytes are in network order`() {
        #expect(IPAddress.v4(0xC000_0201).bytes == [192, 0, 2, 1])
        #expect(
            IPAddress.v6(high: 0x2001_0DB8_0000_0000, low: 1).bytes
                == [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    }

    @Test func `special addresses are told from their neighbours`() throws {
        let address = { (text: String) throws in try #require(IPAddress(text)) }
        for text in ["127.0.0.1", "127.255.255.255", "::1"] { #expect(try address(text).isLoopback) }
        for text in ["126.255.255.255", "128.0.0.0", "::", "::2", "1::1"] { #expect(try !address(text).isLoopback) }
        for text in ["169.254.0.1", "169.254.255.255", "fe80::", "febf:ffff::1"] {
            #expect(try address(text).isLinkLocal)
        }
        for text in ["169.253.255.255", "169.255.0.0", "fe7f:ffff::", "fec0::"] {
            #expect(try !address(text).isLinkLocal)
        }
        for text in ["0.0.0.0", "::"] { #expect(try address(text).isUnspecified) }
        for text in ["0.0.0.1", "::1"] { #expect(try !address(text).isUnspecified) }
        #expect(try address("::").isIPv6 && !address("0.0.0.0").isIPv6)
    }

    @Test func `a link-local address with a scope is another one, and is written without it`() {
        let scoped = IPAddress.v6(high: 0xFE80 << 48, low: 1, scope: 3)
        #expect(scoped != .v6(high: 0xFE80 << 48, low: 1))
        #expect(scoped.description == "fe80::1")
    }

    @Test func `a transport address of IPv6 has brackets`() {
        #expect(SocketAddress(.v4(0xC000_0201), port: 5000).description == "192.0.2.1:5000")
        #expect(SocketAddress(.v6(high: 0x2001_0DB8 << 32, low: 1), port: 65535).description == "[2001:db8::1]:65535")
    }

    @Test func `transport addresses differ by address, scope and port`() {
        let base = SocketAddress(.v6(high: 0xFE80 << 48, low: 1, scope: 1), port: 1)
        var others: Set = [base]
        others.insert(SocketAddress(.v6(high: 0xFE80 << 48, low: 1, scope: 2), port: 1))
        others.insert(SocketAddress(.v6(high: 0xFE80 << 48, low: 2, scope: 1), port: 1))
        others.insert(SocketAddress(base.ip, port: 2))
        others.insert(base)
        #expect(others.count == 4)
    }
}
