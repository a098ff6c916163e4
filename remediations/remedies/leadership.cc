#include "remediations/remedies/leadership.h"

#include <algorithm>
#include <optional>

#include <fmt/ranges.h>

#include "agent/store/kafka_words.h"
#include "remediations/remedies/parts.h"

namespace medic::remedies {
namespace {

std::optional<std::vector<int>> ids(std::string_view text) {
    std::vector<int> all;
    for (const auto part : split(text, ',')) {
        const auto id = integer(part);
        if (!id) return std::nullopt;
        all.push_back(*id);
    }
    return all;
}

std::optional<LedPartition> read_one(std::string_view text) {
    const auto colon = text.find(':'), equals = text.find('=');
    if (colon == std::string_view::npos || equals == std::string_view::npos || equals < colon) return std::nullopt;
    const auto parts = split(text.substr(equals + 1), '|');
    const auto partition = integer(text.substr(colon + 1, equals - colon - 1));
    // Without an in-sync replica the last part is empty.
    if (!partition || parts.size() < 2 || parts.size() > 3) return std::nullopt;
    const auto leader = integer(parts[0]);
    auto replicas = ids(parts[1]), in_sync = ids(parts.size() == 3 ? parts[2] : std::string_view());
    if (!leader || !replicas || replicas->empty() || !in_sync) return std::nullopt;
    return LedPartition{.partition = {.topic = std::string(text.substr(0, colon)), .partition = *partition},
                        .leader = *leader,
                        .replicas = *std::move(replicas),
                        .in_sync = *std::move(in_sync)};
}

}  // namespace

bool LedPartition::is_in_sync(int broker) const { return std::ranges::find(in_sync, broker) != in_sync.end(); }

Result<std::vector<LedPartition>> read_leadership(std::string_view text) {
    std::vector<LedPartition> all;
    if (text == leads_nothing) return all;
    for (const auto part : split(text, ';')) {
        auto one = read_one(part);
        if (!one) return fail(ErrorCode::invalid, "whom a broker leads can't be read: {}", part);
        all.push_back(*std::move(one));
    }
    return all;
}

std::string text_of(const std::vector<int>& replicas) { return fmt::format("{}", fmt::join(replicas, ",")); }

}  // namespace medic::remedies
