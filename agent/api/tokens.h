// Who may act over HTTP: a file of lines `NAME TOKEN`; # begins a comment. Read again when it or its rights change, and
// with every question while it can't be read. Tokens are compared in constant time and never logged.
#pragma once

#include <cstdint>
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
    // What another file under that name, other contents and other rights each change.
    struct Stamp {
        std::uint64_t device = 0, inode = 0, mode = 0;
        std::int64_t bytes = 0, modified_ns = 0, changed_ns = 0;
        bool operator==(const Stamp&) const = default;
    };
    [[nodiscard]] static std::optional<Stamp> stamp_of(const std::string& path);

    Status load();
    Status read();
    std::string path_;
    std::optional<Stamp> stamp_;  // Of the file before it was read; nullopt: it was not.
    std::vector<std::pair<std::string, std::string>> people_;
};

}  // namespace medic
