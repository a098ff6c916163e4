// Removes secrets from texts of the outside (stack traces, configurations) before they are kept or shown.
#pragma once

#include <string>
#include <string_view>

namespace medic {

// Values after keys of passwords, secrets, tokens, credentials, access keys and jaas become "[hidden]", as `key=value`,
// `"key": "value"`, also in JSON inside of a JSON text (`\"key\": …`), `key -> value`, `key => value`, `--key value` or
// `<key>value</key>`; also what follows Bearer and Basic, the signature of a signed URL, and user:password@ in URLs.
[[nodiscard]] std::string redact(std::string_view text, std::size_t bytes_max = 64 * 1024);

}  // namespace medic
