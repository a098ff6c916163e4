#include "agent/world/real/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "agent/world/real/tls_text_internal.h"

namespace medic {

struct TlsSession::Native {
    std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* context) { SSL_CTX_free(context); })> context;
    std::unique_ptr<SSL, decltype([](SSL* ssl) { SSL_free(ssl); })> ssl;
    BIO *in = nullptr, *out = nullptr;  // The SSL's.
    TlsFiles files;
    std::string host;
    tls_text::RefusedCertificate refused;

    [[nodiscard]] Error broken() const { return {ErrorCode::invalid, tls_text::session_error(refused, files, host)}; }
};

namespace {

// A key that needs a passphrase can't be used: nobody is there to type it.
int no_passphrase(char*, int, int, void*) { return -1; }

// OpenSSL drops a certificate that it does not accept: what is to be said about it is kept here.
int on_certificate(int accepted, X509_STORE_CTX* check) {
    if (accepted == 1) return 1;
    auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* const refused = static_cast<tls_text::RefusedCertificate*>(SSL_get_app_data(ssl));
    refused->why = X509_STORE_CTX_get_error(check);
    X509* const certificate = X509_STORE_CTX_get_current_cert(check);
    if (certificate != nullptr && X509_up_ref(certificate) == 1) refused->certificate.reset(certificate);
    return 0;
}

Status load_files(SSL_CTX* context, const TlsFiles& files) {
    ERR_clear_error();
    if (files.ca.empty()) {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            return fail(ErrorCode::invalid, "tls: the system's trusted certificates cannot be read: {}",
                        tls_text::last_error());
    } else if (SSL_CTX_load_verify_file(context, files.ca.c_str()) != 1) {
        return fail(ErrorCode::invalid, "tls: ca {}: expected certificates in PEM form: {}", files.ca,
                    tls_text::last_error());
    }
    if (files.certificate.empty()) return {};
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
        return fail(ErrorCode::invalid, "tls: certificate {}: expected a certificate in PEM form: {}",
                    files.certificate, tls_text::last_error());
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return fail(ErrorCode::invalid,
                    "tls: key {}: expected a private key in PEM form, without a passphrase, that belongs to {}: {}",
                    files.key, files.certificate, tls_text::last_error());
    return {};
}

bool is_address(const std::string& host) {
    unsigned char buffer[sizeof(in6_addr)];
    return inet_pton(AF_INET, host.c_str(), buffer) == 1 || inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

Status expect_host(SSL* ssl, const std::string& host, bool check) {
    bool good = true;
    if (!is_address(host))
        good = SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && (!check || SSL_set1_host(ssl, host.c_str()) == 1);
    else if (check)
        good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!good) return fail(ErrorCode::invalid, "tls: {} cannot be a host name in a certificate", host);
    return {};
}

}  // namespace

Result<std::unique_ptr<TlsSession>> TlsSession::begin(const TlsFiles& files, const std::string& host) {
    std::unique_ptr<TlsSession> session(new TlsSession);
    session->native_ = std::make_unique<Native>();
    Native& native = *session->native_;
    native.files = files;
    native.host = host;
    native.context.reset(SSL_CTX_new(TLS_client_method()));
    if (!native.context) return fail(ErrorCode::internal, "tls: {}", tls_text::last_error());
    SSL_CTX_set_min_proto_version(native.context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(native.context.get(), SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(native.context.get(), SSL_VERIFY_PEER, on_certificate);
    MEDIC_CHECK(load_files(native.context.get(), files));
    native.ssl.reset(SSL_new(native.context.get()));
    if (!native.ssl) return fail(ErrorCode::internal, "tls: {}", tls_text::last_error());
    SSL_set_app_data(native.ssl.get(), &native.refused);
    native.in = BIO_new(BIO_s_mem());
    native.out = BIO_new(BIO_s_mem());
    SSL_set_bio(native.ssl.get(), native.in, native.out);
    SSL_set_connect_state(native.ssl.get());
    MEDIC_CHECK(expect_host(native.ssl.get(), host, files.check_hostname));
    return session;
}

TlsSession::~TlsSession() = default;

void TlsSession::feed(std::string_view bytes) { BIO_write(native_->in, bytes.data(), static_cast<int>(bytes.size())); }

std::string TlsSession::take() {
    std::string bytes(BIO_ctrl_pending(native_->out), '\0');
    if (!bytes.empty()) BIO_read(native_->out, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

Result<bool> TlsSession::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(native_->ssl.get());
    if (result == 1) return true;
    const int error = SSL_get_error(native_->ssl.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
    return std::unexpected(native_->broken());
}

Status TlsSession::write(std::string_view plain) {
    ERR_clear_error();
    std::size_t written = 0;
    // Memory takes whatever is written, in one go.
    if (SSL_write_ex(native_->ssl.get(), plain.data(), plain.size(), &written) == 1 && written == plain.size())
        return {};
    return std::unexpected(native_->broken());
}

Result<std::size_t> TlsSession::read(char* into, std::size_t size) {
    ERR_clear_error();
    std::size_t count = 0;
    if (SSL_read_ex(native_->ssl.get(), into, size, &count) == 1) return count;
    switch (SSL_get_error(native_->ssl.get(), 0)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
        case SSL_ERROR_ZERO_RETURN: return std::size_t{0};
        default: return std::unexpected(native_->broken());
    }
}

bool TlsSession::ended() const { return (SSL_get_shutdown(native_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

}  // namespace medic
