// A connector's configuration without what may be a secret. Connect tells configurations as they were written,
// passwords included: this is the only form in which the agent keeps, compares, shows or journals one. A value that is
// withheld here is read and written back by agent/world/real at the moment of a change, and forgotten.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace medic {

struct ConnectorSettings {
    std::map<std::string, std::string> kept{};
    std::set<std::string> withheld{};  // Names only.
    bool operator==(const ConnectorSettings&) const = default;
};

// Whether a value may be kept in clear. What only refers to a ConfigProvider ("${file:/etc/db.properties:password}")
// may, whatever its name; else neither name nor value may look like a secret, and the value is short. Errs towards
// withholding.
[[nodiscard]] bool may_be_kept(std::string_view name, std::string_view value);

[[nodiscard]] ConnectorSettings without_secrets(const std::map<std::string, std::string>& configuration);

// Sixteen hexadecimal digits, the same in every release: what is kept, and the names of what is not. No withheld value
// goes into it, so that nobody can try passwords against it.
[[nodiscard]] std::string hash_of(const ConnectorSettings& settings);

}  // namespace medic
