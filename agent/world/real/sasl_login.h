// One SASL login, sans-I/O: what to send and what follows from the answer. PLAIN (RFC 4616), SCRAM (RFC 5802, 7677) and
// OAUTHBEARER (RFC 7628, with Kafka's extensions of KIP-342).
// Used by KafkaConnection; the nonce is handed in, so that the RFC's own examples can be tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/access.h"
#include "agent/base/result.h"
#include "agent/world/real/secret.h"

namespace medic {

class SaslLogin {
public:
    SaslLogin() = default;
    SaslLogin(const SaslLogin&) = delete;
    SaslLogin& operator=(const SaslLogin&) = delete;
    virtual ~SaslLogin() = default;

    [[nodiscard]] virtual std::string first() = 0;
    // The answer to `server`; nullopt: the login is complete, and the server has proved itself where it can.
    [[nodiscard]] virtual Result<std::optional<std::string>> next(std::string_view server) = 0;
};

// invalid: an unknown mechanism, or a user, password or token that the mechanism can't carry. `secret`: the password or
// the token. `nonce`: printable, no comma, never used before; only SCRAM looks at it.
[[nodiscard]] Result<std::unique_ptr<SaslLogin>> begin_sasl(const SaslLoginOptions& options, Secret secret,
                                                            const std::string& nonce);

// 24 random bytes in Base64.
[[nodiscard]] Result<std::string> make_nonce();

}  // namespace medic
