// How a door is opened: where a secret is kept, which certificates are trusted, who logs in. Plain values that the
// configuration gives and agent/world/real uses; the secrets themselves are never in them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace medic {

// Where a secret is kept; at most one is given. It is read when it is needed, so that a rotated one is found.
struct SecretSource {
    std::string file;                  // Its first line.
    std::string environment;           // Name of a variable of the agent's own environment.
    std::vector<std::string> command;  // Argument list; the first line that it prints.

    [[nodiscard]] bool given() const { return !file.empty() || !environment.empty() || !command.empty(); }
    auto operator<=>(const SecretSource&) const = default;
};

struct TlsFiles {
    std::string ca;                // PEM, certificates to trust; "" = the system's.
    std::string certificate, key;  // PEM, our own; "" = none.
    bool check_hostname = true;    // Whether the certificate must name the host that is connected to.
    auto operator<=>(const TlsFiles&) const = default;
};

struct SaslLoginOptions {
    std::string mechanism;  // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
    std::string username;   // Not of OAUTHBEARER: its token says who we are.
    SecretSource password;
    SecretSource token;                             // OAUTHBEARER alone.
    std::map<std::string, std::string> extensions;  // Of OAUTHBEARER (KIP-342): told with the token.

    [[nodiscard]] const SecretSource& secret() const { return token.given() ? token : password; }
};

struct KafkaSecurity {
    std::optional<TlsFiles> tls;
    std::optional<SaslLoginOptions> sasl;
};

struct HttpAuth {
    std::string username;  // Basic, with `password`.
    SecretSource password;
    SecretSource bearer;

    [[nodiscard]] bool given() const { return !username.empty() || bearer.given(); }
    auto operator<=>(const HttpAuth&) const = default;
};

struct HttpAccess {
    HttpAuth auth;
    std::optional<TlsFiles> tls;  // Absent: the system's trust store.
    auto operator<=>(const HttpAccess&) const = default;
};

}  // namespace medic
