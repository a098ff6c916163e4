// The implementation of sasl_fake_internal.h; part of the test program only.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <gtest/gtest.h>

#include "agent/world/real/sasl_fake_internal.h"

namespace medic {
namespace {

using wire::KafkaError;
using wire::SaslAuthenticateResponse;

constexpr int iterations = 4'096;
constexpr unsigned char salt[] = {'s', 'a', 'l', 't', 'y', '!'};
constexpr const char* salt_base64 = "c2FsdHkh";

SaslAuthenticateResponse refused() {
    SaslAuthenticateResponse response;
    response.error = KafkaError::sasl_authentication_failed;
    response.error_message = "Authentication failed";
    return response;
}

std::string mac(const std::string& key, const std::string& text) {
    std::string out(32, '\0');
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
}

std::string salted(const std::string& password) {
    std::string out(32, '\0');
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt, sizeof salt, iterations, EVP_sha256(),
                      32, reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

std::string base64(const std::string& bytes) {
    std::string out(64, '\0');
    out.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                                        reinterpret_cast<const unsigned char*>(bytes.data()),
                                                        static_cast<int>(bytes.size()))));
    return out;
}

}  // namespace

wire::SaslHandshakeResponse FakeSaslServer::handshake(const wire::SaslHandshakeRequest& request) {
    wire::SaslHandshakeResponse response;
    response.mechanisms = logins_.mechanisms;
    const bool offered =
        std::find(logins_.mechanisms.begin(), logins_.mechanisms.end(), request.mechanism) != logins_.mechanisms.end();
    if (logins_.mechanisms.empty())
        response.error = KafkaError::illegal_sasl_state;  // A listener without SASL.
    else if (!offered)
        response.error = KafkaError::unsupported_sasl_mechanism;
    mechanism_ = request.mechanism;
    client_first_.clear();
    return response;
}

SaslAuthenticateResponse FakeSaslServer::authenticate(const wire::SaslAuthenticateRequest& request) {
    SaslAuthenticateResponse response;
    if (mechanism_ == "PLAIN") {
        const std::string expected = std::string(1, '\0') + logins_.username + std::string(1, '\0') + logins_.password;
        logged_in_ = request.auth_bytes == expected;
        if (!logged_in_) return refused();
        response.session_lifetime_ms = logins_.session_lifetime_ms;
        return response;
    }
    if (mechanism_ == "OAUTHBEARER") {
        // Of a refused token a server says so in JSON, and fails once the client has acknowledged it (RFC 7628, 3.2.3).
        logged_in_ = request.auth_bytes ==
                     "n,,\x01"
                     "auth=Bearer " +
                         logins_.password + "\x01\x01";
        if (!logged_in_) response.auth_bytes = R"({"status":"invalid_token"})";
        response.session_lifetime_ms = logins_.session_lifetime_ms;
        return response;
    }
    return client_first_.empty() ? scram_first(request.auth_bytes) : scram_final(request.auth_bytes);
}

SaslAuthenticateResponse FakeSaslServer::scram_first(const std::string& message) {
    if (!message.starts_with("n,,n=" + logins_.username + ",r=")) return refused();
    client_first_ = message.substr(3);
    server_first_ =
        client_first_.substr(client_first_.find("r=")) + "SERVER,s=" + salt_base64 + ",i=" + std::to_string(iterations);
    SaslAuthenticateResponse response;
    response.auth_bytes = server_first_;
    return response;
}

SaslAuthenticateResponse FakeSaslServer::scram_final(const std::string& message) {
    const auto proof_at = message.find(",p=");
    const std::string signed_text = client_first_ + "," + server_first_ + "," + message.substr(0, proof_at);
    const std::string client_key = mac(salted(logins_.password), "Client Key");
    std::string stored_key(32, '\0');
    EVP_Digest(client_key.data(), client_key.size(), reinterpret_cast<unsigned char*>(stored_key.data()), nullptr,
               EVP_sha256(), nullptr);
    std::string proof = mac(stored_key, signed_text);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
    if (logins_.knows_password && message.substr(proof_at + 3) != base64(proof)) return refused();
    SaslAuthenticateResponse response;
    const std::string key = mac(salted(logins_.knows_password ? logins_.password : "guess"), "Server Key");
    response.auth_bytes = "v=" + base64(mac(key, signed_text));
    response.session_lifetime_ms = logins_.session_lifetime_ms;
    logged_in_ = true;
    return response;
}

}  // namespace medic
