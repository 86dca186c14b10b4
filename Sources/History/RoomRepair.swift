/// What becomes of a room's files after a write or a sync has failed.
extension RoomLog {
    /// Brings the files in line with what counts. Where it throws, nothing may be appended yet.
    func repair() throws(StorageError) {
        guard needsRepair else { return }
        for index in segments.indices.reversed() {
            if segments[index].needsRewrite { try rewrite(index) }
            if segments[index].needsCut { try cut(index) }
        }
        if needsNewSegment {
            try beginSegment(newest + 1)
            closeTail()
        }
        if repairsAreSynced { try syncRepair() }
        needsRepair = false
        failure = nil
    }

    /// What was cut off must not come back by a power cut: people were told that it was refused.
    private func syncRepair() throws(StorageError) {
        if folderNeedsSync { _ = try disk.sync(folder) }
        folderNeedsSync = false
        for index in segments.indices where segments[index].isCutUnsynced {
            _ = try disk.sync(path(segments[index].first))
            segments[index].isCutUnsynced = false
        }
    }

    /// Takes back whatever was appended since the last commit.
    ///
    /// After a failed sync the kernel may have dropped the bytes and marked their pages clean, so that a second sync of the
    /// same file succeeds without them. Hence nothing that rests on those pages is kept: the file is cut back to what was
    /// synced before and never appended to again; the next events begin a new one.
    func rollBack() {
        newest = committed
        for index in segments.indices.reversed() {
            guard segments[index].synced < segments[index].length || segments[index].synced == 0 else { break }
            segments[index].length = segments[index].synced
            segments[index].needsCut = true
            segments[index].isSealed = true
            needsRepair = true
        }
        try? repair()
    }

    private func cut(_ index: Int) throws(StorageError) {
        let segment = segments[index]
        let isTail = index == segments.count - 1
        if segment.isSealed, segment.length == 0 {
            // Its name must be free again: after a failed sync the old file is not written to any more.
            if isTail { closeTail() }
            do throws(StorageError) {
                try disk.remove(path(segment.first))
            } catch {
                guard error.isMissing else { throw error }
            }
            segments.remove(at: index)
            folderNeedsSync = true
            // Its name may have been the only one to tell how far the seqs had come.
            needsNewSegment = true
            return
        }
        if isTail, let tail {
            try disk.truncate(tail, to: segment.length)
        } else {
            let file = try disk.open(path(segment.first), .append)
            defer { disk.close(file) }
            try disk.truncate(file, to: segment.length)
        }
        segments[index].needsCut = false
        segments[index].isCutUnsynced = true
    }

    /// The file that is written there until it has its name. A killed server leaves it behind.
    static let temporaryName = "rewrite.tmp"

    /// Writes the bytes whose sync failed into a new file, named by their first seq, and has them cut off the old one.
    ///
    /// They are read back from the kernel's cache, where they are even if they did not reach the disk. Where a crash comes
    /// before the old file is cut, the new one counts: its name hides the old lines.
    private func rewrite(_ index: Int) throws(StorageError) {
        let segment = segments[index]
        let temporary = folder + "/" + RoomLog.temporaryName
        let source = try disk.open(path(segment.first), .read)
        defer { disk.close(source) }
        var isRenamed = false
        // A full disk is not to be made fuller by it.
        defer { if !isRenamed { try? disk.remove(temporary) } }
        guard let first = try firstSeq(in: source, from: segment), segment.synced < segment.length,
            try copy(source, segment.synced..<segment.length, to: temporary)
        else {
            // They are gone from the cache as well. What can be read of them later will be; the rest is damaged lines.
            segments[index].needsRewrite = false
            segments[index].isSealed = true
            return
        }
        _ = try disk.sync(temporary)
        if index == segments.count - 1 { closeTail() }
        try disk.rename(temporary, to: path(first))
        isRenamed = true
        folderNeedsSync = true
        segments[index].needsRewrite = false
        if first == segment.first {
            segments[index].synced = segment.length
        } else {
            let length = segment.length - segment.synced
            segments.insert(Segment(first: first, length: length, synced: length), at: index + 1)
            segments[index].length = segment.synced
            segments[index].needsCut = true
            segments[index].isSealed = true
        }
    }

    /// The seq that the unsynced part of a segment begins with; nil where it does not begin with an event of this segment.
    private func firstSeq(in file: OpenFile, from segment: Segment) throws(StorageError) -> UInt64? {
        if segment.synced == 0 { return segment.first }
        var start = [UInt8](repeating: 0, count: 128)
        let count = try disk.readAll(file, at: segment.synced, into: &start, range: 0..<start.count)
        guard let prefix = EventPrefix(start.span, 0..<count), prefix.seq > segment.first,
            prefix.seq <= newest
        else { return nil }
        return prefix.seq
    }

    /// - Returns: whether all of it was there.
    private func copy(_ source: OpenFile, _ range: Range<Int64>, to path: String) throws(StorageError) -> Bool {
        let target = try disk.open(path, .replace)
        defer { disk.close(target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = min(buffer.count, Int(range.upperBound - offset))
            let count = try disk.readAll(source, at: offset, into: &buffer, range: 0..<wanted)
            guard count == wanted else { return false }
            try disk.appendAll(buffer.span.extracting(0..<count), to: target, path: path)
            offset += Int64(count)
        }
        return true
    }
}
