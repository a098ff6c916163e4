#include "agent/world/real/url.h"

namespace medic {

std::string shown_url(std::string_view url) {
    const auto query = url.find_first_of("?#");
    std::string_view rest = url.substr(0, query);
    std::string shown;
    if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
        shown = rest.substr(0, scheme + 3);
        rest.remove_prefix(scheme + 3);
    }
    // A password may hold a slash: everything up to the last @ is left out.
    if (const auto sign = rest.rfind('@'); sign != std::string_view::npos) rest.remove_prefix(sign + 1);
    shown += rest;
    if (query != std::string_view::npos) shown += "?…";
    return shown;
}

}  // namespace medic
