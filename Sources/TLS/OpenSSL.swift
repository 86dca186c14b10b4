import Platform

/// The functions of the system's OpenSSL 3 that TLS takes, found when they are first needed: nothing of OpenSSL is needed to
/// build Chatloop, or to run it without TLS.
///
/// A property has the type of the C function whose name stands beside it in `init`; macros of OpenSSL's headers are the calls
/// to `control…` that they stand for. All of it is safe from any thread; a context and its connections are one thread's.
@safe final class OpenSSL: @unchecked Sendable {
    typealias Handle = OpaquePointer

    /// The library, or why there is none.
    static let loaded: Result<OpenSSL, TLSError> = {
        do throws(TLSError) { return .success(try OpenSSL()) } catch { return .failure(error) }
    }()

    // MARK: Contexts (SSL_CTX)
    let serverMethod: @convention(c) () -> Handle?
    let clientMethod: @convention(c) () -> Handle?
    let newContext: @convention(c) (Handle?) -> Handle?
    let freeContext: @convention(c) (Handle?) -> Void
    let controlContext: @convention(c) (Handle?, Int32, Int, UnsafeMutableRawPointer?) -> Int
    let setOptions: @convention(c) (Handle?, UInt64) -> UInt64
    let setCiphers: @convention(c) (Handle?, UnsafePointer<CChar>?) -> Int32
    let setPasswordCallback: @convention(c) (Handle?, PasswordCallback?) -> Void
    let useCertificateChain: @convention(c) (Handle?, UnsafePointer<CChar>?) -> Int32
    let useKey: @convention(c) (Handle?, UnsafePointer<CChar>?, Int32) -> Int32
    let checkKey: @convention(c) (Handle?) -> Int32
    let certificate: @convention(c) (Handle?) -> Handle?
    let setSelectALPN: @convention(c) (Handle?, SelectCallback?, UnsafeMutableRawPointer?) -> Void
    let setOfferedALPN: @convention(c) (Handle?, UnsafePointer<UInt8>?, UInt32) -> Int32
    let setVerification: @convention(c) (Handle?, Int32, UnsafeRawPointer?) -> Void
    let trustSystem: @convention(c) (Handle?) -> Int32
    let trustFile: @convention(c) (Handle?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Int32

    // MARK: Connections (SSL)
    let newConnection: @convention(c) (Handle?) -> Handle?
    let freeConnection: @convention(c) (Handle?) -> Void
    let controlConnection: @convention(c) (Handle?, Int32, Int, UnsafeMutableRawPointer?) -> Int
    let setBIO: @convention(c) (Handle?, Handle?, Handle?) -> Void
    let setAcceptState: @convention(c) (Handle?) -> Void
    let setConnectState: @convention(c) (Handle?) -> Void
    let doHandshake: @convention(c) (Handle?) -> Int32
    let isHandshakeFinished: @convention(c) (Handle?) -> Int32
    let read: @convention(c) (Handle?, UnsafeMutableRawPointer?, Int, UnsafeMutablePointer<Int>?) -> Int32
    let write: @convention(c) (Handle?, UnsafeRawPointer?, Int, UnsafeMutablePointer<Int>?) -> Int32
    let shutDown: @convention(c) (Handle?) -> Int32
    let kindOfError: @convention(c) (Handle?, Int32) -> Int32
    let version: @convention(c) (Handle?) -> UnsafePointer<CChar>?
    let selectedALPN:
        @convention(c) (Handle?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt32>?) -> Void
    let setHost: @convention(c) (Handle?, UnsafePointer<CChar>?) -> Int32
    let setHostFlags: @convention(c) (Handle?, UInt32) -> Void
    let parameters: @convention(c) (Handle?) -> Handle?
    let setAddress: @convention(c) (Handle?, UnsafePointer<CChar>?) -> Int32
    let verifyResult: @convention(c) (Handle?) -> Int
    let verifyText: @convention(c) (Int) -> UnsafePointer<CChar>?
    let alertText: @convention(c) (Int32) -> UnsafePointer<CChar>?

    // MARK: A source and sink of our own (BIO)
    let newMethod: @convention(c) (Int32, UnsafePointer<CChar>?) -> Handle?
    let setMethodWrite: @convention(c) (Handle?, WriteCallback?) -> Int32
    let setMethodRead: @convention(c) (Handle?, ReadCallback?) -> Int32
    let setMethodControl: @convention(c) (Handle?, ControlCallback?) -> Int32
    let newBIO: @convention(c) (Handle?) -> Handle?
    let setData: @convention(c) (Handle?, UnsafeMutableRawPointer?) -> Void
    let data: @convention(c) (Handle?) -> UnsafeMutableRawPointer?
    let setInit: @convention(c) (Handle?, Int32) -> Void
    let setFlags: @convention(c) (Handle?, Int32) -> Void
    let clearFlags: @convention(c) (Handle?, Int32) -> Void

    // MARK: Errors and times
    let nextError: @convention(c) () -> UInt
    let clearErrors: @convention(c) () -> Void
    let reasonText: @convention(c) (UInt) -> UnsafePointer<CChar>?
    let notBefore: @convention(c) (Handle?) -> Handle?
    let notAfter: @convention(c) (Handle?) -> Handle?
    let timeDifference:
        @convention(c) (UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?, Handle?, Handle?) -> Int32

    typealias PasswordCallback =
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32
    typealias SelectCallback =
        @convention(c) (
            Handle?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?, UnsafePointer<UInt8>?,
            UInt32,
            UnsafeMutableRawPointer?
        ) -> Int32
    typealias WriteCallback = @convention(c) (Handle?, UnsafePointer<UInt8>?, Int32) -> Int32
    typealias ReadCallback = @convention(c) (Handle?, UnsafeMutablePointer<UInt8>?, Int32) -> Int32
    typealias ControlCallback = @convention(c) (Handle?, Int32, Int, UnsafeMutableRawPointer?) -> Int

    /// The kind of BIO that the connections have: see `Exchange`.
    private(set) var exchangeMethod: Handle?

    private init() throws(TLSError) {
        let crypto = try Library(names: Self.cryptoNames)
        let ssl = try Library(names: Self.sslNames)
        let number: @convention(c) () -> UInt = try crypto.function("OpenSSL_version_num")
        guard number() >> 28 == 3 else { throw .libraryMissing("what is there as libcrypto is no OpenSSL 3") }

        unsafe serverMethod = try unsafe ssl.function("TLS_server_method")
        unsafe clientMethod = try unsafe ssl.function("TLS_client_method")
        unsafe newContext = try unsafe ssl.function("SSL_CTX_new")
        unsafe freeContext = try unsafe ssl.function("SSL_CTX_free")
        unsafe controlContext = try unsafe ssl.function("SSL_CTX_ctrl")
        unsafe setOptions = try unsafe ssl.function("SSL_CTX_set_options")
        unsafe setCiphers = try unsafe ssl.function("SSL_CTX_set_cipher_list")
        unsafe setPasswordCallback = try unsafe ssl.function("SSL_CTX_set_default_passwd_cb")
        unsafe useCertificateChain = try unsafe ssl.function("SSL_CTX_use_certificate_chain_file")
        unsafe useKey = try unsafe ssl.function("SSL_CTX_use_PrivateKey_file")
        unsafe checkKey = try unsafe ssl.function("SSL_CTX_check_private_key")
        unsafe certificate = try unsafe ssl.function("SSL_CTX_get0_certificate")
        unsafe setSelectALPN = try unsafe ssl.function("SSL_CTX_set_alpn_select_cb")
        unsafe setOfferedALPN = try unsafe ssl.function("SSL_CTX_set_alpn_protos")
        unsafe setVerification = try unsafe ssl.function("SSL_CTX_set_verify")
        unsafe trustSystem = try unsafe ssl.function("SSL_CTX_set_default_verify_paths")
        unsafe trustFile = try unsafe ssl.function("SSL_CTX_load_verify_locations")

        unsafe newConnection = try unsafe ssl.function("SSL_new")
        unsafe freeConnection = try unsafe ssl.function("SSL_free")
        unsafe controlConnection = try unsafe ssl.function("SSL_ctrl")
        unsafe setBIO = try unsafe ssl.function("SSL_set_bio")
        unsafe setAcceptState = try unsafe ssl.function("SSL_set_accept_state")
        unsafe setConnectState = try unsafe ssl.function("SSL_set_connect_state")
        unsafe doHandshake = try unsafe ssl.function("SSL_do_handshake")
        unsafe isHandshakeFinished = try unsafe ssl.function("SSL_is_init_finished")
        unsafe read = try unsafe ssl.function("SSL_read_ex")
        unsafe write = try unsafe ssl.function("SSL_write_ex")
        unsafe shutDown = try unsafe ssl.function("SSL_shutdown")
        unsafe kindOfError = try unsafe ssl.function("SSL_get_error")
        unsafe version = try unsafe ssl.function("SSL_get_version")
        unsafe selectedALPN = try unsafe ssl.function("SSL_get0_alpn_selected")
        unsafe setHost = try unsafe ssl.function("SSL_set1_host")
        unsafe setHostFlags = try unsafe ssl.function("SSL_set_hostflags")
        unsafe parameters = try unsafe ssl.function("SSL_get0_param")
        unsafe setAddress = try unsafe crypto.function("X509_VERIFY_PARAM_set1_ip_asc")
        unsafe verifyResult = try unsafe ssl.function("SSL_get_verify_result")
        unsafe verifyText = try unsafe crypto.function("X509_verify_cert_error_string")
        unsafe alertText = try unsafe ssl.function("SSL_alert_desc_string_long")

        unsafe newMethod = try unsafe crypto.function("BIO_meth_new")
        unsafe setMethodWrite = try unsafe crypto.function("BIO_meth_set_write")
        unsafe setMethodRead = try unsafe crypto.function("BIO_meth_set_read")
        unsafe setMethodControl = try unsafe crypto.function("BIO_meth_set_ctrl")
        unsafe newBIO = try unsafe crypto.function("BIO_new")
        unsafe setData = try unsafe crypto.function("BIO_set_data")
        unsafe data = try unsafe crypto.function("BIO_get_data")
        unsafe setInit = try unsafe crypto.function("BIO_set_init")
        unsafe setFlags = try unsafe crypto.function("BIO_set_flags")
        unsafe clearFlags = try unsafe crypto.function("BIO_clear_flags")

        nextError = try crypto.function("ERR_get_error")
        clearErrors = try crypto.function("ERR_clear_error")
        unsafe reasonText = try unsafe crypto.function("ERR_reason_error_string")
        unsafe notBefore = try unsafe crypto.function("X509_get0_notBefore")
        unsafe notAfter = try unsafe crypto.function("X509_get0_notAfter")
        unsafe timeDifference = try unsafe crypto.function("ASN1_TIME_diff")

        try unsafe exchangeMethod = Exchange.makeMethod(self)
    }

    #if canImport(Darwin)
        // The system's own is no OpenSSL; these are Homebrew's.
        private static let cryptoNames = [
            "libcrypto.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
            "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
        ]
        private static let sslNames = [
            "libssl.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libssl.3.dylib",
            "/usr/local/opt/openssl@3/lib/libssl.3.dylib",
        ]
    #else
        private static let cryptoNames = ["libcrypto.so.3"]
        private static let sslNames = ["libssl.so.3"]
    #endif
}

/// A shared library that stays loaded until the process ends.
@safe private struct Library {
    private let handle: UnsafeMutableRawPointer

    /// Opens the first of `names` that is there.
    init(names: [String]) throws(TLSError) {
        for name in names {
            if let handle = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) {
                unsafe self.handle = handle
                return
            }
        }
        // The loader's words, in memory of its own: they say which file is missing, or what is wrong with it.
        let reason = unsafe dlerror().map { unsafe String(cString: $0) }
        throw .libraryMissing(reason ?? "cannot load \(names.joined(separator: " or "))")
    }

    /// The function of that name. The caller says by `Function` what its C declaration is.
    func function<Function>(_ name: String) throws(TLSError) -> Function {
        guard let pointer = unsafe dlsym(handle, name) else { throw .libraryMissing("it has no function \(name)") }
        // A pointer to a function, as dlsym has it, is what a @convention(c) value is.
        return unsafe unsafeBitCast(pointer, to: Function.self)
    }
}
