// The C library, by whatever name this system has it: `import Platform` brings it.

#if canImport(Darwin)
    @_exported import Darwin
#elseif canImport(Musl)
    @_exported import Musl
#else
    @_exported import Glibc
#endif

// epoll, accept4 and mallopt on Linux, and zlib everywhere.
@_exported import CSystem
