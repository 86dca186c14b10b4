import Foundation
import HTTP
import Support
import Testing

/// RFC 9110, 5.6.7: IMF-fixdate.
@Suite struct DateTests {
    @Test func theExampleOfTheRFC() {
        #expect(HTTPDate.format(secondsSinceEpoch: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        ] as [(Int64, String)])
    func daysAtWhichCalendarsGoWrong(seconds: Int64, date: String) {
        #expect(HTTPDate.format(secondsSinceEpoch: seconds) == date)
    }

    @Test func theFormEndsWithItsFourDigitYears() {
        let first = "Sat, 01 Jan 0000 00:00:00 GMT"
        let last = "Fri, 31 Dec 9999 23:59:59 GMT"
        #expect(HTTPDate.format(secondsSinceEpoch: -62_167_219_200) == first)
        #expect(HTTPDate.format(secondsSinceEpoch: -62_167_219_201) == first)
        #expect(HTTPDate.format(secondsSinceEpoch: .min) == first)
        #expect(HTTPDate.format(secondsSinceEpoch: 253_402_300_799) == last)
        #expect(HTTPDate.format(secondsSinceEpoch: 253_402_300_800) == last)
        #expect(HTTPDate.format(secondsSinceEpoch: .max) == last)
    }

    @Test func foundationAgrees() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5_000 {
            // From 1600 on: Foundation counts by the Julian calendar before.
            let seconds = Int64.random(in: -11_676_096_000...253_402_300_799, using: &random)
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            #expect(HTTPDate.format(secondsSinceEpoch: seconds) == formatter.string(from: date))
        }
    }

    @Test func countingTheDaysOneByOneAgrees() {
        let weekdays = ["Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var (days, wrong) = (0, 0)
        for year in 0...9999 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, name) in months.enumerated() {
                let length = month == 1 ? (isLeap ? 29 : 28) : [3, 5, 8, 10].contains(month) ? 30 : 31
                let expected = "\(weekdays[days % 7]), 01 \(name) \(String(year + 10_000).dropFirst()) 00:00:00 GMT"
                let date = HTTPDate.format(secondsSinceEpoch: -62_167_219_200 + Int64(days) * 86_400)
                if date != expected { wrong += 1 }
                days += length
            }
        }
        #expect(wrong == 0)
        #expect(days == 3_652_425)
    }
}
