// What must not leave: every secret that the configuration names is looked up and struck from all texts, besides what
// looks like one (agent/base/redact). And the configuration as it may be shown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/config/config.h"

namespace medic::bundle {

// Something that is not in the bundle, and why.
struct Withheld {
    std::string what, why;
    auto operator<=>(const Withheld&) const = default;
};

class Redaction {
public:
    // Reads the files and variables that hold secrets; commands that print one are not run.
    explicit Redaction(const Config& config);

    // One line at a time, so that a secret's end can't swallow the lines after it.
    [[nodiscard]] std::string clean(const std::string& text) const;
    // The known ones only: for text that has been cleaned by its meaning.
    [[nodiscard]] std::string strike(std::string text) const;
    // JSON, cleaned string by string so that it stays JSON; "" when it is none.
    [[nodiscard]] std::string clean_json(const std::string& text, int indent) const;
    [[nodiscard]] std::size_t known() const { return secrets_.size(); }
    // Secrets that could not be looked up here, by where they stand.
    [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

private:
    void learn(const SecretSource& from);
    void learn_file(const std::string& path);
    void learn_token_file(const std::string& path);
    void learn_lines(const std::string& text);
    [[nodiscard]] std::string read(const std::string& path);
    enum class UrlParts : std::uint8_t { login_and_query, path_too };
    void learn_url(const std::string& url, UrlParts parts);
    void learn_value(const std::string& value);

    std::vector<std::string> secrets_;  // Longest first.
    std::vector<std::string> unknown_;
};

// medic.yaml without comments, logins, queries, paths of receivers' addresses and arguments of commands. What is left
// out is added to `withheld`. Errors: as of loading.
[[nodiscard]] Result<std::string> config_without_secrets(const std::string& path, std::vector<Withheld>& withheld);

}  // namespace medic::bundle
