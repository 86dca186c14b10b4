import Bytes
import Testing

@testable import Chat

/// What one of very many takes in memory, in bytes. Ten thousand idle chatters have one of each.
@Suite struct SizeTests {
    @Test func aPeerAMemberAndAPersonAreSmall() {
        #expect(MemoryLayout<Peer>.stride <= 128)
        #expect(MemoryLayout<Member?>.stride <= 96)
        #expect(MemoryLayout<Person?>.stride <= 80)
    }

    @Test func aMembersSignatureHasNoMemoryToSpare() throws {
        let member = Member(
            username: try #require(Username("Ada")), user: UserID(bits: 7), isKeyed: false, session: 1, person: 1,
            since: 0)
        #expect(member.signature.capacity < member.signature.count + 16)
    }

    @Test func whatFewHaveTakesMemoryOnlyWhereItIsChanged() {
        struct Large: Blank {
            static let blank = [Large()]
            var words: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)
        }
        var one = Seldom<Large>()
        let other = one
        #expect(MemoryLayout<Seldom<Large>>.size == 8)
        #expect(one.value.words.3 == 4)
        one.value.words.3 = 5
        #expect(one.value.words.3 == 5 && one.value.words.0 == 1)
        #expect(other.value.words.3 == 4)
    }
}
