// Test support: certificates made in memory for one test, files of them, and the server's side of TLS.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

namespace medic {

struct FakeCertificate {
    std::shared_ptr<X509> certificate;
    std::shared_ptr<EVP_PKEY> key;
};

class FakeAuthority {
public:
    explicit FakeAuthority(const std::string& name);

    struct Wish {
        std::string name = "broker-1";
        std::string alternatives = "DNS:localhost,IP:127.0.0.1";  // As in openssl.cnf; "" = none.
        long valid_from_s = -3'600, valid_to_s = 3'600;           // From now.
    };
    [[nodiscard]] FakeCertificate issue(const Wish& wish) const;
    [[nodiscard]] const FakeCertificate& own() const { return own_; }

private:
    FakeCertificate own_;
};

// A folder of the test's own, removed at its end.
class FakeFolder {
public:
    FakeFolder();
    ~FakeFolder();
    FakeFolder(const FakeFolder&) = delete;
    FakeFolder& operator=(const FakeFolder&) = delete;

    // Each returns the path.
    [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;
    [[nodiscard]] std::string certificate(const std::string& name, const FakeCertificate& what) const;
    [[nodiscard]] std::string key(const std::string& name, const FakeCertificate& what) const;

private:
    std::string path_;
};

// A server's context. With `clients`, it demands a certificate that this authority has issued.
[[nodiscard]] std::shared_ptr<SSL_CTX> server_context(const FakeCertificate& certificate,
                                                      const FakeAuthority* clients = nullptr);

// A server's connection, blocking, with or without TLS.
class FakeChannel {
public:
    FakeChannel(int socket, SSL_CTX* tls);
    ~FakeChannel();
    FakeChannel(const FakeChannel&) = delete;
    FakeChannel& operator=(const FakeChannel&) = delete;

    [[nodiscard]] bool open();  // The handshake, where there is one.
    [[nodiscard]] bool read(char* into, std::size_t size);
    [[nodiscard]] bool write(std::string_view bytes);

private:
    int socket_;
    SSL* ssl_ = nullptr;
};

}  // namespace medic
