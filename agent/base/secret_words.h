// Words that make a name the name of a secret, in lower case. Whoever hides secrets in texts and whoever decides what
// of a configuration may be kept look for the same ones; each may look for more.
#pragma once

#include <array>
#include <string_view>

namespace medic {

inline constexpr auto secret_words = std::to_array<std::string_view>(
    {"password",      "passwd",      "passphrase", "pwd",         "secret",     "credential",
     "authorization", "jaas.config", "token",      "apikey",      "api-key",    "api_key",
     "api.key",       "access.key",  "access_key", "access-key",  "accesskey",  "account.key",
     "account_key",   "account-key", "accountkey", "private.key", "private_key"});

}  // namespace medic
