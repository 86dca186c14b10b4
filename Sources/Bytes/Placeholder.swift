package enum SHA1 { package static func digest(of bytes: Span<UInt8>) -> [UInt8] { var r: [UInt8] = []; for i in bytes.indices { r.append(bytes[i]) }; return r } }
