// Removes secrets from texts of the outside (stack traces, configurations) before they are kept or shown.
#pragma once

#include <string>
#include <string_view>

namespace medic {

// Values after keys of passwords, secrets, tokens, credentials, access keys and jaas become "[hidden]", as `key=value`,
// `"key": "value"` or `--key value`; also what follows Bearer and Basic, and user:password@ in URLs.
[[nodiscard]] std::string redact(std::string_view text, std::size_t bytes_max = 64 * 1024);

}  // namespace medic
