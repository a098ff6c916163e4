// Removes secrets from texts of the outside (stack traces, configurations) before they are kept or shown.
#pragma once

#include <string>
#include <string_view>

namespace medic {

// Values after password, secret, token, credential, authorization and jaas keys become "[hidden]"; also user:password@
// in URLs.
[[nodiscard]] std::string redact(std::string_view text, std::size_t bytes_max = 64 * 1024);

}  // namespace medic
