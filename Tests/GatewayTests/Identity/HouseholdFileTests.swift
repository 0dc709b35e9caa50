import Glibc
import Identity
import Testing
import Wire

@testable import Gateway

@Suite struct HouseholdFileTests {
    private let place = TemporaryFolder()

    /// A household after `count` people have come.
    private static func record(_ count: Int) throws -> HouseholdRecord {
        let random = SeededRandomSource(seed: 3)
        var household = Household(random: random)
        let now = Timestamp(seconds: 1_800_000_000)
        let code = household.makePairingCode(random: random, hashing: OpenSSLHashing(), at: now)
        let owner = try household.pair(
            code: code, name: "Anna", device: "D", random: random, hashing: OpenSSLHashing(), at: now)
        for index in 0..<count {
            let invitation = try household.invite(
                for: .newcomer(name: "P\(index)", role: .guest(until: now + .seconds(60))), by: owner.person,
                random: random, hashing: OpenSSLHashing(), at: now)
            if index % 2 == 0 {
                _ = try household.join(
                    invitation: invitation.secret, device: "D", random: random, hashing: OpenSSLHashing(), at: now)
            }
            _ = try household.addProgram("T\(index)", by: nil, random: random, hashing: OpenSSLHashing(), at: now)
        }
        return household.record
    }

    @Test func `What was kept is what is read, for the owner's eyes alone`() throws {
        let folder = StateFolder(path: place.path)
        let file = HouseholdFile(in: folder)
        #expect(try file.load() == nil)
        let record = try Self.record(3)
        try file.save(record)
        #expect(try file.load() == record)
        #expect(permissions(of: folder.householdFile) == 0o600)
        #expect(TemporaryFolder.names(in: place.path) == ["household.json"])
    }

    @Test func `A power cut at any step leaves the old household or the new, and takes nothing back that was kept`()
        throws
    {
        let (old, new) = (try Self.record(1), try Self.record(2))
        var outcomes: Set<String> = []
        for seed in 0..<30 as Range<UInt64> {
            for step in 0...8 {
                let disk = CrashingDisk()
                let file = HouseholdFile(in: StateFolder(path: "/state", disk: disk))
                try file.save(old)
                disk.cutPower(beforeStep: step)
                let isKept = (try? file.save(new)) != nil
                disk.restart(random: SeededRandomSource(seed: seed))
                let found = try #require(try file.load(), "step \(step), seed \(seed)")
                #expect(found == new || !isKept && found == old, "step \(step), seed \(seed)")
                outcomes.insert(isKept ? "kept" : found == new ? "new" : "old")
            }
        }
        #expect(outcomes == ["kept", "new", "old"], "the cuts were where they matter")
    }

    @Test func `A file that is damaged is an error that says so, and stays as it is`() throws {
        let folder = StateFolder(path: place.path)
        let file = HouseholdFile(in: folder)
        try file.save(try Self.record(2))
        let whole = try #require(text(of: folder.householdFile))
        for damaged in ["", "{}", "null", String(whole.dropLast(whole.count / 2)), "x" + whole] {
            put(damaged, at: folder.householdFile)
            let error = #expect(throws: StateError.self) { try file.load() }
            #expect(error?.description.contains("\(folder.householdFile) is damaged") == true)
            #expect(text(of: folder.householdFile) == damaged)
        }
        put(whole.replacing("\"version\" : 1", with: "\"version\" : 2"), at: folder.householdFile)
        let error = #expect(throws: StateError.self) { try file.load() }
        #expect(error?.description.contains("another version") == true)
    }

    @Test func `A daemon does not start on a damaged file`() throws {
        let folder = StateFolder(path: place.path)
        put("half a hou", at: folder.householdFile)
        let daemon = TestDaemon(state: place.path) { $0.web.authentication = .household }
        #expect(daemon.startError?.contains("\(folder.householdFile) is damaged") == true)
        #expect(text(of: folder.householdFile) == "half a hou")
        daemon.stop()
    }

    @Test func `No secret stands in the file`() throws {
        let random = SeededRandomSource(seed: 5)
        var household = Household(random: random)
        let now = Timestamp(seconds: 1_800_000_000)
        let hashing = OpenSSLHashing()
        let code = household.makePairingCode(random: random, hashing: hashing, at: now)
        let file = HouseholdFile(in: StateFolder(path: place.path))
        try file.save(household.record)
        #expect(text(of: place.path + "/household.json")?.contains(code.replacing("-", with: "")) == false)
        let owner = try household.pair(
            code: code, name: "Anna", device: "D", random: random, hashing: hashing, at: now)
        let invitation = try household.invite(
            for: .device(of: owner.person), by: owner.person, random: random, hashing: hashing, at: now)
        let token = try household.addProgram("T", by: nil, random: random, hashing: hashing, at: now)
        try file.save(household.record)
        let kept = try #require(text(of: place.path + "/household.json"))
        for secret in [owner.session.secret, invitation.secret, token.secret] {
            #expect(secret.count == 43)
            #expect(!kept.contains(secret))
        }
    }
}
