#include "agent/world/real/sasl_login.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "agent/base/base64.h"

namespace medic {
namespace {

// RFC 7677 asks for 4096 at least; Kafka's own limits are 4096 and 16384. More than a million is a server that wants to
// keep us busy.
constexpr int iterations_min = 4'096;
constexpr int iterations_max = 1'000'000;
constexpr std::size_t server_message_bytes_max = 4'096;

// SASLprep (RFC 4013) leaves printable ASCII as it is and forbids control characters. Beyond ASCII it needs Unicode
// tables; brokers differ in whether they apply them, so that a refusal is better than a login that fails for no visible
// reason.
Status check_prepared(std::string_view text, std::string_view what) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80)
            return fail(ErrorCode::invalid, "the {} has characters beyond ASCII, which SCRAM is not spoken with here",
                        what);
        if (byte < 0x20 || byte == 0x7f)
            return fail(ErrorCode::invalid, "the {} has a control character, which SASL forbids", what);
    }
    return {};
}

class Plain : public SaslLogin {
public:
    Plain(std::string username, Secret password) : username_(std::move(username)), password_(std::move(password)) {}

    std::string first() override {
        std::string message(1, '\0');  // No authorization identity: we are who we log in as.
        message.append(username_).append(1, '\0').append(password_.reveal());
        return message;
    }
    Result<std::optional<std::string>> next(std::string_view) override { return std::nullopt; }

private:
    std::string username_;
    Secret password_;
};

constexpr char separator = '\x01';

// What may stand in an Authorization header (RFC 6750, b64token): anything else could end the message early.
Status check_token(std::string_view token) {
    constexpr std::string_view signs = "-._~+/=";
    const bool fits = !token.empty() && std::ranges::all_of(token, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               signs.find(c) != std::string_view::npos;
    });
    if (fits) return {};
    return fail(ErrorCode::invalid, "the token is none: expected letters, digits and {}, as RFC 6750 says", signs);
}

// Kafka's OAuthBearerClientInitialResponse takes letters as a name and printable ASCII as a value.
Status check_extensions(const std::map<std::string, std::string>& extensions) {
    for (const auto& [name, value] : extensions) {
        const bool letters = !name.empty() && std::ranges::all_of(name, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        });
        if (!letters || name == "auth")
            return fail(ErrorCode::invalid, "the extension `{}`: expected a name of letters, and not `auth`", name);
        if (!std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f; }))
            return fail(ErrorCode::invalid, "the extension `{}`: expected printable ASCII", name);
    }
    return {};
}

class OAuthBearer : public SaslLogin {
public:
    OAuthBearer(std::map<std::string, std::string> extensions, Secret token)
        : extensions_(std::move(extensions)), token_(std::move(token)) {}

    std::string first() override {
        std::string message = "n,,";
        (message += separator).append("auth=Bearer ").append(token_.reveal()) += separator;
        for (const auto& [name, value] : extensions_) message.append(name).append("=").append(value) += separator;
        return message += separator;
    }

    // An accepted token is answered with nothing; a refused one with JSON, after which the client has to give up.
    Result<std::optional<std::string>> next(std::string_view server) override {
        if (server.empty()) return std::nullopt;
        return fail(ErrorCode::invalid, "refused: {}", printable(server));
    }

private:
    // The server's words for a person: bounded, and nothing in them that a terminal would obey.
    static std::string printable(std::string_view text) {
        constexpr std::size_t bytes_max = 200;
        std::string shown(text.substr(0, bytes_max));
        std::ranges::replace_if(shown, [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
        return shown;
    }

    std::map<std::string, std::string> extensions_;
    Secret token_;
};

// Splits "r=…,s=…,i=…" where each attribute is one letter; the first that is not as expected ends it.
std::optional<std::string_view> attribute(std::string_view& message, char name) {
    if (message.size() < 2 || message[0] != name || message[1] != '=') return std::nullopt;
    const auto comma = std::min(message.find(','), message.size());
    const std::string_view value = message.substr(2, comma - 2);
    message.remove_prefix(std::min(comma + 1, message.size()));
    return value;
}

class Scram : public SaslLogin {
public:
    Scram(const EVP_MD* digest, std::string_view username, Secret password, std::string nonce)
        : digest_(digest), password_(std::move(password)), nonce_(std::move(nonce)) {
        std::string name;
        for (const char c : username) name += c == '=' ? "=3D" : c == ',' ? "=2C" : std::string(1, c);
        client_first_ = "n=" + name + ",r=" + nonce_;
    }

    std::string first() override { return std::string(gs2_header) + client_first_; }

    Result<std::optional<std::string>> next(std::string_view server) override {
        if (server.size() > server_message_bytes_max)
            return fail(ErrorCode::invalid, "SCRAM: the server's message is longer than {} bytes",
                        server_message_bytes_max);
        if (server_signature_.empty()) return prove(server);
        MEDIC_CHECK(verify(server));
        return std::nullopt;
    }

private:
    static constexpr std::string_view gs2_header = "n,,";  // No channel binding.

    [[nodiscard]] std::string hmac(std::string_view key, std::string_view text) const {
        std::string out(EVP_MAX_MD_SIZE, '\0');
        unsigned int size = 0;
        HMAC(digest_, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
             text.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
        out.resize(size);
        return out;
    }

    [[nodiscard]] std::string hash(std::string_view text) const {
        std::string out(EVP_MAX_MD_SIZE, '\0');
        unsigned int size = 0;
        EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &size, digest_, nullptr);
        out.resize(size);
        return out;
    }

    Result<std::optional<std::string>> prove(std::string_view server_first) {
        std::string_view rest = server_first;
        const auto nonce = attribute(rest, 'r');
        const auto salt_text = nonce ? attribute(rest, 's') : std::nullopt;
        const auto count_text = salt_text ? attribute(rest, 'i') : std::nullopt;
        const auto salt = salt_text ? from_base64(*salt_text) : std::nullopt;
        int iterations = 0;
        if (count_text) std::from_chars(count_text->data(), count_text->data() + count_text->size(), iterations);
        if (!salt || iterations <= 0)
            return fail(ErrorCode::invalid, "SCRAM: the server's first message is not as RFC 5802 says");
        if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size())
            return fail(ErrorCode::invalid, "SCRAM: the server's nonce does not continue ours");
        if (iterations < iterations_min || iterations > iterations_max)
            return fail(ErrorCode::invalid, "SCRAM: the server asks for {} iterations, expected {} to {}", iterations,
                        iterations_min, iterations_max);

        const std::string_view password = password_.reveal();
        std::string hashed(static_cast<std::size_t>(EVP_MD_get_size(digest_)), '\0');
        if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                              reinterpret_cast<const unsigned char*>(salt->data()), static_cast<int>(salt->size()),
                              iterations, digest_, static_cast<int>(hashed.size()),
                              reinterpret_cast<unsigned char*>(hashed.data())) != 1)
            return fail(ErrorCode::internal, "SCRAM: PBKDF2 failed");
        const Secret salted(std::move(hashed));

        const std::string without_proof = "c=" + to_base64(gs2_header) + ",r=" + std::string(*nonce);
        const std::string signed_text = client_first_ + "," + std::string(server_first) + "," + without_proof;
        const Secret client_key(hmac(salted.reveal(), "Client Key"));
        const std::string signature = hmac(hash(client_key.reveal()), signed_text);
        std::string proof(client_key.reveal());
        for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
        server_signature_ = hmac(hmac(salted.reveal(), "Server Key"), signed_text);
        return without_proof + ",p=" + to_base64(proof);
    }

    // Only who knows the password's salted hash can make the signature: the broker proves itself too.
    Status verify(std::string_view server_final) const {
        std::string_view rest = server_final;
        if (const auto error = attribute(rest, 'e'))
            return fail(ErrorCode::invalid, "SCRAM: the server says {}", *error);
        const auto text = attribute(rest, 'v');
        const auto signature = text ? from_base64(*text) : std::nullopt;
        if (!signature) return fail(ErrorCode::invalid, "SCRAM: the server's last message is not as RFC 5802 says");
        if (signature->size() != server_signature_.size() ||
            CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) != 0)
            return fail(ErrorCode::invalid, "SCRAM: the server's signature is wrong: it does not know the password");
        return {};
    }

    const EVP_MD* digest_;
    Secret password_;
    std::string nonce_, client_first_, server_signature_;
};

}  // namespace

Result<std::unique_ptr<SaslLogin>> begin_sasl(const SaslLoginOptions& options, Secret secret,
                                              const std::string& nonce) {
    const std::string &mechanism = options.mechanism, &username = options.username;
    if (mechanism == "OAUTHBEARER") {
        MEDIC_CHECK(check_token(secret.reveal()));
        MEDIC_CHECK(check_extensions(options.extensions));
        return std::make_unique<OAuthBearer>(options.extensions, std::move(secret));
    }
    if (mechanism == "PLAIN") {
        if (username.find('\0') != std::string::npos)
            return fail(ErrorCode::invalid, "the user name has a zero byte, which SASL forbids");
        return std::make_unique<Plain>(username, std::move(secret));
    }
    const EVP_MD* digest = mechanism == "SCRAM-SHA-256"   ? EVP_sha256()
                           : mechanism == "SCRAM-SHA-512" ? EVP_sha512()
                                                          : nullptr;
    if (digest == nullptr)
        return fail(ErrorCode::invalid,
                    "SASL mechanism {}: expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", mechanism);
    MEDIC_CHECK(check_prepared(username, "user name"));
    MEDIC_CHECK(check_prepared(secret.reveal(), "password"));
    return std::make_unique<Scram>(digest, username, std::move(secret), nonce);
}

Result<std::string> make_nonce() {
    std::string bytes(24, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1)
        return fail(ErrorCode::internal, "no random bytes from the system");
    return to_base64(bytes);
}

}  // namespace medic
