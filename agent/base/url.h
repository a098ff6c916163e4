// A text as one part of a URL (RFC 3986 §2): a connector's name in a path, a value in a query.
#pragma once

#include <string>
#include <string_view>

namespace medic {

// Everything but the unreserved characters becomes %XX.
[[nodiscard]] std::string url_encode(std::string_view text);

}  // namespace medic
