// Who may act over HTTP: a file of lines `NAME TOKEN`; # begins a comment. Read again when it changes.
// Tokens are compared in constant time and never logged.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace medic {

class TokenFile {
public:
    TokenFile() = default;  // Nobody may act.
    [[nodiscard]] static Result<TokenFile> open(const std::string& path);

    // The person that the token of an Authorization header names.
    [[nodiscard]] std::optional<std::string> person(std::string_view authorization);
    [[nodiscard]] bool empty() const { return people_.empty(); }

private:
    Status load();
    std::string path_;
    std::int64_t stamp_ = 0;  // Of the file when it was read.
    std::vector<std::pair<std::string, std::string>> people_;
};

}  // namespace medic
