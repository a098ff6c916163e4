// Addresses in texts for people: without user, password and query, which may hold secrets.
#pragma once

#include <string>
#include <string_view>

namespace medic {

[[nodiscard]] std::string shown_url(std::string_view url);  // "http://u:p@host/a?token=x" → "http://host/a?…"

}  // namespace medic
