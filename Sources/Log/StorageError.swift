import Platform

/// What a disk refused, and why.
package struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Operation: String, Sendable {
        case makeDirectory = "create the folder"
        case list = "list the folder"
        case open = "open"
        case size = "find the size of"
        case append = "write to"
        case read = "read"
        case truncate = "shorten"
        case rename = "rename"
        case remove = "remove"
        case sync = "sync"
        case lock = "lock"
        case changeOwner = "change the owner of"
    }

    package let operation: Operation
    package let path: String
    /// The system's number for the reason (`errno`).
    package let code: Int32

    package init(_ operation: Operation, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// No space, no quota, or a file as large as files may be: goes away when something is deleted.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
    /// Another process holds the lock.
    package var isLocked: Bool { operation == .lock && (code == EWOULDBLOCK || code == EAGAIN) }
    package var isMissing: Bool { code == ENOENT }
    /// There is something of that name already.
    package var isPresent: Bool { code == EEXIST }
    /// The system does not let this user do it.
    package var isPermission: Bool { code == EACCES || code == EPERM || code == EROFS }

    /// The file system has no such operation.
    package var isUnsupported: Bool { code == EINVAL || code == ENOTSUP }

    /// One line for a person, with what to try.
    package var description: String {
        if isLocked {
            return "\(path) is locked: another Chatloop keeps its history there; "
                + "stop it, or choose another folder with --data DIR"
        }
        var text = "cannot \(operation.rawValue) \(path): \(StorageError.reason(code))"
        if isFull {
            text += "; free some space, and the chat goes on by itself"
        } else if isPermission {
            text += "; check whose it is"
        }
        return text
    }

    private static func reason(_ code: Int32) -> String {
        // strerror's answer is the C library's, stays valid until the next call of it on this thread, and is copied here.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// The reasons that this module gives itself, in the system's numbers.
extension StorageError {
    package enum Reason: Sendable {
        /// A write took no byte and gave no error.
        case tookNothing
        /// The room has not been loaded, its name is no room's name, or the seq does not follow the newest one.
        case misuse
    }

    package init(_ operation: Operation, _ path: String, _ reason: Reason) {
        let code =
            switch reason {
            case .tookNothing: EIO
            case .misuse: EINVAL
            }
        self.init(operation, path, code: code)
    }
}
