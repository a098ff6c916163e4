// Which Content-Type a request goes out with, for both HTTP clients. Only for this room's .cc files.
#pragma once

#include <strings.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace medic {

// The header line for curl, "" where the caller has set one. curl by itself would call any body a form's, even an empty
// one; Connect refuses that (415). Not for uploads: curl knows their type.
[[nodiscard]] inline std::string content_type_line(const std::vector<std::pair<std::string, std::string>>& headers,
                                                   const std::string& body) {
    const bool typed = std::ranges::any_of(
        headers, [](const auto& header) { return strcasecmp(header.first.c_str(), "content-type") == 0; });
    if (typed) return "";
    return body.empty() ? "Content-Type:" : "Content-Type: application/json";
}

}  // namespace medic
