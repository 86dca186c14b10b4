/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110, 5.6.7).
package enum HTTPDate {
    /// The date of a moment given in seconds since 1970, leap seconds not counted. The form has four digits for the year:
    /// moments before the year 0 or after 9999 become the first and the last that it can say.
    package static func format(secondsSinceEpoch: Int64) -> String {
        var bytes: [UInt8] = []
        append(secondsSinceEpoch: secondsSinceEpoch, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func append(secondsSinceEpoch: Int64, to output: inout [UInt8]) {
        let seconds = min(max(secondsSinceEpoch, earliest), latest)
        // Counted from the first of March of the year 0, every fourth century's last day and every leap day comes last
        // in its period, and plain division finds year and month. Nothing here is negative any more.
        let secondsSinceMarch0 = seconds + daysFromMarch0ToEpoch * 86_400 + daysIn400Years * 86_400
        let (days, second) = secondsSinceMarch0.quotientAndRemainder(dividingBy: 86_400)
        let (era, dayOfEra) = days.quotientAndRemainder(dividingBy: daysIn400Years)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 2 : monthFromMarch - 10
        let year = yearOfEra + (era - 1) * 400 + (month < 2 ? 1 : 0)

        // The first of March of the year -400, where the count begins, was a Wednesday.
        append(name: Int((days + 3) % 7), of: "SunMonTueWedThuFriSat", to: &output)
        output.append(contentsOf: ", ".utf8)
        append(day, digits: 2, then: ASCII.space, to: &output)
        append(name: Int(month), of: "JanFebMarAprMayJunJulAugSepOctNovDec", to: &output)
        output.append(ASCII.space)
        append(year, digits: 4, then: ASCII.space, to: &output)
        append(second / 3_600, digits: 2, then: ASCII.colon, to: &output)
        append(second / 60 % 60, digits: 2, then: ASCII.colon, to: &output)
        append(second % 60, digits: 2, then: ASCII.space, to: &output)
        output.append(contentsOf: "GMT".utf8)
    }

    private static let earliest: Int64 = -62_167_219_200
    private static let latest: Int64 = 253_402_300_799
    private static let daysFromMarch0ToEpoch: Int64 = 719_468
    private static let daysIn400Years: Int64 = 146_097

    /// The name of three letters at `index` of a row of such names.
    private static func append(name index: Int, of names: String, to output: inout [UInt8]) {
        output.append(contentsOf: names.utf8.dropFirst(index * 3).prefix(3))
    }

    private static func append(_ number: Int64, digits: Int, then end: UInt8, to output: inout [UInt8]) {
        var divisor: Int64 = digits == 4 ? 1_000 : 10
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
        output.append(end)
    }
}
