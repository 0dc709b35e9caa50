import Testing
import Wire

@testable import SCTP

/// The state cookie and its code (RFC 9260 §5.1.3).
@Suite struct StateCookieTests {
    private let key = SipHash(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))

    @Test(
        arguments: [
            (0, 0x726F_DB47_DD0E_0E31), (1, 0x74F8_39C5_93DC_67FD), (7, 0xAB02_00F5_8B01_D137),
            (8, 0x93F5_F579_9A93_2462), (15, 0xA129_CA61_49BE_45E5), (63, 0x958A_324C_EB06_4572),
        ] as [(Int, UInt64)])
    func `the code is SipHash-2-4, by its authors' vectors`(count: Int, code: UInt64) {
        #expect(key.code(of: (0..<count).map { UInt8($0) }[...]) == code)
    }

    private let cookie = StateCookie(
        localTag: 1, remoteTag: 2, localInitialTSN: 3, remoteInitialTSN: 4, remoteWindow: 5, outboundStreams: 6,
        inboundStreams: 7, extensions: [.forwardTSN], tieTags: .init(local: 8, remote: 9),
        created: Instant(nanoseconds: 10))

    @Test func `a cookie is opened as it was sealed`() {
        #expect(StateCookie(opening: cookie.sealed(with: key)[...], with: key) == cookie)
        var untied = cookie
        untied.tieTags = nil
        #expect(StateCookie(opening: untied.sealed(with: key)[...], with: key) == untied)
    }

    @Test func `a cookie with any bit changed, cut off or of another key is not opened`() {
        let sealed = cookie.sealed(with: key)
        for index in sealed.indices {
            var forged = sealed
            forged[index] ^= 1 << UInt8(index % 8)
            #expect(StateCookie(opening: forged[...], with: key) == nil)
            #expect(StateCookie(opening: sealed[..<index], with: key) == nil)
        }
        #expect(StateCookie(opening: sealed[...], with: SipHash(key: (1, 2))) == nil)
    }
}
