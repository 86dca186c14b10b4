/// The least that the logs need from a disk.
///
/// `FileStorage` is the real one; a simulated disk is another. Nothing else in this module makes a system call, so all
/// that can go wrong with a disk can be played to it.
///
/// Paths are whole paths below the data folder. Every function blocks until it is done, and may be called by any of the
/// threads that keep the log; one file is used by one thread at a time. None traps.
package protocol Storage: AnyObject, Sendable {
    /// Creates a folder (0700). One that is there already is fine; where the one above is missing, so is `isMissing`.
    ///
    /// - Returns: whether it is new.
    func makeDirectory(_ path: String) throws(StorageError) -> Bool

    /// The regular files and folders in a folder, in no order; nil where there is no such folder.
    func list(_ directory: String) throws(StorageError) -> [StorageEntry]?

    /// Opens a regular file (0600 where it is created); symbolic links are refused.
    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> OpenFile

    /// Gives the descriptor back. What was written stays; whether it is on the disk itself, only `sync` tells.
    func close(_ file: OpenFile)

    func size(of file: OpenFile) throws(StorageError) -> Int64

    /// Which file it is, whatever its name has become.
    func identity(of file: OpenFile) throws(StorageError) -> FileIdentity

    /// Which file has this name now; nil where there is none.
    func identity(at path: String) throws(StorageError) -> FileIdentity?

    /// Bytes that are free for this user where a folder lies; nil where the system does not tell.
    func freeBytes(at path: String) -> Int64?

    /// Bytes that are to stay free there, so that a disk that fills up can still be put in order; 0 where all may be used.
    func reservedBytes(at path: String) -> Int64

    /// Writes at the end of the file.
    ///
    /// - Returns: how many bytes were taken, which may be fewer than given.
    func append(_ bytes: Span<UInt8>, to file: OpenFile) throws(StorageError) -> Int

    /// Reads into a part of a buffer.
    ///
    /// - Parameter range: the part of `buffer` to fill; it must lie within the buffer.
    /// - Returns: how many bytes there were, from the start of `range`; 0 at the end of the file. May be fewer than asked.
    func read(
        _ file: OpenFile, at offset: Int64, into buffer: inout [UInt8], range: Range<Int>
    ) throws(StorageError) -> Int

    func truncate(_ file: OpenFile, to length: Int64) throws(StorageError)

    /// Replaces `target` where it exists; nobody ever sees half of it.
    func rename(_ path: String, to target: String) throws(StorageError)

    func remove(_ path: String) throws(StorageError)

    /// Makes a file the property of whoever owns its folder, as far as this process may.
    func giveToOwner(of folder: String, _ path: String) throws(StorageError)

    /// Brings an open file to the disk itself. A failure means that bytes written since the last sync may be lost for good,
    /// even where a later sync succeeds.
    ///
    /// - Returns: how long it took, in nanoseconds.
    func sync(_ file: OpenFile) throws(StorageError) -> UInt64

    /// Brings a file, or the names in a folder, to the disk itself. The folder may be reached through a symbolic link, the
    /// file may not. A folder counts as synced where its file system knows no syncs of folders.
    ///
    /// A failure whose `operation` is `.sync` is the same; one of any other operation (`.open`) says nothing about the bytes.
    ///
    /// - Returns: how long it took, in nanoseconds.
    func sync(_ path: String) throws(StorageError) -> UInt64

    /// Takes the exclusive lock that this file stands for, creating it where it is missing. It is held until `unlock`
    /// or the end of the process, however that comes. Where another one holds it, the error's `isLocked` is true.
    func lock(_ path: String) throws(StorageError)

    func unlock()

    /// Something that differs after each start of the machine, and only then; nil where the system does not tell.
    ///
    /// As long as it is the same, whatever a killed process has written is still there.
    func bootIdentifier() -> String?
}

/// A file that is open. The number means something only to the storage that gave it.
package struct OpenFile: Hashable, Sendable {
    package let number: Int32

    package init(number: Int32) {
        self.number = number
    }
}

/// A file by its device and inode: two names with the same are one file.
package struct FileIdentity: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

package enum OpenMode: Sendable {
    /// For reading; the file must exist.
    case read
    /// For `append` and `truncate`; the file must exist.
    case append
    /// The same, for a file that is created where it is missing.
    case appendOrCreate
    /// The same, for a file that must not exist yet.
    case create
    /// The same, for a file that is created, or emptied where it exists.
    case replace
}

/// What `list` tells about a file or folder.
package struct StorageEntry: Hashable, Sendable {
    package var name: String
    package var size: Int64
    package var isFile: Bool

    package init(name: String, size: Int64, isFile: Bool) {
        self.name = name
        self.size = size
        self.isFile = isFile
    }
}

extension Storage {
    package func reservedBytes(at path: String) -> Int64 { 0 }
    /// Creates a folder, and those above it where they are missing.
    ///
    /// - Parameter keep: is to bring a folder's name to the disk. It is called for this folder and each above it that had to
    ///   be made, the outermost first and before there is a next one, and for the one that those are in. So whenever a start
    ///   is killed, at most the innermost folder's name is not on the disk, and the next start sees to that.
    func makeDirectories(
        _ path: String, keep: (_ path: String) throws(StorageError) -> Void = { _ in }
    ) throws(StorageError) {
        let above = FolderPath.above(path)
        do throws(StorageError) {
            if try makeDirectory(path), above != FolderPath.above(above) { try keep(above) }
        } catch {
            guard error.isMissing, above != FolderPath.above(above) else { throw error }
            try makeDirectories(above, keep: keep)
            _ = try makeDirectory(path)
        }
        try keep(path)
    }

    /// Opens a file for `.read` or `.append`; nil where there is none.
    func openExisting(_ path: String, _ mode: OpenMode) throws(StorageError) -> OpenFile? {
        do throws(StorageError) {
            return try open(path, mode)
        } catch {
            guard error.isMissing else { throw error }
            return nil
        }
    }

    /// Appends all of it, in as many calls as the disk wants; after an error any part of it may be in the file.
    package func appendAll(
        _ bytes: Span<UInt8>, to file: OpenFile, path: @autoclosure () -> String
    ) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let count = try append(bytes.extracting(written...), to: file)
            // A disk that takes nothing and says nothing would hold the loop for ever.
            guard count > 0 else { throw StorageError(.append, path(), .tookNothing) }
            written += count
        }
    }

    /// Fills as much of the range as the file has.
    ///
    /// - Returns: how many bytes; fewer than the range only where the file ends.
    func readAll(
        _ file: OpenFile, at offset: Int64, into buffer: inout [UInt8], range: Range<Int>
    ) throws(StorageError) -> Int {
        var filled = range.lowerBound
        while filled < range.upperBound {
            let count = try read(
                file, at: offset + Int64(filled - range.lowerBound), into: &buffer, range: filled..<range.upperBound)
            if count == 0 { break }
            filled += count
        }
        return filled - range.lowerBound
    }
}

/// Folders by their paths, as they were given: a link stands for itself.
enum FolderPath {
    /// Without slashes at its end.
    static func trimmed(_ path: String) -> String {
        let end = path.utf8.lastIndex { $0 != UInt8(ascii: "/") }
        return end.map { String(path[...$0]) } ?? "/"
    }

    /// The folder that has a folder's name in it; `/` and `.` are above themselves.
    ///
    /// - Parameter path: without slashes at its end.
    static func above(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return trimmed(String(path[...slash]))
    }
}

extension Storage {
    package func giveToOwner(of folder: String, _ path: String) throws(StorageError) {}
}
