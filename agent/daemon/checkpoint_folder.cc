#include "agent/daemon/checkpoint_folder.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "agent/store/fact.h"

namespace medic {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "chk-";
constexpr int entries_max = 10'000;  // Flink keeps a handful.

std::optional<std::uint64_t> number_of(std::string_view name) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
    return code == std::errc{} && end == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string newest_checkpoint_beside(const std::string& path) {
    std::string_view rest = path;
    std::string scheme;
    if (rest.starts_with("file:")) {
        scheme = "file:";
        rest.remove_prefix(scheme.size());
        if (rest.starts_with("///")) scheme = "file://", rest.remove_prefix(2);
    }
    if (!rest.starts_with('/') || rest.starts_with("//")) return "";
    const fs::path known(rest);
    if (!number_of(known.filename().string())) return "";

    std::error_code error;
    std::optional<std::uint64_t> newest;
    int seen = 0;
    for (fs::directory_iterator entry(known.parent_path(), error), end; !error && entry != end;
         entry.increment(error)) {
        if (++seen > entries_max) return "";
        const auto number = number_of(entry->path().filename().string());
        if (!number || (newest && *newest >= *number)) continue;
        std::error_code not_there;
        // Flink writes it last: a folder without it was never completed.
        if (fs::exists(entry->path() / "_metadata", not_there)) newest = number;
        if (not_there) return "";
    }
    if (error) return "";
    if (!newest) return std::string(no_checkpoint);
    return scheme + (known.parent_path() / (std::string(prefix) + std::to_string(*newest))).string();
}

}  // namespace medic
