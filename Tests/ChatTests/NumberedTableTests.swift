import Support
import Testing

// The table is the module's own: rooms are made of it, and nothing outside sees it.
@testable import Chat

@Suite struct NumberedTableTests {
    private func elements(_ table: NumberedTable<String>) -> [UInt64: String] {
        var all: [UInt64: String] = [:]
        table.forEach { all[$0] = $1 }
        return all
    }

    @Test func append_countsUpFromOne() {
        var table = NumberedTable<String>()
        #expect(["a", "b", "c"].map { table.append($0) } == [1, 2, 3])
        #expect(table.count == 3)
        #expect(table.next == 4)
        #expect(elements(table) == [1: "a", 2: "b", 3: "c"])
    }

    @Test func append_afterRemovalOfNewest_usesNoNumberAgain() {
        var table = NumberedTable<String>()
        _ = table.append("a")
        #expect(table.remove(1) == "a")
        #expect(table.append("b") == 2)
        #expect(table.remove(1) == nil)
    }

    @Test func reserve_keepsNumbersFree() {
        var table = NumberedTable<String>()
        table.reserve(below: 10)
        table.reserve(below: 5)
        #expect(table.append("a") == 10)
    }

    @Test func insert_replacesAndRestores() {
        var table = NumberedTable<String>()
        for text in ["a", "b", "c"] { _ = table.append(text) }
        table.insert("B", at: 2)
        #expect(table.count == 3)
        #expect(table.remove(2) == "B")
        #expect(table[2] == nil)
        table.insert("b", at: 2)
        table.insert("z", at: 100)
        #expect(elements(table) == [1: "a", 2: "b", 3: "c", 100: "z"])
        #expect(table.next == 101)
    }

    @Test func subscript_changesInPlaceAndIgnoresWhatIsNotThere() {
        var table = NumberedTable<String>()
        _ = table.append("a")
        table[1]?.append("b")
        table[2]?.append("c")
        #expect(elements(table) == [1: "ab"])
    }

    @Test func first_walksTheTableInPieces() {
        var table = NumberedTable<String>()
        for text in ["a", "b", "c", "d"] { _ = table.append(text) }
        _ = table.remove(2)
        var walked: [UInt64] = []
        var from: UInt64 = 0
        while let (number, _) = table.first(from: from) {
            walked.append(number)
            from = number + 1
        }
        #expect(walked == [1, 3, 4])
    }

    /// Against a dictionary, with numbers given back as a tick does that is taken back.
    @Test func table_ofAnyHistory_isWhatADictionaryIs() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var table = NumberedTable<String>()
            var model: [UInt64: String] = [:]
            var next: UInt64 = 1
            for step in 0..<500 {
                switch random.below(5) {
                case 0, 1:
                    #expect(table.append("\(step)") == next)
                    model[next] = "\(step)"
                    next += 1
                case 2:
                    let number = UInt64(random.below(Int(next) + 1))
                    #expect(table.remove(number) == model.removeValue(forKey: number))
                case 3:
                    let number = UInt64(random.below(Int(next))) + 1
                    table.insert("i\(step)", at: number)
                    model[number] = "i\(step)"
                    next = max(next, number + 1)
                default:
                    while random.once(in: 2), next > 1 {
                        _ = table.remove(next - 1)
                        model[next - 1] = nil
                        table.reuse(from: next - 1)
                        next -= 1
                    }
                }
                #expect(table.count == model.count)
                #expect(table.next == next)
            }
            #expect(elements(table) == model)
            for number in 0...next { #expect(table[number] == model[number]) }
        }
    }
}
