/// How much one address may fill the disk with.
extension Chat {
    /// Lets something be said from an address in a room, by which the room's file may begin; the last of the checks.
    ///
    /// - Parameter bytes: of text.
    mutating func allow(_ bytes: Int, in index: UInt32, from address: UInt64) throws(Refusal) {
        let room = Int(index)
        if rooms[room].isOfPair { return }
        let begins = limits.rules.isDurable && rooms[room].firstKept == 0 && rooms[room].beginner == nil
        if begins, roomsWithFiles >= limits.rooms { throw .roomLimit }
        let textWait = dailyText.take(bytes, for: address, of: limits.textInADay, now: moment.now)
        guard textWait == 0 else { throw .tooFast(textWait) }
        guard begins else { return }
        let hour = hourlyRooms.take(1, for: address, of: limits.newRoomsInAnHour, now: moment.now)
        let day = hour > 0 ? 0 : dailyRooms.take(1, for: address, of: limits.newRoomsInADay, now: moment.now)
        guard hour == 0, day == 0 else {
            if hour == 0 { hourlyRooms.giveBack(1, for: address) }
            dailyText.giveBack(bytes, for: address)
            throw .tooFast(max(hour, day))
        }
        rooms[room].beginner = address
        roomsWithFiles += 1
    }

    /// A room's tick is over: where its file has not begun, that is not counted. To be called before `Room.commit`.
    mutating func countBeginning(of index: UInt32) {
        guard let address = rooms[Int(index)].beginner else { return }
        rooms[Int(index)].beginner = nil
        guard rooms[Int(index)].firstKept == 0 else { return }
        roomsWithFiles -= 1
        hourlyRooms.giveBack(1, for: address)
        dailyRooms.giveBack(1, for: address)
    }
}
