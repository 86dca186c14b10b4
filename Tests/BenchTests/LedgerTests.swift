import Bench
import Testing

/// What is wrong with deliveries is seen, whatever it is.
@Suite struct LedgerTests {
    /// Two senders have said so many messages to three receivers.
    private func ledger(saying count: Int) -> Ledger {
        var ledger = Ledger(receivers: 3, senders: 2, isEcho: false)
        for sender in 0..<2 { for number in 1...count { #expect(ledger.say(sender) == UInt32(number)) } }
        return ledger
    }

    /// Has everyone hear everything, but for one receiver, which hears of one sender what it is given.
    private func judge(_ numbers: [UInt32], of count: Int = 5) -> Ledger {
        var ledger = ledger(saying: count)
        for receiver in 0..<3 {
            for sender in 0..<2 {
                let isOdd = receiver == 1 && sender == 1
                for number in isOdd ? numbers : Array(1...UInt32(count)) {
                    ledger.deliver(to: receiver, from: sender, number: number)
                }
            }
        }
        return ledger
    }

    @Test func everythingOnceAndInOrderIsCorrect() {
        var ledger = judge([1, 2, 3, 4, 5])
        #expect(ledger.isSettled && ledger.deliveries == 30 && ledger.sent == 10)
        ledger.close()
        #expect(ledger.isCorrect)
    }

    @Test func ofDifferentSendersNoOrderIsAsked() {
        var ledger = ledger(saying: 2)
        for receiver in 0..<3 {
            for (sender, number) in receiver == 0
                ? [(0, 1), (1, 1), (1, 2), (0, 2)] : [(1, 1), (0, 1), (0, 2), (1, 2)]
            {
                ledger.deliver(to: receiver, from: sender, number: UInt32(number))
            }
        }
        ledger.close()
        #expect(ledger.isCorrect)
    }

    @Test(arguments: [[1, 2, 4, 5], [2, 3, 4, 5], [1, 2, 3, 4]])
    func oneThatNeverComesIsLost(numbers: [UInt32]) {
        var ledger = judge(numbers)
        #expect(!ledger.isSettled)
        ledger.close()
        #expect(ledger.lost == 1 && ledger.doubled == 0 && ledger.reordered == 0 && !ledger.isCorrect)
    }

    @Test func allLostAreCounted() {
        var ledger = ledger(saying: 7)
        ledger.close()
        #expect(ledger.lost == 42 && ledger.deliveries == 0)
    }

    @Test(arguments: [[1, 2, 2, 3, 4, 5], [1, 2, 3, 1, 4, 5], [1, 2, 3, 4, 5, 5]])
    func oneThatComesAgainIsDoubled(numbers: [UInt32]) {
        var ledger = judge(numbers)
        #expect(ledger.isSettled)
        ledger.close()
        #expect(ledger.doubled == 1 && ledger.lost == 0 && ledger.reordered == 0 && !ledger.isCorrect)
    }

    @Test func whatComesTwiceDoesNotStandForWhatDoesNotCome() {
        var ledger = judge([1, 2, 2, 4, 5])
        #expect(!ledger.isSettled)
        ledger.close()
        #expect(ledger.doubled == 1 && ledger.lost == 1)
    }

    @Test func lateOnesAreOutOfOrderAndNotLost() {
        var ledger = judge([1, 5, 3, 4, 2])
        ledger.close()
        #expect(ledger.reordered == 3 && ledger.lost == 0 && ledger.doubled == 0 && !ledger.isCorrect)
    }

    @Test func lateAndThenAgainIsBoth() {
        var ledger = judge([1, 3, 2, 2, 4, 5])
        ledger.close()
        #expect(ledger.reordered == 1 && ledger.doubled == 1 && ledger.lost == 0)
    }

    @Test func whatNobodyHasSentIsForeign() {
        var ledger = judge([1, 2, 3, 4, 5, 6])
        ledger.deliver(to: 0, from: 2, number: 1)
        ledger.deliver(to: 0, from: -1, number: 1)
        ledger.deliver(to: 0, from: 0, number: 0)
        ledger.close()
        #expect(ledger.foreign == 4 && ledger.lost == 0 && ledger.doubled == 0 && !ledger.isCorrect)
    }

    @Test func anEchoIsOnesOwn() {
        var ledger = Ledger(receivers: 3, senders: 3, isEcho: true)
        for sender in 0..<3 { _ = ledger.say(sender) }
        ledger.deliver(to: 0, from: 0, number: 1)
        ledger.deliver(to: 1, from: 2, number: 1)
        #expect(ledger.foreign == 1 && !ledger.isSettled)
        ledger.deliver(to: 1, from: 1, number: 1)
        ledger.close()
        #expect(ledger.lost == 1 && ledger.doubled == 0)
    }
}
