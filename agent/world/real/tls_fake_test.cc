// The implementation of tls_fake_internal.h; part of the test program only.
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/world/real/tls_fake_internal.h"

namespace medic {
namespace {

std::shared_ptr<EVP_PKEY> make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void extend(X509* certificate, int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(const std::string& name, long from_s, long to_s, EVP_PKEY* key) {
    static long serial = 1;
    std::shared_ptr<X509> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to_s);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    return certificate;
}

std::string pem(const auto& write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

}  // namespace

FakeAuthority::FakeAuthority(const std::string& name) {
    own_.key = make_key();
    own_.certificate = make_certificate(name, -3'600, 3'600, own_.key.get());
    X509_set_issuer_name(own_.certificate.get(), X509_get_subject_name(own_.certificate.get()));
    extend(own_.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(own_.certificate.get(), own_.key.get(), EVP_sha256());
}

FakeCertificate FakeAuthority::issue(const Wish& wish) const {
    FakeCertificate issued;
    issued.key = make_key();
    issued.certificate = make_certificate(wish.name, wish.valid_from_s, wish.valid_to_s, issued.key.get());
    X509_set_issuer_name(issued.certificate.get(), X509_get_subject_name(own_.certificate.get()));
    if (!wish.alternatives.empty()) extend(issued.certificate.get(), NID_subject_alt_name, wish.alternatives.c_str());
    X509_sign(issued.certificate.get(), own_.key.get(), EVP_sha256());
    return issued;
}

FakeFolder::FakeFolder() {
    std::string name = std::filesystem::temp_directory_path() / "medic-tls-XXXXXX";
    path_ = mkdtemp(name.data());
}
FakeFolder::~FakeFolder() { std::filesystem::remove_all(path_); }

std::string FakeFolder::write(const std::string& name, const std::string& text) const {
    std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

std::string FakeFolder::certificate(const std::string& name, const FakeCertificate& what) const {
    return write(name, pem([&](BIO* bio) { PEM_write_bio_X509(bio, what.certificate.get()); }));
}

std::string FakeFolder::key(const std::string& name, const FakeCertificate& what) const {
    return write(name, pem([&](BIO* bio) {
                     PEM_write_bio_PrivateKey(bio, what.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                 }));
}

std::shared_ptr<SSL_CTX> server_context(const FakeCertificate& certificate, const FakeAuthority* clients) {
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate.certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()), 1);
    // Without a name for its sessions a server that checks clients refuses one that comes back with a ticket.
    static constexpr unsigned char sessions[] = "fake";
    SSL_CTX_set_session_id_context(context.get(), sessions, sizeof sessions);
    if (clients != nullptr) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), clients->own().certificate.get());
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return context;
}

FakeChannel::FakeChannel(int socket, SSL_CTX* tls) : socket_(socket) {
    if (tls == nullptr) return;
    signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL.
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket);
}
FakeChannel::~FakeChannel() { SSL_free(ssl_); }

bool FakeChannel::open() { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }

bool FakeChannel::read(char* into, std::size_t size) {
    while (size > 0) {
        const ssize_t count =
            ssl_ != nullptr ? SSL_read(ssl_, into, static_cast<int>(size)) : ::recv(socket_, into, size, 0);
        if (count <= 0) return false;
        into += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

bool FakeChannel::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                              : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace medic
